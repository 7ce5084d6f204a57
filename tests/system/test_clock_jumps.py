"""The wall clock of a real service jumps by an hour, a day and ten years, both ways; its stopwatch does not.

libfaketime moves the wall of the process alone. Nobody is fired for it, deciding goes on, nothing piles up.
"""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.running import Running, eventually, serving
from tests.system import policies

TICK_S = 0.5
INTERVAL_S = 5
"""Silent for three of these and a second more is fired: more than a busy machine keeps a request waiting."""
HOUR, DAY = 3_600, 86_400
JUMPS = {"an hour": HOUR, "a day": DAY, "ten years": 3_650 * DAY}
AGENTS = ("one", "two", "three")
GROWTH_MB_MAX = 24
"""Twelve jumps may cost no more memory than a few pages of caches."""


class Wall:
    """The wall clock of the process, as far from the real one as its file says."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.jump_to(0)

    def jump_to(self, offset_s: int) -> None:
        self._file.write_text(f"{offset_s:+d}\n")

    @property
    def environment(self) -> dict[str, str]:
        (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }


@pytest.fixture
def wall(tmp_path: Path) -> Wall:
    return Wall(tmp_path / "offset")


@pytest.fixture
def service(tmp_path: Path, wall: Wall) -> Iterator[Running]:
    with serving(
        tmp_path / "service",
        policies=policies.write(tmp_path),
        settings={"tick": f"{round(TICK_S * 1000)}ms"},
        environment=wall.environment,
    ) as running:
        yield running


def ticks(service: Running) -> int:
    found = re.search(
        r"^pinkslip_evaluation_duration_seconds_count (\S+)",
        str(service.get("/metrics").body),
        re.MULTILINE,
    )
    return int(float(found.group(1))) if found else 0


def wall_of(service: Running) -> float:
    """The instant the service's own page names as its last look, by the wall clock it sees."""
    found = re.search(
        r"^pinkslip_evaluation_last_timestamp_seconds\{[^}]*\} (\S+)",
        str(service.get("/metrics").body),
        re.MULTILINE,
    )
    return float(found.group(1)) if found else 0.0


def resident_mb(service: Running) -> float:
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    assert found is not None
    return int(found.group(1)) / 1024


def beating(service: Running, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for agent in AGENTS:
            assert service.beat(agent, interval=INTERVAL_S, status="WORKING").status == 200
        time.sleep(0.2)


def ticks_until_deciding_goes_on(service: Running) -> float:
    """How many ticks' time passes before the judge has looked twice more, agents beating meanwhile."""
    before, began = ticks(service), time.monotonic()

    def went_on() -> bool:
        for agent in AGENTS:
            service.beat(agent)
        return ticks(service) >= before + 2

    eventually(went_on, every_s=0.05)
    return (time.monotonic() - began) / TICK_S


def test_jumps_of_the_wall_fire_nobody_and_stop_nothing(service: Running, wall: Wall) -> None:
    beating(service, 3.0)
    undisturbed = max(ticks_until_deciding_goes_on(service) for _ in range(6))
    before_mb = resident_mb(service)
    slowest = 0.0

    for name, span in JUMPS.items():
        for offset in (span, 0, -span, 0):
            real = time.time()
            wall.jump_to(offset)

            took = ticks_until_deciding_goes_on(service)
            slowest = max(slowest, took)
            beating(service, 0.5)

            assert service.decisions() == [], f"after a jump of {name}"
            assert abs(wall_of(service) - real - offset) < 60, f"after a jump of {name}"

    grown_mb = resident_mb(service) - before_mb
    print(
        json.dumps(
            {"jumps": 4 * len(JUMPS), "two_more_ticks_after_at_most_ticks": round(slowest, 1),
             "and_without_a_jump": round(undisturbed, 1),
             "grown_mb": round(grown_mb, 1)}
        )
    )  # fmt: skip
    assert service.get("/api/enforcement").body["panics"] == []
    assert grown_mb < GROWTH_MB_MAX


def test_after_a_jump_silence_is_judged_again_and_only_by_the_stopwatch(
    service: Running, wall: Wall
) -> None:
    beating(service, 2.0)
    wall.jump_to(-DAY)
    ticks_until_deciding_goes_on(service)

    def fired() -> bool:
        for agent in AGENTS[:2]:
            service.beat(agent)
        return bool(service.agent(AGENTS[2])["standing"] == "fired")

    eventually(fired, every_s=0.2)

    (decision,) = service.decisions("&verdict=fired")
    assert decision["evidence"]["values"]["heartbeat_age"] < 60
    explained = service.get(f"/api/decisions/{decision['id']}?recompute=true").body
    assert explained["recomputed"]["identical"], explained["recomputed"]["differences"]
