"""What a tick costs: the fleet's window upkeep and the judge, for 20 policies and a million outcomes in the windows.

    python bench/tick.py [--agents N ...] [--outcomes N] [--ticks N]

Prints one JSON line per measurement: the median (and the worst) of the ticks in milliseconds, wall and CPU of this
process, beside the design's budget. Between ticks 5 s of heartbeats and outcomes are folded; that is the
fleet's steady work and stands on lines of its own. Three more things are measured:

- an outage: a third of the fleet falls silent at once, the tick that records it, and the ticks after;
- a common cause: whether the failing agents share a model or a host, asked once a tick of half the policies;
- the control: the same 20 conditions as plain Python closures, agent by agent, on values already worked out;
- what Prometheus takes for such rules, quoted: measured on a machine of this kind, not in this run.
"""

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import TypeVar

import numpy as np

from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.fleet.snapshot import Floats
from pinkslip.judge.evaluate import Evaluator, Readings, Truth, calls_of, measures_of
from pinkslip.judge.judge import Judgement, JudgeState, judge
from pinkslip.judge.weighing import CONDITIONS as CONDITIONS_OF_EVIDENCE
from pinkslip.model.facts import Beat, Changed, Done, Fact, Registered
from pinkslip.model.policy import (
    Arithmetic,
    Call,
    Comparison,
    Constant,
    Expression,
    Logic,
    Measured,
    Negative,
    Not,
    PolicySet,
)
from pinkslip.model.words import Fault, Result, Source, Status
from pinkslip.policies.load import Source as PolicyFile
from pinkslip.policies.load import load, needs

T = TypeVar("T")

START = 1_800_000_000_000
HOUR_MS = 3_600_000
TICK_MS = 5_000
INTERVAL_MS = 30_000
BATCH = 500
RECORDING_TICKS = 12
BUDGET_MS = {100_000: 50, 1_000_000: 1_000}
PROMETHEUS = {
    "name": "peer, quoted: Prometheus 3.5, one evaluation of 20 such rules, 100k agents",
    "value": 65_000,
    "worst": 74_000,
    "unit": "ms",
    "note": "measured earlier on a like machine (2 cores), one core; 39-43 s with recording rules; not run here",
}

CONDITIONS = (
    "heartbeat_age > 3 * heartbeat_interval",
    "heartbeat_age > 10 * heartbeat_interval",
    "missed_beats > 20",
    "status_age > 12h",
    "progress_age > 2h",
    "failures[5m] / tasks[5m] > 60% and tasks[5m] >= 10",
    "failures[10m] / tasks[10m] > 60% and tasks[10m] >= 10",
    "failures[15m] / tasks[15m] > 50% and tasks[15m] >= 10",
    "proven(success < 70%, error=1%)",
    "expected_ratio[1h] < 50%",
    "outlier(success_rate[1h]) > 4 and success_rate[1h] < 50%",
    "success_rate[50 tasks] < 50%",
    "success_rate[20 tasks] < 40% and tasks[1h] > 0",
    "decayed(success, from=85%, to=60%)",
    "timeouts[30m] >= 5 or corruptions[30m] >= 5",
    "consecutive_failures >= 6",
    "cost[1h] > $5",
    "errors[15m] > 5 and not (success_rate[15m] >= 90%)",
    "score[1h] < 30%",
    "duration_p95[30m] > 2m and tasks[30m] >= 8",
)
KINDS = tuple(f"kind-{number}" for number in range(10))
MATCHES = (
    "",
    "    match: {status: [IDLE, WORKING, ERROR]}\n",
    "    match: {role: ~role-1.*}\n",
)


def policies() -> PolicySet:
    """Twenty ordinary ones: a third about some agents only, all with `for`, half of them enforcing. The guards
    are the default ones: pools by role, common causes by model, host and two labels."""
    text = "version: 1\npolicies:\n"
    for place, condition in enumerate(CONDITIONS):
        mode = "enforce" if place % 2 else "shadow"
        text += (
            f"  - name: policy-{place}\n    reason: dumb\n{MATCHES[place % 3]}"
            f"    when: {condition}\n    for: 30s\n    mode: {mode}\n    action: fire\n"
        )
    loaded = load([PolicyFile("bench.yaml", text)])
    assert loaded.policy_set is not None, [problem.render() for problem in loaded.problems]
    return loaded.policy_set


