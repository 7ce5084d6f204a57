"""A real second process runs the reporter, is fired by its policy, and ends; one that ignores orders is a zombie."""

import subprocess
import sys
import time
from pathlib import Path

from tests.running import Running, eventually, serving
from tests.system import policies

from pinkslip.client import EXIT_FIRED

FAST = {"tick": "200ms", "stop_grace": "1s"}
OBEDIENT = """
import sys, time
from pinkslip.client import Reporter
with Reporter("obedient", url=sys.argv[1], role="r", interval=1) as reporter:
    while True:
        with reporter.task("work") as task:
            time.sleep(0.05)
            task.result("failure")
"""


def test_the_fired_process_obeys_and_the_delivery_reads_confirmed(tmp_path: Path) -> None:
    with serving(tmp_path, policies=policies.write(tmp_path), settings=FAST) as service:
        agent = subprocess.Popen([sys.executable, "-c", OBEDIENT, service.url])
        try:
            assert agent.wait(30) == EXIT_FIRED
        finally:
            agent.kill()

        (fire,) = service.agent("obedient")["fireHistory"]
        assert fire["reason"] == "dumb"
        assert fire["policy"] == "dumb"

        def confirmed() -> bool:
            (delivery,) = service.agent("obedient")["fireHistory"][0]["deliveries"]
            return bool(delivery["state"] == "confirmed")

        eventually(confirmed)


def test_an_agent_that_ignores_orders_reads_zombie(tmp_path: Path) -> None:
    with serving(tmp_path, policies=policies.write(tmp_path), settings=FAST) as service:
        service.beat("deaf", role="r", interval=5, bootId="b1")
        for _ in range(5):
            service.post("/api/agents/deaf/outcomes", {"result": "failure"})
        eventually(lambda: service.agent("deaf")["standing"] == "fired")

        def zombie() -> bool:
            answer = service.beat("deaf", bootId="b1")
            assert answer.status == 200
            assert answer.body["orders"] == [{"type": "stop", "reason": "dumb"}]
            states = [
                delivery["state"]
                for delivery in service.agent("deaf")["fireHistory"][0]["deliveries"]
            ]
            return states[:1] == ["zombie"]

        eventually(zombie, every_s=0.3)
        eventually(
            lambda: (
                service.beat("deaf", bootId="b1").status == 200
                and 'pinkslip_zombies{role="r",workspace="default"} 1.0'
                in str(service.get("/metrics").body)
            ),
            every_s=0.3,
        )
        newcomer = service.beat("deaf", bootId="b2")

        assert newcomer.status == 409
        assert newcomer.body["orders"] == [{"type": "stop", "reason": "dumb"}]


def test_a_last_word_that_was_not_the_last_is_no_confirmation(tmp_path: Path) -> None:
    with serving(tmp_path, policies=policies.write(tmp_path), settings=FAST) as service:
        service.beat("liar", role="r", interval=5, bootId="b1")
        service.post("/api/agents/liar/outcomes", {"result": "success"})
        service.post("/api/agents/liar/fire", {"reason": "derailed"})
        service.beat("liar", bootId="b1")
        service.post("/api/agents/liar/finish", {"bootId": "b1"})
        eventually(lambda: _states(service, "liar") == ["confirmed"])

        def risen() -> bool:
            service.beat("liar", bootId="b1")
            return _states(service, "liar")[0] == "zombie"

        eventually(risen, every_s=0.3)
        eventually(lambda: _zombies(service) == "1.0")

        service.post("/api/agents/liar/finish", {"bootId": "b1"})
        eventually(lambda: _states(service, "liar")[-1] == "confirmed")
        eventually(lambda: _zombies(service) == "0.0")
        assert _states(service, "liar")[0] == "zombie"

        service.kill()
    with serving(tmp_path, policies=policies.write(tmp_path), settings=FAST) as service:
        assert _zombies(service) == "0.0"
        assert 'pinkslip_deliveries{state="confirmed",workspace="default"} 1.0' in _page(
            service
        )

        service.post("/api/agents/liar/reinstate", {"context": "a drill"})
        assert _states(service, "liar")[0] == "zombie"


def test_a_zombie_is_counted_from_the_first_page_after_a_restart(tmp_path: Path) -> None:
    file = policies.write(tmp_path)
    with serving(tmp_path, policies=file, settings=FAST) as service:
        service.beat("deaf", role="r", interval=60, bootId="b1")
        service.post("/api/agents/deaf/fire", {"reason": "derailed"})

        def risen() -> bool:
            service.beat("deaf", bootId="b1")
            return _zombies(service) == "1.0"

        eventually(risen, every_s=0.3)
        service.kill()
    with serving(tmp_path, policies=file, settings={"tick": "1h"}) as service:
        assert _zombies(service) == "1.0"

        service.post("/api/agents/deaf/reinstate", {"context": "a drill"})
        assert _zombies(service) == "0.0"


def test_what_a_fired_agent_sent_is_in_no_later_post_mortem(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        service.post("/api/agents/a/outcomes", {"result": "success"})
        service.post("/api/agents/a/fire", {"reason": "derailed"})
        service.post("/api/agents/a/outcomes", {"result": "failure", "error": "after the fire"})
        service.post("/api/agents/a/reinstate", {})
        service.post("/api/agents/a/fire", {"reason": "dumb"})

        post_mortem = service.agent("a")["fireHistory"][1]["postMortem"]

        assert post_mortem["lastError"] is None
        assert [outcome["result"] for outcome in post_mortem["lastOutcomes"]] == ["success"]


def test_stopped_enforcement_decides_and_delivers_nothing_over_a_restart(
    tmp_path: Path,
) -> None:
    file = policies.write(tmp_path)
    with serving(tmp_path, policies=file, settings=FAST) as service:
        service.beat("told", bootId="b")
        service.post("/api/agents/told/fire", {"reason": "dumb"})
        stop = {"stopped": True, "reason": "drill"}
        assert service.post("/api/enforcement", stop).status == 200
        for _ in range(6):
            service.post("/api/agents/bad/outcomes", {"result": "failure"})
        eventually(lambda: service.decisions("&verdict=held"))

        assert service.beat("told", bootId="b").body["orders"] == []
        service.kill()
    with serving(tmp_path, policies=file, settings=FAST) as service:
        time.sleep(1)
        assert service.agent("bad")["standing"] == "active"
        assert service.beat("told", bootId="b").body["orders"] == []
        assert "pinkslip_enforcement_enabled" in str(service.get("/metrics").body)

        service.post("/api/enforcement", {"stopped": False, "reason": "over"})
        eventually(lambda: service.agent("bad")["standing"] == "fired")
        assert service.beat("told", bootId="b").body["orders"] == [
            {"type": "stop", "reason": "dumb"}
        ]


def _states(service: Running, agent: str) -> list[str]:
    return [one["state"] for one in service.agent(agent)["fireHistory"][0]["deliveries"]]


def _page(service: Running) -> str:
    return str(service.get("/metrics").body)


def _zombies(service: Running) -> str:
    sample = 'pinkslip_zombies{role="r",workspace="default"} '
    return next(
        line.removeprefix(sample)
        for line in _page(service).splitlines()
        if line.startswith(sample)
    )
