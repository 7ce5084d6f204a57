"""How fast the fleet folds, how much it holds, and how long a tick's reading takes.

    python bench/fleet.py [agents ...]

Prints one JSON line per measurement, with the budget of the design beside it where there is one. Twenty
policies' worth of windows are declared, and what evidence asks beside; outcomes are spread over the last hour,
one million of them.
"""

import gc
import json
import resource
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from time import process_time

from pinkslip.fleet.fleet import Fleet, FleetSettings, Need
from pinkslip.model.facts import Beat, Changed, Done, Fact, Registered, Reviewed
from pinkslip.model.policy import Filter, Window, WindowKind
from pinkslip.model.words import Fault, Result, Scope, Source, Status

START = 1_800_000_000_000
HOUR_MS = 3_600_000
OUTCOMES = 1_000_000
BATCH = 500
CYCLE = 64


def needs() -> list[Need]:
    """What twenty ordinary policies read."""
    minutes = [Window(WindowKind.TIME, length * 60_000) for length in (5, 10, 15, 30, 60)]
    tasks = [Window(WindowKind.TASKS, length) for length in (20, 50)]
    wide = Filter(faults=frozenset({Fault.AGENT, Fault.TOOL}))
    reads = [
        ("success_rate", minutes[4], Filter()),
        ("success_rate", minutes[3], wide),
        ("success_rate", tasks[1], Filter()),
        ("tasks", minutes[4], Filter()),
        ("failures", minutes[1], Filter()),
        ("refusals", minutes[4], Filter()),
        ("off_track", minutes[4], Filter()),
        ("timeouts", minutes[2], Filter()),
        ("corruptions", minutes[3], Filter()),
        ("corruptions", tasks[0], Filter()),
        ("score", minutes[4], Filter()),
        ("duration_mean", minutes[2], Filter()),
        ("tokens", minutes[0], Filter()),
        ("cost", minutes[4], Filter()),
        ("cost_per_success", minutes[4], Filter()),
        ("errors", minutes[1], Filter()),
        ("duration_p95", minutes[2], Filter()),
        ("consecutive_failures", None, wide),
    ]
    return [Need(name, window, outcomes) for name, window, outcomes in reads]


def evidence() -> list[Need]:
    """What policies on evidence ask beside: a ratio by kinds of task, and a test by agent and by lineage."""
    return [
        Need("expected_ratio", Window(WindowKind.TIME, 60 * 60_000)),
        *(Need("decayed", parameters=(0.85, 0.6), scope=scope) for scope in Scope),
    ]


PLAIN = ("heartbeat_age", "missed_beats", "progress_age", "status_age", "age", "context_used")
RHYTHM = ("flap_score", "suspicion")


def tell(name: str, value: float, unit: str, **more: object) -> None:
    """One line."""
    print(
        json.dumps(
            {"bench": "fleet", "name": name, "value": round(value, 4), "unit": unit, **more}
        )
    )


@contextmanager
def measured(name: str, *, count: int = 0, **more: object) -> Iterator[None]:
    """Milliseconds of CPU, and facts per second where facts are counted."""
    begun = process_time()
    yield
    spent = process_time() - begun
    if count:
        more |= {"per_s": round(count / spent), "us_each": round(spent / count * 1e6, 3)}
    tell(name, spent * 1000, "ms", **more)


def registrations(first: int, last: int) -> list[Fact]:
    """First contacts, each with what a first heartbeat says."""
    facts: list[Fact] = []
    for number in range(first, last + 1):
        facts.append(
            Registered(number, START, 3 * number, f"agent-{number:07d}", f"{number:036d}")
        )
        facts.append(
            Changed(
                number,
                START,
                3 * number + 1,
                status=Status.WORKING,
                current_task=f"task {number % 1000}",
                progress=0.5,
                boot_id=f"boot-{number:07d}",
                name=f"Agent {number}",
                model=f"model-{number % 5}",
                role=f"role-{number % 20}",
                host=f"host-{number % 500}",
                lineage=f"worker-{number % 1_000}",
                interval_ms=30_000,
            )
        )
        facts.append(Beat(number, START, 3 * number + 2))
    return facts


