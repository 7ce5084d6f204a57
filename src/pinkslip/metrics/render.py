"""The page: every family once, in the catalogue's order, from facts handed in.

Made for big fleets scraped often: what did not change since the last page costs a comparison, nothing is spelled
or compressed twice. Renders run one at a time; call from a worker thread, never on the event loop.
"""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pinkslip.metrics import aggregates, catalogue, text
from pinkslip.metrics.agents import ROWS_PER_BLOCK, Table
from pinkslip.metrics.aggregates import Aggregates
from pinkslip.metrics.blocks import Block, gzip_member, total_size
from pinkslip.metrics.catalogue import CATALOGUE, Group, Series
from pinkslip.metrics.inputs import Facts, WorkspaceFacts
from pinkslip.metrics.lines import CORE, FULL
from pinkslip.metrics.own import Own
from pinkslip.metrics.selection import Detail, Selected, Selection, SeriesSettings
from pinkslip.metrics.text import Exposition
from pinkslip.model.time import SECOND_MS
from pinkslip.model.words import code_of

_END = "# EOF\n"


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to a scrape, in pieces ready to be written."""

    chunks: tuple[bytes, ...]
    length: int
    """Of all chunks together."""
    samples: int

    @property
    def body(self) -> bytes:
        """All at once; copies."""
        return b"".join(self.chunks)


class Renderer:
    """Turns facts into pages and remembers what they were made from.

    Have one for each set of workspaces that is scraped together: it forgets a workspace that a page leaves out.
    """

    def __init__(
        self,
        settings: SeriesSettings | None = None,
        *,
        own: Own | None = None,
        rows_per_block: int = ROWS_PER_BLOCK,
    ) -> None:
        self._lock = threading.Lock()
        self._rows_per_block = rows_per_block
        self._own = own
        self._workspaces: dict[int, _Workspace] = {}
        self._selection = Selection(settings or SeriesSettings())
        self._dropped = 0
        self._wall_offset_ms: int | None = None
        self._headers = {
            (series, openmetrics): Block(
                text.header(series, openmetrics=openmetrics), samples=0
            )
            for series in CATALOGUE
            for openmetrics in (False, True)
        }

    def configure(self, settings: SeriesSettings) -> None:
        """Apply other rules from the next page on. Counters go on; who has series keeps them if allowed."""
        with self._lock:
            self._selection = self._selection.under(settings)

    def render(self, facts: Facts, exposition: Exposition, *, gzip: bool = False) -> Page:
        """The page that says `facts`."""
        with self._lock:
            facts = self._with_steady_clock(facts)
            blocks = self._page(facts, is_openmetrics=exposition.is_openmetrics, packed=gzip)
            chunks = (gzip_member(blocks),) if gzip else tuple(block.plain for block in blocks)
            length = len(chunks[0]) if gzip else total_size(blocks)
            return Page(chunks, length, sum(block.samples for block in blocks))

    def _page(self, facts: Facts, *, is_openmetrics: bool, packed: bool) -> list[Block]:
        families = self._families(facts, packed=packed)
        blocks: list[Block] = []
        for series in CATALOGUE:
            lines = [block for block in families.get(series, ()) if block.samples]
            if lines:
                blocks += [self._headers[series, is_openmetrics], *lines]
        if self._own is not None:
            own = self._own.page(is_openmetrics=is_openmetrics)
            blocks.append(Block(own, samples=_samples_in(own)))
        samples = 1 + sum(block.samples for block in blocks)
        count = aggregates.family(catalogue.SERIES_EXPORTED, [({}, samples)])
        blocks += [self._headers[catalogue.SERIES_EXPORTED, is_openmetrics], count.block]
        if is_openmetrics:
            blocks.append(Block(_END, samples=0))
        return blocks

    def _families(self, facts: Facts, *, packed: bool) -> dict[Series, list[Block]]:
        """Each family's blocks over all workspaces."""
        offset = facts.ourselves.wall_offset_ms
        selections = self._selection.select([it.snapshot for it in facts.workspaces])
        self._count_dropped(selections)
        families: defaultdict[Series, list[Block]] = defaultdict(list)
        for workspace, selected in zip(facts.workspaces, selections, strict=True):
            for series, blocks in self._workspace(workspace).families(
                workspace, selected, wall_offset_ms=offset, packed=packed
            ):
                families[series] += blocks
        self._forget_all_but(facts.workspaces)
        refused = {
            workspace.name: selected.refused
            for workspace, selected in zip(facts.workspaces, selections, strict=True)
        }
        for own in aggregates.ourselves(
            facts.workspaces, facts.ourselves, refused=refused, dropped=self._dropped
        ):
            families[own.series].append(own.block)
        return families

    def _with_steady_clock(self, facts: Facts) -> Facts:
        """The wall clock's offset as last used, while it moves by less than a second."""
        used, told = self._wall_offset_ms, facts.ourselves.wall_offset_ms
        if used is None or abs(told - used) >= SECOND_MS:
            used = self._wall_offset_ms = told
        return replace(facts, ourselves=replace(facts.ourselves, wall_offset_ms=used))

    def _count_dropped(self, selections: Iterable[Selected]) -> None:
        core = catalogue.series_per_agent(Group.AGENT_CORE)
        full = catalogue.series_per_agent(Group.AGENT_FULL)
        for selected in selections:
            details = selected.details[selected.newly_refused]
            in_full = int((details == code_of(Detail.FULL)).sum())
            self._dropped += len(details) * core + in_full * full

    def _workspace(self, facts: WorkspaceFacts) -> "_Workspace":
        known = self._workspaces.get(facts.snapshot.workspace_id)
        if known is None or known.name != facts.name:
            known = _Workspace(facts.name, self._rows_per_block)
            self._workspaces[facts.snapshot.workspace_id] = known
        return known

    def _forget_all_but(self, workspaces: Sequence[WorkspaceFacts]) -> None:
        here = {facts.snapshot.workspace_id for facts in workspaces}
        for gone in self._workspaces.keys() - here:
            del self._workspaces[gone]


class _Workspace:
    """What is kept of one workspace between pages."""

    def __init__(self, name: str, rows_per_block: int) -> None:
        self.name = name
        self._aggregates = Aggregates(name)
        self._core = Table(name, CORE, info=True, rows_per_block=rows_per_block)
        self._full = Table(name, FULL, rows_per_block=rows_per_block)

    def families(
        self, facts: WorkspaceFacts, selected: Selected, *, wall_offset_ms: int, packed: bool
    ) -> Iterator[tuple[Series, list[Block]]]:
        for family in self._aggregates.families(facts):
            yield family.series, [family.block]
        for table, rows in ((self._core, selected.core), (self._full, selected.full)):
            table.update(facts, rows, wall_offset_ms=wall_offset_ms)
            yield from table.blocks(packed=packed)


def _samples_in(page: str) -> int:
    return sum(line != "" and not line.startswith("#") for line in page.split("\n"))
