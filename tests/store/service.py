"""A journal over a database, with a fleet that hears what it commits: what tests of the store act on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from tests.clocks import ManualClock

from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.fleet.needs import Need
from pinkslip.model.events import Heartbeat, Outcome, Report
from pinkslip.model.facts import Batch, Fact, Mark
from pinkslip.model.ports import Receipt
from pinkslip.model.words import Result, Source
from pinkslip.store.checkpoint import Place, TotalsAt, checkpoint
from pinkslip.store.engine import Database
from pinkslip.store.journal import Journal
from pinkslip.store.readers import Readers
from pinkslip.store.transaction import Transaction

T = TypeVar("T")
WORKSPACE = 1


class Service:
    """One process's life on a database, its clock moved by hand."""

    def __init__(self, database: Database, clock: ManualClock, needs: Sequence[Need]) -> None:
        self.database = database
        self.clock = clock
        self.readers = Readers(database)
        self.journal = Journal(database, clock=clock, holder="test")
        self.fleet = Fleet(WORKSPACE, FleetSettings())
        self.fleet.declare(needs)
        self.facts: list[Fact] = []
        """What the journal told, of the default workspace."""
        self.journal.follow(self._follow)

    def _follow(self, item: Batch | Mark) -> None:
        if isinstance(item, Batch):
            self.facts += [fact for owner, fact in item.facts if owner == WORKSPACE]

    def act(self, work: Callable[[Transaction], T]) -> T:
        """One act, committed."""
        return self.journal.act(work).result(10)

    def report(self, *reports: Report) -> list[Receipt]:
        """Reports, committed."""
        return self.journal.report(reports).result(10)

    def beat(self, agent: str, **fields: object) -> Receipt:
        """A heartbeat."""
        (receipt,) = self.report(
            Report(WORKSPACE, agent, Heartbeat(**fields))  # type: ignore[arg-type]  # names checked by the Struct
        )
        return receipt

    def outcome(
        self,
        agent: str,
        result: Result = Result.SUCCESS,
        *,
        source: Source = Source.SELF,
        **fields: object,
    ) -> Receipt:
        """An outcome."""
        event = Outcome(result=result, **fields)  # type: ignore[arg-type]  # names checked by the Struct
        (receipt,) = self.report(Report(WORKSPACE, agent, event, source))
        return receipt

    def after(self, span_ms: int) -> "Service":
        """Later."""
        self.clock.advance(span_ms)
        return self

    def fold(self) -> Fleet:
        """The fleet, with everything committed so far."""
        taken, self.facts = self.facts, []
        self.fleet.fold(taken, writer=self.journal.writer)
        return self.fleet

    def checkpoint(self) -> None:
        """Write what the fleet holds, whole."""
        fleet = self.fold()
        rows = fleet.checkpoint(fleet.dirty())
        place = Place(self.journal.writer, self.journal.answered)
        totals = TotalsAt(fleet.role_totals(), place, fleet.dirty_lineages())
        self.act(lambda tx: checkpoint(tx, WORKSPACE, rows, totals, complete=place))


@contextmanager
def serving(
    database: Database, clock: ManualClock | None = None, needs: Sequence[Need] = ()
) -> Iterator[Service]:
    """A started service, stopped afterwards."""
    service = Service(database, clock or ManualClock(), needs)
    service.journal.start()
    try:
        yield service
    finally:
        service.journal.stop()