def newcomers(begin: int, end: int, at: int) -> Iterator[Fact]:
    """First contacts of the agents from `begin` to `end`."""
    for number in range(begin, end):
        yield Registered(number, at, 3 * number, f"agent-{number}", f"{number:036d}")
        yield Changed(
            number,
            at,
            3 * number + 1,
            status=Status.WORKING,
            role=f"role-{number % 20}",
            model=f"model-{number % 7}",
            host=f"host-{number % 499}",
            interval_ms=INTERVAL_MS,
            progress=0.5,
        )
        yield Beat(number, at, 3 * number + 2)


def outcomes(
    agents: int, count: int, *, begin: int, span_ms: int, random: Random
) -> list[Done]:
    """Outcomes of random agents, evenly over a span; one agent in 500 fails most of its tasks, slowly."""
    results = (Result.FAILURE, Result.TIMEOUT, Result.REFUSED, Result.UNPARSABLE)
    done = []
    for place in range(count):
        number = random.randint(1, agents)
        is_bad = number % 500 == 0
        fails = random.random() < (0.8 if is_bad else 0.03)
        done.append(
            Done(
                number,
                begin + span_ms * place // count,
                place,
                place.to_bytes(16, "little"),
                random.choice(results) if fails else Result.SUCCESS,
                Fault.AGENT,
                Source.SELF,
                True,
                kind=KINDS[place * 7 % len(KINDS)],
                duration_ms=random.randrange(300_000 if is_bad else 60_000),
                tokens_in=1_000,
                cost_micros=1_200,
                score_e6=800_000 if place % 4 == 0 else None,
                error="it broke" if fails else None,
            )
        )
    return done


