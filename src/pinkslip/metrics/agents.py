"""The per-agent series of one workspace, kept as columns and blocks between renders.

Every exported agent has a place (see `places`). A family keeps its values by place; a render compares them with
the snapshot's, spells the changed ones again and joins the blocks they are in.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.snapshot import Integers, Snapshot
from pinkslip.metrics import catalogue, text
from pinkslip.metrics.blocks import Block
from pinkslip.metrics.catalogue import Series
from pinkslip.metrics.inputs import WorkspaceFacts
from pinkslip.metrics.lines import Lines, Reading
from pinkslip.metrics.places import NOWHERE, Places, moved
from pinkslip.metrics.text import Texts

ROWS_PER_BLOCK = 4096


def _objects(words: Sequence[str | None]) -> Texts:
    column: Texts = np.empty(len(words), object)
    column[:] = words
    return column


class _Blocks:
    """The joined text of one family, in runs of so many places."""

    def __init__(self, rows_per_block: int) -> None:
        self._rows_per_block = rows_per_block
        self._blocks: list[Block | None] = []

    def resize(self, places: int) -> None:
        """Have room for so many places; a block that is cut short is made anew."""
        whole, rest = divmod(places, self._rows_per_block)
        wanted = whole + bool(rest)
        del self._blocks[whole:]
        self._blocks.extend([None] * (wanted - len(self._blocks)))

    def touch(self, places: Integers) -> None:
        for number in np.unique(places // self._rows_per_block).tolist():
            self._blocks[number] = None

    def joined(self, join: Callable[[slice], Block], *, packed: bool) -> list[Block]:
        """All blocks, those touched since the last time made anew."""
        for number, block in enumerate(self._blocks):
            if block is None:
                start = number * self._rows_per_block
                block = join(slice(start, start + self._rows_per_block))  # noqa: PLW2901 - what was missing
                self._blocks[number] = block
            if packed:
                block.pack()
        return [block for block in self._blocks if block is not None]


class _Family:
    """One family's values and texts by place."""

    def __init__(self, lines: Lines, workspace: str, blocks: _Blocks) -> None:
        self._lines = lines
        end = f',workspace="{workspace}"}} '
        name = lines.series.name
        self._before = [f'{name}{suffix}{{agent="' for suffix, _ in lines.labels]
        self._behind = [f'"{labels}{end}' for _, labels in lines.labels]
        width = len(lines.labels)
        self._values: Integers = np.empty((0, width), np.int64)
        self._texts: Texts = np.empty((0, width), object)
        self._blocks = blocks

    @property
    def series(self) -> Series:
        return self._lines.series

    def move(self, source: Integers) -> None:
        """Follow the agents to their places; new ones await their first text."""
        self._values = moved(self._values, source)
        self._texts = moved(self._texts, source)
        self._blocks.resize(len(source))
        self._blocks.touch(np.flatnonzero(source != np.arange(len(source))))

    def update(self, reading: Reading, fresh: Integers) -> None:
        """Spell again what differs from the last time; `fresh` places in any case."""
        values = self._lines.read(reading)
        differs = values != self._values
        differs[fresh] = True
        if not differs.any():
            return
        spellings = self._lines.write
        if len(spellings) == 1:
            self._texts[differs] = spellings[0](values[differs])
        else:
            for line, spell in enumerate(spellings):
                changed = differs[:, line]
                self._texts[changed, line] = spell(values[changed, line])
        self._values = values
        self._blocks.touch(np.flatnonzero(differs.any(axis=1)))

    def blocks(self, agents: Texts, *, packed: bool) -> list[Block]:
        """The family's lines; `agents` are the ids as labels write them, by place."""
        return self._blocks.joined(lambda places: self._join(agents, places), packed=packed)

    def _join(self, agents: Texts, places: slice) -> Block:
        texts = self._texts[places]
        pieces = np.empty((*texts.shape, 4), object)
        pieces[:, :, 0] = self._before
        pieces[:, :, 1] = agents[places, np.newaxis]
        pieces[:, :, 2] = self._behind
        pieces[:, :, 3] = texts
        if self._lines.absent is None:
            return Block("".join(pieces.ravel().tolist()), samples=texts.size)
        present = self._values[places] != self._lines.absent
        return Block("".join(pieces[present].ravel().tolist()), samples=int(present.sum()))


