"""Random journals: only what a journal can hold, with all it can hold."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from random import Random

from msgspec.structs import replace

from pinkslip.fleet.presence import End, Move, Moves, Stand
from pinkslip.model.facts import (
    Absolved,
    Beat,
    Blinded,
    Changed,
    Done,
    Fact,
    Finished,
    Fired,
    Protected,
    Registered,
    Reinstated,
    Released,
    Reviewed,
    Revived,
    Stood,
)
from pinkslip.model.policy import Filter, Window, WindowKind
from pinkslip.model.words import BlindCause, Fault, Result, Source, Standing, Status

START = 1_700_000_000_000
SECOND = Window(WindowKind.TIME, 1_000)
MINUTE = Window(WindowKind.TIME, 60_000)
ONE = Window(WindowKind.TASKS, 1)
SIX = Window(WindowKind.TASKS, 6)
FILTERS = (
    Filter(),
    Filter(faults=frozenset({Fault.AGENT, Fault.TOOL, Fault.USER})),
    Filter(sources=frozenset({Source.JUDGE, Source.PERSON})),
)
LINEAGES = ("l1", "l2")
WIDE = (None, 0, 1, 7, 250, 251, 90_000, 2**53 - 1, 2**53)


@dataclass
class Teller:
    """Makes up a journal, keeping to what can be said of an agent at the time."""

    random: Random
    pace: float = 0.5
    """How often the next thing happens at a later instant."""
    now: int = START
    seq: int = 0
    made: int = 0
    living: dict[int, str] = field(default_factory=dict)
    """working, finished, fired; and each agent's incarnation."""
    incarnations: dict[int, int] = field(default_factory=dict)
    done_by: dict[int, list[Done]] = field(default_factory=dict)
    scores: dict[bytes, int | None] = field(default_factory=dict)
    """What each outcome's score is by now."""

    def number(self) -> int:
        self.seq += 1
        return self.seq

    def as_scored(self, history: Iterable[Fact]) -> list[Done]:
        """The outcomes of some history as a store gives them: with the scores they have by now."""
        done = (fact for fact in history if isinstance(fact, Done))
        return [replace(one, score_e6=self.scores[one.event_id]) for one in done]

    def facts(self, count: int) -> Iterator[Fact]:
        for _ in range(count):
            yield from self.step()

    def step(self) -> Iterator[Fact]:
        random = self.random
        if random.random() < self.pace:
            self.now += random.choice((1, 3, 200, 999, 1_000, 20_000, 60_000))
        if not self.living or random.random() < 0.08:
            yield self.register()
            return
        number = random.choice(sorted(self.living))
        match random.choices(
            ("done", "beat", "change", "end", "protect", "blind", "stand", "review", "absolve"),
            (50, 20, 20, 8, 1, 2, 4, 8, 1),
        )[0]:
            case "done":
                yield self.done(number)
            case "beat":
                if self.living[number] == "working":
                    yield Beat(number, self.now, self.number())
            case "change":
                if self.living[number] == "working":
                    yield self.change(number)
            case "end":
                yield self.end(number)
            case "protect":
                until = random.choice((None, self.now + 5_000))
                yield Protected(number, self.now, self.number(), until)
            case "blind":
                yield self.blind()
            case "stand":
                if self.living[number] != "fired":
                    yield self.stand(number)
            case "review":
                if self.done_by.get(number):
                    yield self.review(number)
            case "absolve":
                yield Absolved(self.now, self.number(), random.choice(LINEAGES))

    def register(self) -> Fact:
        self.made += 1
        # far apart, so that pages of numbers come and go
        number = self.made * self.random.choice((1, 1, 1, 5_000))
        while number in self.living:
            number += 1
        self.living[number] = "working"
        self.incarnations[number] = 1
        return Registered(number, self.now, self.number(), f"agent-{number}", f"uuid-{number}")

    def done(self, number: int) -> Done:
        random = self.random
        result = random.choice((Result.SUCCESS, Result.FAILURE, *Result))
        done = Done(
            number,
            self.now,
            self.number(),
            random.randbytes(16),
            result,
            random.choice((Fault.AGENT, *Fault)),
            random.choice(tuple(Source)),
            self.living[number] != "fired",
            duration_ms=random.choice(WIDE),
            tokens_in=random.choice(WIDE),
            tokens_out=random.choice(WIDE),
            cost_micros=random.choice(WIDE),
            score_e6=random.choice((None, 0, 1, 500_000, 1_000_000)),
            error=random.choice((None, None, None, "broke", "lost")),
            kind=random.choice((None, "dig", "fill", "plan")),
        )
        self.done_by.setdefault(number, []).append(done)
        self.scores[done.event_id] = done.score_e6
        return done

    def review(self, number: int) -> Reviewed:
        """Of any outcome, more often of a new one, and now and then of one reviewed before."""
        done = self.random.choice(self.done_by[number][-self.random.choice((1, 3, 1_000)) :])
        score, before = self.random.choice((0, 250_000, 999_999)), self.scores[done.event_id]
        self.scores[done.event_id] = score
        return Reviewed(
            number,
            self.now,
            self.number(),
            done.event_id,
            outcome_writer=3,
            outcome_seq=done.seq,
            outcome_at=done.at,
            score_e6=score,
            before_e6=before,
            counted=done.counted,
        )

    def stand(self, number: int) -> Stood | Released:
        random = self.random
        if random.random() < 0.2:
            return Released(number, self.now, self.number())
        standings = (Standing.ACTIVE, Standing.PROBATION, Standing.QUARANTINED, Standing.NOTICE)
        return Stood(
            number,
            self.now,
            self.number(),
            standing=random.choice(standings),
            until=random.choice((None, self.now + 5_000)),
            policy=random.choice((None, "quiet")),
            by_person=random.random() < 0.3,
        )

    def change(self, number: int) -> Changed:
        random = self.random
        said: dict[str, object] = {}
        for name, choices in _SAYINGS.items():
            if random.random() < 0.2:
                said[name] = random.choice(choices)
        return Changed(number, self.now, self.number(), **said)

    def end(self, number: int) -> Fact:
        at, seq = self.now, self.number()
        match self.living[number]:
            case "working" if self.random.random() < 0.5:
                self.living[number] = "finished"
                return Finished(number, at, seq)
            case "working":
                self.living[number] = "fired"
                by = self.random.choice((None, "quiet"))
                return Fired(number, at, seq, f"fire-{seq}", "dumb", by)
            case "finished":
                self.living[number] = "working"
                return Revived(number, at, seq)
            case _:
                # by hand: never in the very millisecond of the last outcome
                self.now += 1
                self.living[number] = "working"
                self.incarnations[number] += 1
                return Reinstated(number, self.now, seq, self.incarnations[number])

    def blind(self) -> Blinded:
        start = self.now - self.random.choice((1, 500, 30_000))
        end = self.random.choice((start + 1, self.now, (start + self.now + 1) // 2))
        return Blinded(self.now, self.number(), start, end, BlindCause.STALL)


_SAYINGS = {
    "status": (Status.IDLE, Status.WORKING, Status.WAITING, Status.ERROR),
    "current_task": (None, "dig", "fill"),
    "progress": (None, 0.0, 0.5, 1.0),
    "context_used": (None, 0.25, 1.0),
    "interval_ms": (None, 1_000, 45_500),
    "boot_id": (None, "b1", "b2"),
    "name": (None, "Ann", "Bob"),
    "model": (None, "m1", "m2"),
    "role": (None, "dev", "ops"),
    "host": (None, "h1"),
    "lineage": (None, *LINEAGES),
    "labels": (None, {"team": "a"}, {"team": "b", "tier": "1"}),
    "session_key": (None, "s1"),
    "last_error": (None, "worried"),
}


def permuted(random: Random, facts: Iterable[Fact]) -> list[Fact]:
    """The same facts in another order within every instant.

    What one agent did stays after what made it an agent, and what people did of it, and what it said of itself, in
    order; its heartbeats, and outcomes that came one after the other, come in any order.
    """
    return [
        fact
        for _, at_once in groupby(facts, key=lambda fact: fact.at)
        for fact in _permuted(random, list(at_once))
    ]


def _permuted(random: Random, at_once: list[Fact]) -> Iterator[Fact]:
    queues: dict[object, list[Fact]] = {}
    for fact in at_once:
        whose = getattr(fact, "agent_no", None)
        queues.setdefault(id(fact) if isinstance(fact, Beat) else whose, []).append(fact)
    for queue in queues.values():
        _shuffle_outcomes(random, queue)
    unknown = {fact.agent_no for fact in at_once if isinstance(fact, Registered)}
    while queues:
        ready = [
            key
            for key, queue in queues.items()
            if not (isinstance(queue[0], Beat) and queue[0].agent_no in unknown)
        ]
        key = random.choice(ready)
        fact = queues[key].pop(0)
        if isinstance(fact, Registered):
            unknown.discard(fact.agent_no)
        if not queues[key]:
            del queues[key]
        yield fact


def _shuffle_outcomes(random: Random, queue: list[Fact]) -> None:
    begin = 0
    for is_done, run in groupby(queue.copy(), key=lambda fact: isinstance(fact, Done)):
        some = list(run)
        if is_done:
            queue[begin : begin + len(some)] = random.sample(some, len(some))
        begin += len(some)


def moves_of(told: Iterable[Fact], *, after: int, until: int) -> Moves:
    """What a journal of these answers when it is asked who came and went."""
    moves = [fact for fact in told if isinstance(fact, Move) and fact.at <= until]
    later = [move for move in moves if move.at > after]
    before: dict[tuple[object, int], Move] = {}
    stood = {move.agent_no for move in later if isinstance(move, Stand)}
    ends = {move.agent_no: move for move in reversed(later) if isinstance(move, End)}
    back = {number for number, move in ends.items() if isinstance(move, Reinstated)}
    for same, whose in ((Stand, stood), (End, back)):
        for move in moves:
            if isinstance(move, same) and move.at <= after and move.agent_no in whose:
                before[same, move.agent_no] = move
    earlier = sorted(before.values(), key=lambda move: move.seq)
    return Moves(after, until, [*earlier, *later])
