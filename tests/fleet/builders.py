"""Small journals by hand, with defaults."""

from itertools import count

from pinkslip.fleet.fleet import Fleet, FleetSettings, Need
from pinkslip.fleet.measures import Measures
from pinkslip.model.facts import Beat, Blinded, Changed, Done, Fact, Finished, Fired, Registered
from pinkslip.model.policy import Filter, Window, WindowKind
from pinkslip.model.words import BlindCause, Fault, Result, Source

T0 = 1_700_000_000_000
HOUR = Window(WindowKind.TIME, 3_600_000)
LAST_5 = Window(WindowKind.TASKS, 5)
ANY = Filter()
_numbers = count(1)


def make_fleet(*facts: Fact, needs: tuple[Need, ...] = (), **settings: float) -> Fleet:
    fleet = Fleet(1, FleetSettings(**settings))
    fleet.declare(needs)
    fleet.fold(facts)
    return fleet


def registered(number: int = 1, *, at: int = T0) -> Registered:
    return Registered(number, at, next(_numbers), f"agent-{number}", f"uuid-{number}")


def beat(number: int = 1, *, at: int = T0) -> Beat:
    return Beat(number, at, next(_numbers))


def changed(number: int = 1, *, at: int = T0, **said: object) -> Changed:
    return Changed(number, at, next(_numbers), **said)


def done(
    number: int = 1,
    *,
    at: int = T0,
    result: Result = Result.SUCCESS,
    fault: Fault = Fault.AGENT,
    source: Source = Source.SELF,
    counted: bool = True,
    **more: object,
) -> Done:
    seq = next(_numbers)
    key = seq.to_bytes(16, "little")
    return Done(number, at, seq, key, result, fault, source, counted, **more)


def finished(number: int = 1, *, at: int = T0) -> Finished:
    return Finished(number, at, next(_numbers))


def fired(number: int = 1, *, at: int = T0, by: str | None = "quiet") -> Fired:
    return Fired(number, at, next(_numbers), f"fire-{number}", "unresponsive", by)


def blinded(start: int, end: int) -> Blinded:
    return Blinded(end, next(_numbers), start, end, BlindCause.STALL)


def of(measures: Measures, name: str, window: Window | None = None, number: int = 1) -> float:
    """One measure of one agent by the default filter."""
    return float(measures.value(name, window, ANY)[measures.slot_of(number)])