class Bench:
    """A fleet in the middle of its life, and its judge."""

    def __init__(self, agents: int, outcomes_in_windows: int) -> None:
        self.agents, self.outcomes = agents, outcomes_in_windows
        self.random = Random(4711)
        self.policy_set = policies()
        self.state = JudgeState()
        self.fleet = Fleet(1, FleetSettings())
        self.fleet.declare(needs(self.policy_set))
        self.now = START
        self._grow()

    def _grow(self) -> None:
        for begin in range(1, self.agents + 1, 50_000):
            self.fold(list(newcomers(begin, min(begin + 50_000, self.agents + 1), self.now)))
        parts = max(1, self.outcomes // 50_000)
        for part in range(parts):
            begin = START + part * HOUR_MS // parts
            self.fold(
                outcomes(
                    self.agents,
                    self.outcomes // parts,
                    begin=begin,
                    span_ms=HOUR_MS // parts,
                    random=self.random,
                )
            )
            self.fleet.advance(begin + HOUR_MS // parts)
        self.now = START + HOUR_MS
        self.fold([Beat(number, self.now, number) for number in range(1, self.agents + 1)])
        gc.collect()
        gc.freeze()  # as the service does once it has started

    def fold(self, facts: Sequence[Fact]) -> None:
        """As the journal hands them over."""
        for begin in range(0, len(facts), BATCH):
            self.fleet.fold(facts[begin : begin + BATCH])

    def pass_time(self, *, silent_from: int = 0) -> None:
        """One tick's worth of heartbeats and outcomes; agents from `silent_from` on send none."""
        begin, self.now = self.now, self.now + TICK_MS
        last = silent_from or self.agents + 1
        phase = begin // TICK_MS % (INTERVAL_MS // TICK_MS)
        beats = [Beat(number, begin, number) for number in range(1 + phase, last, 6)]
        count = self.outcomes * TICK_MS // HOUR_MS
        self.fold(beats)
        self.fold(outcomes(last - 1, count, begin=begin, span_ms=TICK_MS, random=self.random))

    def tick(self) -> tuple[dict[str, tuple[float, float]], Judgement]:
        """One tick, in parts, each with its wall and CPU milliseconds."""
        spent: dict[str, tuple[float, float]] = {}
        measures = timed(spent, "window upkeep", lambda: self.fleet.at(self.now))
        judgement = timed(
            spent,
            "judge",
            lambda: judge(measures, self.policy_set, self.state, workspace_id=1, stopped=None),
        )
        timed(spent, "applied", lambda: self.state.apply(judgement))
        spent["tick"] = tuple(map(sum, zip(*spent.values(), strict=True)))  # type: ignore[assignment]  # two sums
        return spent, judgement


def timed(spent: dict[str, tuple[float, float]], name: str, work: Callable[[], T]) -> T:
    """Do `work` and note what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    spent[name] = (
        (time.perf_counter() - wall) * 1000,
        (time.process_time() - cpu) * 1000,
    )
    return result


def tell(name: str, value: float, unit: str = "ms", **more: object) -> None:
    """One line."""
    print(
        json.dumps(
            {"bench": "tick", "name": name, "value": round(value, 3), "unit": unit, **more}
        ),
        flush=True,
    )


def tell_ticks(
    label: str,
    ticks: list[dict[str, tuple[float, float]]],
    *,
    budget_ms: float | None = None,
    **more: object,
) -> None:
    """Median and worst of each part."""
    for part in ticks[0] if ticks else ():
        wall = [tick[part][0] for tick in ticks]
        cpu = [tick[part][1] for tick in ticks]
        budget = {"budget": budget_ms} if part == "tick" and budget_ms else {}
        tell(
            f"{label}: {part}",
            statistics.median(wall),
            worst=round(max(wall), 3),
            cpu=round(statistics.median(cpu), 3),
            ticks=len(ticks),
            **budget,
            **more,
        )


def run(agents: int, outcomes_in_windows: int, ticks: int) -> None:
    """Everything for one size."""
    bench = Bench(agents, outcomes_in_windows)
    size = {"agents": agents, "policies": len(CONDITIONS), "outcomes": outcomes_in_windows}
    bench.tick()
    folds, calm = [], []
    for _ in range(ticks):
        begun = time.process_time()
        bench.pass_time()
        bench.fleet.advance(bench.now - 1)
        folds.append((time.process_time() - begun) * 1000)
        spent, judgement = bench.tick()
        calm.append(spent)
    tell(
        "5 s of heartbeats and outcomes made and folded (cpu)", statistics.median(folds), **size
    )
    tell_ticks("calm", calm, budget_ms=BUDGET_MS.get(agents), **size)
    tell(
        "calm: episodes open",
        len(bench.state.episodes()),
        "episodes",
        decisions=len(judgement.decisions),
        findings=len(judgement.findings),
        **size,
    )
    _control(bench, size)
    _outage(bench, size)


def _outage(bench: Bench, size: dict[str, int]) -> None:
    """A third of the fleet falls silent: before the policies notice, while they record, and once they have."""
    before, records, after = [], [], []
    decided = 0
    while len(records) < RECORDING_TICKS and len(after) < 5:
        bench.pass_time(silent_from=bench.agents * 2 // 3)
        spent, judgement = bench.tick()
        is_recording = len(judgement.decisions) > 1_000
        decided += len(judgement.decisions) if is_recording else 0
        (records if is_recording else after if decided * 3 >= bench.agents else before).append(
            spent
        )
    tell_ticks("outage, not yet noticed", before, **size)
    tell_ticks(
        "outage, recorded", records, decisions=decided, deferred=judgement.deferred, **size
    )
    tell_ticks("outage, afterwards", after, held=sum(judgement.held.values()), **size)


# the control: closures, agent by agent

Closure = Callable[[int], float | bool | None]
Column = list[float | bool | None]
Columns = dict[str | Call, Column]
"""By a measure's key, or by the call of an evidence function."""


def known(values: Floats) -> Column:
    """Numbers, None where unknown."""
    unknown = np.isnan(values).tolist()
    return [None if no else value for value, no in zip(values.tolist(), unknown, strict=True)]


def told(answer: Truth) -> Column:
    """Truths, None where unknown."""
    yes, no = answer.yes.tolist(), answer.no.tolist()
    return [True if y else False if n else None for y, n in zip(yes, no, strict=True)]


def _control(bench: Bench, size: dict[str, int]) -> None:
    """The same conditions in plain Python; measures and evidence are lists, worked out beforehand for free."""
    measures = bench.fleet.at(bench.now)
    readings = Readings(measures)
    columns: Columns = {}
    for policy in bench.policy_set.policies:
        evaluator = Evaluator(readings, policy.outcomes)
        for measured in measures_of(policy.when.tree):
            columns[measured.key] = known(evaluator.number(measured, readings.everybody))
        for call in calls_of(policy.when.tree):
            if call.function in CONDITIONS_OF_EVIDENCE:
                columns[call] = told(evaluator.truth(call, readings.everybody))
            else:
                columns[call] = known(evaluator.number(call, readings.everybody))
    closures = [closure(policy.when.tree, columns) for policy in bench.policy_set.policies]
    begun = time.process_time()
    found = [
        sum(evaluated(slot) is True for slot in range(measures.size)) for evaluated in closures
    ]
    spent = (time.process_time() - begun) * 1000
    begun = time.process_time()
    again = [
        int(
            np.count_nonzero(
                Evaluator(Readings(measures), policy.outcomes)
                .truth(policy.when.tree, readings.everybody)
                .yes
            )
        )
        for policy in bench.policy_set.policies
    ]
    vectors = (time.process_time() - begun) * 1000
    assert found == again, "closures and vectors must find the same agents"
    tell(
        "control: the same conditions as Python closures, evaluation alone (cpu)", spent, **size
    )
    tell(
        "as vectors, evaluation alone, quantiles of everybody (cpu)",
        vectors,
        holding=sum(found),
        **size,
    )


def closure(node: Expression, columns: Columns) -> Closure:
    """What a straightforward engine would build: one function per node."""
    match node:
        case Constant():
            return lambda _slot: node.value
        case Measured():
            column = columns[node.key]
            return lambda slot: column[slot]
        case Call() if node in columns:
            asked = columns[node]
            return lambda slot: asked[slot]
        case Negative():
            inner = closure(node.operand, columns)
            return lambda slot: None if (value := inner(slot)) is None else -value
        case Not():
            inner = closure(node.operand, columns)
            return lambda slot: None if (value := inner(slot)) is None else not value
        case Arithmetic() | Comparison():
            return _binary(node, closure(node.left, columns), closure(node.right, columns))
        case Call():
            parts = [closure(each, columns) for each in node.arguments]
            function = {"min": min, "max": max, "abs": abs}[node.function]

            def called(slot: int) -> float | None:
                values = [part(slot) for part in parts]
                return None if None in values else function(*values)

            return called
        case Logic():
            return _logic(
                node.operator == "or", [closure(each, columns) for each in node.operands]
            )


def _binary(node: Arithmetic | Comparison, left: Closure, right: Closure) -> Closure:
    operate: Callable[[float, float], float | bool | None] = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b if b else None,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
        "==": lambda a, b: a == b,
        "!=": lambda a, b: a != b,
    }[node.operator]

    def answer(slot: int) -> float | bool | None:
        a = left(slot)
        if a is None:
            return None
        b = right(slot)
        return None if b is None else operate(a, b)

    return answer


def _logic(decisive: bool, parts: list[Closure]) -> Closure:
    def answer(slot: int) -> bool | None:
        result: bool | None = not decisive
        for part in parts:
            value = part(slot)
            if value is decisive:
                return decisive
            if value is None:
                result = None
        return result

    return answer


def main() -> None:
    """Measure each size, then quote the peer."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--agents", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--outcomes", type=int, default=1_000_000)
    parser.add_argument("--ticks", type=int, default=15)
    given = parser.parse_args()
    for agents in given.agents:
        run(agents, given.outcomes, given.ticks)
    print(json.dumps({"bench": "tick", **PROMETHEUS}))


if __name__ == "__main__":
    main()
