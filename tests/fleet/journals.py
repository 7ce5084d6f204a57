"""Random journals: only what a journal can hold, with all it can hold."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from pinkslip.model.facts import (
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
    Revived,
)
from pinkslip.model.policy import Filter, Window, WindowKind
from pinkslip.model.words import BlindCause, Fault, Result, Source, Status

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
WIDE = (None, 0, 1, 7, 250, 251, 90_000, 2**53 - 1, 2**53)


@dataclass
class Teller:
    """Makes up a journal, keeping to what can be said of an agent at the time."""

    random: Random
    now: int = START
    seq: int = 0
    made: int = 0
    living: dict[int, str] = field(default_factory=dict)
    """working, finished, fired; and each agent's incarnation."""
    incarnations: dict[int, int] = field(default_factory=dict)

    def number(self) -> int:
        self.seq += 1
        return self.seq

    def facts(self, count: int) -> Iterator[Fact]:
        for _ in range(count):
            yield from self.step()

    def step(self) -> Iterator[Fact]:
        random = self.random
        if random.random() < 0.5:
            self.now += random.choice((1, 3, 200, 999, 1_000, 20_000, 60_000))
        if not self.living or random.random() < 0.08:
            yield self.register()
            return
        number = random.choice(sorted(self.living))
        match random.choices(
            ("done", "beat", "change", "end", "protect", "blind"), (50, 20, 20, 8, 1, 2)
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
        return Done(
            number,
            self.now,
            self.number(),
            self.seq.to_bytes(16, "little"),
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
    "lineage": (None, "l1"),
    "labels": (None, {"team": "a"}, {"team": "b", "tier": "1"}),
    "session_key": (None, "s1"),
    "last_error": (None, "worried"),
}
