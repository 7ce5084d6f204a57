"""Two processes, one database: one serves, and whoever lost the lease can do no harm."""

import signal
from pathlib import Path

import pytest
from tests.running import Running, eventually, serving, start
from tests.system import policies

FAST = {"tick": "300ms", "lease_ttl": "2s"}


def test_the_second_names_the_holder_and_takes_over_from_the_dead(
    tmp_path: Path, postgres_url: str
) -> None:
    file = policies.write(tmp_path)
    with serving(tmp_path / "a", database=postgres_url, policies=file, settings=FAST) as first:
        second = start(
            tmp_path / "b",
            database=postgres_url,
            policies=file,
            settings=FAST,
            wait_until_ready=False,
        )
        try:
            refused = second.get("/api/agents")
            assert refused.status == 503
            assert f":{first.process.pid}" in refused.body["detail"]
            assert second.get("/-/healthy").status == 200
            assert second.get("/-/ready").status == 503
            for _ in range(6):
                first.post("/api/agents/bad/outcomes", {"result": "failure"})
            eventually(lambda: first.agent("bad")["standing"] == "fired")

            first.kill()
            eventually(lambda: second.get("/-/ready").status == 200)

            again = second.agent("bad")
            assert again["firedCount"] == 1
            assert again["metrics"]["totalTasks"] == 6
            second.beat("good")
            eventually(lambda: _ticks_on(second))
            assert len(second.decisions("&verdict=fired")) == 1
        finally:
            second.stop()


def test_a_holder_paused_past_its_lease_is_fenced(tmp_path: Path, postgres_url: str) -> None:
    file = policies.write(tmp_path)
    with (
        serving(tmp_path / "a", database=postgres_url, policies=file, settings=FAST) as first,
        serving(
            tmp_path / "b",
            database=postgres_url,
            policies=file,
            settings=FAST,
            wait_until_ready=False,
        ) as second,
    ):
        first.beat("kept")
        first.signal(signal.SIGSTOP)
        try:
            eventually(lambda: second.get("/-/ready").status == 200)
            second.beat("later")
        finally:
            first.signal(signal.SIGCONT)

        refused = eventually(lambda: _refusal(first))

        assert f":{second.process.pid}" in refused["detail"]
        assert {row["agentId"] for row in second.get("/api/agents").body["items"]} == {
            "kept",
            "later",
        }


@pytest.mark.parametrize("order", ["first stops", "first is killed"])
def test_on_sqlite_the_second_waits_for_the_lock_and_then_serves_at_once(
    tmp_path: Path, order: str
) -> None:
    database = str(tmp_path / "shared.db")
    first = start(tmp_path / "a", database=database)
    second = start(tmp_path / "b", database=database, wait_until_ready=False)
    try:
        first.beat("one")
        assert second.get("/api/agents").status == 503

        if order == "first stops":
            assert first.stop() == 0
        else:
            first.kill()
        eventually(lambda: second.get("/-/ready").status == 200)

        assert second.agent("one")["status"] == "IDLE"
    finally:
        first.stop()
        second.stop()


def _refusal(service: Running) -> object:
    answer = service.beat("late")
    return answer.body if answer.status == 503 and "serves" in answer.body["detail"] else None


def _ticks_on(service: Running) -> bool:
    text = str(service.get("/metrics").body)
    return "pinkslip_evaluation_last_timestamp_seconds" in text