class _Info:
    """`agent_info`: words instead of a number."""

    series = catalogue.AGENT_INFO

    def __init__(self, workspace: str, blocks: _Blocks) -> None:
        self._end = f'",workspace="{workspace}"}} 1.0\n'
        self._words: Texts = np.empty((0, 3), object)
        """model, name and role, as labels write them."""
        self._raw: Texts = np.empty((0, 3), object)
        self._seen: tuple[list[str | None], ...] = ()
        self._rows: Integers = np.empty(0, np.int64)
        self._blocks = blocks

    def move(self, source: Integers) -> None:
        self._raw = moved(self._raw, source)
        self._words = moved(self._words, source)
        self._blocks.resize(len(source))
        self._blocks.touch(np.flatnonzero(source != np.arange(len(source))))

    def update(self, reading: Reading, fresh: Integers) -> None:
        """Take the words that differ from the last time; those of `fresh` places in any case."""
        snapshot = reading.snapshot
        columns = (snapshot.models, snapshot.names, snapshot.roles)
        if (
            not len(fresh)
            and self._seen == columns
            and np.array_equal(reading.rows, self._rows)
        ):
            return
        raw = np.stack([_objects(column)[reading.rows] for column in columns], axis=1)
        differs = raw != self._raw
        differs[fresh] = True
        if differs.any():
            self._words[differs] = _objects([text.label_value(word) for word in raw[differs]])
            self._blocks.touch(np.flatnonzero(differs.any(axis=1)))
        self._raw, self._seen, self._rows = raw, columns, reading.rows

    def blocks(self, agents: Texts, *, packed: bool) -> list[Block]:
        """The family's lines; `agents` are the ids as labels write them, by place."""
        return self._blocks.joined(lambda places: self._join(agents, places), packed=packed)

    def _join(self, agents: Texts, places: slice) -> Block:
        words = self._words[places]
        pieces = np.empty((len(words), 9), object)
        pieces[:, 0] = f'{self.series.name}{{agent="'
        pieces[:, 1] = agents[places]
        pieces[:, 2] = '",model="'
        pieces[:, 3] = words[:, 0]
        pieces[:, 4] = '",name="'
        pieces[:, 5] = words[:, 1]
        pieces[:, 6] = '",role="'
        pieces[:, 7] = words[:, 2]
        pieces[:, 8] = self._end
        return Block("".join(pieces.ravel().tolist()), samples=len(words))


class Table:
    """Some families of some agents: the core ones of all that are exported, or the full ones of fewer."""

    def __init__(
        self,
        workspace: str,
        lines: Sequence[Lines],
        *,
        info: bool = False,
        rows_per_block: int = ROWS_PER_BLOCK,
    ) -> None:
        name = text.label_value(workspace)
        self._places = Places()
        self._agents: Texts = np.empty(0, object)
        """Agent ids as labels write them, by place."""
        families: list[_Info | _Family] = [_Info(name, _Blocks(rows_per_block))] if info else []
        families += [_Family(family, name, _Blocks(rows_per_block)) for family in lines]
        self._families = tuple(families)
        self._last: _Seen | None = None

    def update(self, facts: WorkspaceFacts, rows: Integers, *, wall_offset_ms: int) -> None:
        """Follow the snapshot: `rows` are those exported here."""
        seen = _Seen(facts.snapshot, rows, facts.silenced, facts.evidence, wall_offset_ms)
        if self._last is not None and self._last.shows_the_same_as(seen):
            return
        self._last = seen
        fresh = self._place(facts.snapshot, rows)
        reading = Reading(
            snapshot=facts.snapshot,
            rows=rows[self._places.index],
            wall_offset_ms=wall_offset_ms,
            silenced=self._places.marked(facts.silenced),
            evidence=self._places.spread(facts.evidence),
        )
        for family in self._families:
            family.update(reading, fresh)

    def blocks(self, *, packed: bool) -> Iterator[tuple[Series, list[Block]]]:
        """Every family with its lines, compressed at once where they will be sent so."""
        for family in self._families:
            yield family.series, family.blocks(self._agents, packed=packed)

    def _place(self, snapshot: Snapshot, rows: Integers) -> Integers:
        """Give everyone a place; returns the places of newcomers."""
        source = self._places.follow(snapshot.numbers[rows])
        if source is None:
            return np.empty(0, np.int64)
        fresh = np.flatnonzero(source == NOWHERE)
        self._agents = moved(self._agents, source)
        ids = [snapshot.agent_ids[row] for row in rows[self._places.index[fresh]].tolist()]
        self._agents[fresh] = [text.label_value(agent_id) for agent_id in ids]
        for family in self._families:
            family.move(source)
        return fresh


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a table was last made from."""

    snapshot: Snapshot
    rows: Integers
    silenced: frozenset[int]
    evidence: Mapping[int, float]
    wall_offset_ms: int

    def shows_the_same_as(self, other: "_Seen") -> bool:
        return (
            self.snapshot is other.snapshot
            and self.wall_offset_ms == other.wall_offset_ms
            and np.array_equal(self.rows, other.rows)
            and self.silenced == other.silenced
            and self.evidence == other.evidence
        )
