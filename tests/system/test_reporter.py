"""A real second process runs the reporter, is fired by its policy, and ends; one that ignores orders is a zombie."""

import subprocess
import sys
import time
from pathlib import Path

from tests.running import eventually, serving
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