def outcomes(agents: int, count: int, *, begin: int, span_ms: int, seed: int) -> list[Done]:
    """Outcomes of random agents, evenly over a span."""
    random = Random(seed)
    results = (Result.SUCCESS,) * 7 + (Result.FAILURE, Result.TIMEOUT, Result.REFUSED)
    faults = (Fault.AGENT, Fault.AGENT, Fault.PROVIDER)
    return [
        Done(
            random.randint(1, agents),
            begin + span_ms * place // count,
            place,
            place.to_bytes(16, "little"),
            results[random.randrange(10)],
            faults[random.randrange(3)],
            Source.SELF,
            True,
            duration_ms=random.randrange(60_000),
            tokens_in=1_000,
            tokens_out=300,
            cost_micros=1_200,
            score_e6=800_000 if place % 4 == 0 else None,
            error="it broke" if place % 20 == 0 else None,
            kind=f"kind {place % 20}",
        )
        for place in range(count)
    ]


def fold_in_batches(fleet: Fleet, facts: Sequence[Fact]) -> None:
    """As the journal hands them over."""
    for begin in range(0, len(facts), BATCH):
        fleet.fold(facts[begin : begin + BATCH])


def resident_mb() -> float:
    """Memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def run(agents: int) -> None:
    """Everything, for one size."""
    size = {"agents": agents}
    fleet = Fleet(1, FleetSettings())
    fleet.declare(needs() + evidence())
    gc.collect()
    before, spent = resident_mb(), 0.0
    for begin in range(0, agents, 50_000):
        facts = registrations(begin + 1, min(begin + 50_000, agents))
        begun = process_time()
        fold_in_batches(fleet, facts)
        fleet.take_digest()
        spent += process_time() - begun
        del facts
    tell(
        "first contacts: 3 facts each", spent * 1000, "ms", us_each=spent / agents * 1e6, **size
    )
    gc.collect()
    used = (resident_mb() - before) * 1e6 / agents
    tell("memory per agent, without outcomes", used, "bytes", budget=2000, **size)
    _outcomes(fleet, size)
    _ticks(fleet, size)
    _evidence(fleet, size)
    _reviews(fleet, size)
    _snapshots(fleet, size)


def _outcomes(fleet: Fleet, size: dict[str, int]) -> None:
    gc.collect()
    before = resident_mb()
    spent = 0.0
    chunk = 100_000
    for part in range(OUTCOMES // chunk):
        facts = outcomes(
            size["agents"],
            chunk,
            begin=START + part * HOUR_MS // 10,
            span_ms=HOUR_MS // 10,
            seed=part,
        )
        begun = process_time()
        fold_in_batches(fleet, facts)
        fleet.advance(START + (part + 1) * HOUR_MS // 10)
        fleet.take_digest()
        spent += process_time() - begun
        del facts
    tell(
        "outcomes folded, added up and digested",
        spent * 1000,
        "ms",
        per_s=round(OUTCOMES / spent),
        us_each=round(spent / OUTCOMES * 1e6, 3),
        needed_per_s=150_000,
        **size,
    )
    gc.collect()
    log = fleet._memory.log  # noqa: SLF001 - the bench looks inside
    tell("log per outcome", log.nbytes / len(log), "bytes", budget=64, **size)
    tell(
        "windows, rings and log, per outcome",
        (resident_mb() - before) * 1e6 / OUTCOMES,
        "bytes",
        **size,
    )


def _ticks(fleet: Fleet, size: dict[str, int]) -> None:
    agents = size["agents"]
    now = START + HOUR_MS
    for tick in range(3):
        begin, now = now, now + 5_000
        beats = [Beat(number, begin, number) for number in range(1, agents + 1, 6)]
        with measured("heartbeats folded", count=len(beats), **size):
            fold_in_batches(fleet, beats)
        fold_in_batches(fleet, outcomes(agents, 1_400, begin=begin, span_ms=5_000, seed=tick))
        with measured("tick: windows moved on", **size):
            fleet.advance(now)
        with measured(
            "tick: every measure of 20 policies as vectors",
            **size,
            budget_ms=1000 if agents > 100_000 else 50,
        ):
            measures = fleet.at(now)
            for need in needs():
                if need.name != "duration_p95":
                    measures.value(need.name, need.window, need.outcomes)
            for name in PLAIN:
                measures.value(name)
            measures.words("role"), measures.words("status")
        with measured("tick: exact p95 of 1 in 100", **size):
            window = Window(WindowKind.TIME, 15 * 60_000)
            measures.quantile("duration_p95", window, Filter(), measures.numbers[::100] - 1)
        with measured("tick: digest", **size):
            fleet.take_digest()


def _evidence(fleet: Fleet, size: dict[str, int]) -> None:
    """Each part of evidence that the judge asks the fleet for, once for everybody."""
    fleet.fold(beats_of_an_hour(size["agents"]))
    measures = fleet.at(START + HOUR_MS + 60_000)
    for scope in Scope:
        with measured(f"evidence: counts by {scope}", **size):
            measures.counts(Filter(), scope)
        with measured(f"evidence: decay by {scope}", **size):
            measures.cusum(0.85, 0.6, Filter(), scope)
    with measured("evidence: 20 kinds of task", **size):
        measures.task_kinds(Window(WindowKind.TIME, 60 * 60_000), Filter())
    for name in RHYTHM:
        with measured(f"evidence: {name}", **size):
            measures.value(name)


def beats_of_an_hour(agents: int) -> list[Beat]:
    """Ten beats each, so that everybody has a rhythm."""
    return [
        Beat(number, START + HOUR_MS + 16_000 + 4_000 * place, number)
        for place in range(10)
        for number in range(1, agents + 1)
    ]


def _reviews(fleet: Fleet, size: dict[str, int]) -> None:
    reviewed = outcomes(size["agents"], 5_000, begin=START + HOUR_MS, span_ms=60_000, seed=7)
    fleet.fold(reviewed)
    fleet.advance(START + HOUR_MS + 60_000)
    reviews = [
        Reviewed(
            done.agent_no,
            done.at,
            done.seq,
            done.event_id,
            outcome_writer=1,
            outcome_seq=done.seq,
            outcome_at=done.at,
            score_e6=500_000,
            before_e6=done.score_e6,
        )
        for done in reviewed
    ]
    with measured("reviews folded", count=len(reviews), **size):
        fold_in_batches(fleet, reviews)
        fleet.advance(START + HOUR_MS + 60_000)


def _snapshots(fleet: Fleet, size: dict[str, int]) -> None:
    agents, now = size["agents"], START + 2 * HOUR_MS
    with measured("snapshot, first", **size):
        fleet.snapshot(seq=1, now=now)
    fleet.fold([Beat(number, now, number) for number in range(1, agents + 1, 6)])
    with measured("snapshot after heartbeats", **size):
        fleet.snapshot(seq=2, now=now)
    fleet.fold(outcomes(agents, 500, begin=now, span_ms=10, seed=9))
    with measured("snapshot after outcomes", **size):
        fleet.snapshot(seq=3, now=now)
    fleet.fold([Changed(1, now, 1, status=Status.IDLE), Changed(2, now, 2, role="other")])
    with measured("snapshot after changes", **size):
        fleet.snapshot(seq=4, now=now)
    numbers = fleet.dirty()[:10_000]
    with measured("checkpoint rows", count=len(numbers), **size):
        rows = fleet.checkpoint(numbers)
    again = Fleet(1, FleetSettings())
    again.declare(needs() + evidence())
    with measured("rebuild: agents restored", count=len(rows), **size):
        again.fold(rows)
        again.horizon()


if __name__ == "__main__":
    for wanted in [int(argument) for argument in sys.argv[1:]] or [100_000, 1_000_000]:
        run(wanted)
