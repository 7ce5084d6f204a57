"""The monitor's own absence counts against nobody, and nothing is forgotten over it."""

import time
from pathlib import Path
from typing import Any

from tests.running import Running, eventually, serving, start
from tests.system import policies

FAST = {"tick": "200ms"}
AWAY_S = 8.0
"""Longer than three intervals and `for` together."""


def _seen(service: Running) -> list[dict[str, Any]]:
    """Everything an agent is, but for what moves with time alone."""
    items = service.get("/api/agents?include=finished,fired").body["items"]
    return [{key: value for key, value in item.items() if key != "isStale"} for item in items]


def test_a_restart_rebuilds_what_was(tmp_path: Path) -> None:
    service = start(tmp_path)
    service.beat("a", status="WORKING", currentTask="t", role="r", model="m", interval=60,
                 progress=3, contextUsed=0.5, bootId="b", labels={"team": "x"})  # fmt: skip
    service.beat("w", status="WAITING")
    for result in ("success", "failure", "refused"):
        service.post(
            "/api/agents/a/outcomes", {"result": result, "durationMs": 20, "error": "e"}
        )
    service.post("/api/agents/f/outcomes", {"result": "success", "costUsd": 0.25, "score": 0.5})
    service.post("/api/agents/f/finish", {"context": "done"})
    service.beat("x", role="r")
    service.post("/api/agents/x/fire", {"reason": "derailed", "context": "c"})
    before = _seen(service)
    service.kill()

    with serving(tmp_path) as again:
        assert _seen(again) == before

        assert again.stop() == 0
    with serving(tmp_path) as third:
        assert _seen(third) == before


def test_agents_that_beat_on_after_an_outage_are_left_alone(tmp_path: Path) -> None:
    file = policies.write(tmp_path)
    agents = [f"agent-{number}" for number in range(6)]
    service = start(tmp_path, policies=file, settings=FAST)
    for agent in agents:
        service.beat(agent, interval=1, status="WORKING")
    service.kill()
    time.sleep(AWAY_S)

    with serving(tmp_path, policies=file, settings=FAST) as again:
        for _ in range(12):
            for agent in agents:
                again.beat(agent)
            time.sleep(0.4)

        assert again.decisions() == []
        assert again.get("/api/enforcement").body["panics"] == []
        page = str(again.get("/metrics").body)
        assert 'pinkslip_agents_stale{role="",workspace="default"} 0.0' in page


def test_one_that_stays_silent_after_an_outage_is_fired_only_after_a_fresh_limit(
    tmp_path: Path,
) -> None:
    file = policies.write(tmp_path)
    service = start(tmp_path, policies=file, settings=FAST)
    for agent in ("talks", "silent"):
        service.beat(agent, interval=1, status="WORKING")
    service.kill()
    time.sleep(AWAY_S)

    with serving(tmp_path, policies=file, settings=FAST) as again:

        def fired() -> bool:
            again.beat("talks")
            return bool(again.agent("silent")["standing"] == "fired")

        eventually(fired, every_s=0.3)

        (decision,) = again.decisions("&verdict=fired")
        assert decision["evidence"]["values"]["heartbeat_age"] < AWAY_S
        assert again.agent("talks")["standing"] == "active"
        explained = again.get(f"/api/decisions/{decision['id']}?recompute=true").body
        assert explained["recomputed"]["identical"], explained["recomputed"]["differences"]
