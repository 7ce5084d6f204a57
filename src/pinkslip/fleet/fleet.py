"""One workspace's fleet: the fold of its journal, in columns. Touched by one thread only.

Facts go in with `fold`, in journal order; `at` answers the judge, `snapshot` everybody else. Most facts are
heartbeats and outcomes, so those are collected and taken in many at a time; whoever asks is answered as if
each had been taken in at once.

**A rebuild** is: `declare`, fold every `Restored`, `restore_totals`, `restore_lineages`, `fold_history` with the
outcomes the horizon asks for, fold what came after, `fold_presence`. It gives the same fleet as folding everything from the
start: columns, totals, rhythms and evidence exactly; windows over time and over tasks exactly, when the history
reaches as far back as `horizon` says; `consecutive_failures` exactly by the default filter, by others when the
history reaches back to the last success.

**A new declaration** keeps the windows and tests that stay. A new one holds what the log remembers, which reaches
as far back as the longest window over time declared before; `horizon` names the agents that may have done more,
and `fold_history` with their outcomes makes the new ones exact at once: a lineage's test as far as its members in
memory did it. Without it a window over time is exact as soon as it lies within what is remembered, a window over
tasks once it is full, and a test shows less than there was.

**Within one instant order means nothing**: not among heartbeats and outcomes, whatever pieces they come in.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from pinkslip.fleet import changing, rhythm
from pinkslip.fleet.acts import Acts
from pinkslip.fleet.agents import Agents
from pinkslip.fleet.blindness import Spells
from pinkslip.fleet.collected import Collected
from pinkslip.fleet.digest import Change, Digest
from pinkslip.fleet.evidence import Evidence
from pinkslip.fleet.growing import add_up
from pinkslip.fleet.lineages import NONE
from pinkslip.fleet.measures import FleetSettings, Measures, Parts
from pinkslip.fleet.memory import DEFAULT, Memory
from pinkslip.fleet.needs import Horizon, Need, Words
from pinkslip.fleet.numbering import Numbering
from pinkslip.fleet.outcomes import HAS_ERROR, IS_SUCCESS, Arrivals, Rows, keys
from pinkslip.fleet.presence import LEAST_MS, Move, Moves, Presence, Was
from pinkslip.fleet.publishing import BEATS, IDENTITY, MEMBERS, OUTCOMES, rows, views
from pinkslip.fleet.slots import Places
from pinkslip.fleet.snapshot import AgentView, RoleTotals, Snapshot
from pinkslip.fleet.totals import Tally, Totals
from pinkslip.model.facts import (
    AboutNobody,
    Absolved,
    Beat,
    Blinded,
    Condemned,
    Done,
    Fact,
    Finished,
    Fired,
    LineageBook,
    Registered,
    Reinstated,
    Released,
    Restored,
    Reviewed,
    Stood,
)
from pinkslip.model.policy import Filter
from pinkslip.model.words import Result

__all__ = ["Fleet", "FleetSettings", "Horizon", "Measures", "Need", "Words"]

NewBeginning = Reinstated | Stood | Released
"""After which a lineage's evidence starts anew, or its tests alone."""

_SMALLEST = 64
_TOGETHER = 4_096
"""Heartbeats and outcomes collected before they are taken in unasked."""
_HISTORY_CHUNK = 65_536
DECAYED_BY = 10_000
"""A newly declared test is worked out from so many of an agent's newest outcomes at most: what fewer show is less, never
more."""


class Fleet:
    """What every agent looks like now."""

    def __init__(self, workspace_id: int, settings: FleetSettings) -> None:
        self.workspace_id = workspace_id
        self.settings = settings
        self._agents = Agents(_SMALLEST)
        self._memory = Memory(_SMALLEST)
        self._evidence = Evidence(self._agents.columns)
        self._totals = Totals()
        self._spells = Spells()
        self._acts = Acts()
        self._presence = Presence()
        self._digest = Digest()
        self._now = 0
        self._first_at: int | None = None
        self._numbering = Numbering()
        self._beats = Collected[Beat]()
        self._dones = Collected[Done]()
        self._restored: list[Restored] = []
        self._older: list[Rows] = []
        """Outcomes that restored rows include: still to be put into windows."""
        self._older_before = 0
        """The place in the log where what was noted after them begins."""
        self._reviews: list[Reviewed] = []
        self._named: NDArray[np.bool_] = np.zeros(0, np.bool_)
        """Whom `horizon` called lacking last, by slot: whose tests a history completes."""
        self._may_lack = False

    # what policies ask

    def declare(self, needs: Iterable[Need], *, presence_ms: int = LEAST_MS) -> None:
        """Keep up exactly what these ask for; see above for what a new window holds.

        `presence_ms`: how far back `Measures.active_at` is asked. Where that is further than before, `horizon`
        says so, and `fold_presence` with what is missing makes it exact.
        """
        self._settle()
        self._may_lack = True
        self._presence.keep_ms = presence_ms
        needs = list(needs)
        self._memory.declare(needs, now=self._now)
        columns = self._agents.columns
        done = columns.tasks - columns.tasks_before
        self._evidence.declare(needs, self._memory.remembered(), done=done)

    def may_lack(self, *, now: int) -> bool:
        """Whether history may be missing that the last `horizon` did not know of: somebody came back from the
        database, or more is asked for. Costs nothing.
        """
        since = now - self._presence.keep_ms
        return self._may_lack or bool(self._restored) or self._presence.since > since

    def horizon(self) -> Horizon:
        """How much history what is declared takes, and which agents' is missing."""
        self._settle()
        self._recall()
        memory = self._memory
        newest: dict[Filter, int] = {}
        for length, outcomes in memory.task_windows:
            newest[outcomes] = max(length, newest.get(outcomes, 0))
        for outcomes in self._evidence.filters_lacking():
            newest[outcomes] = max(DECAYED_BY, newest.get(outcomes, 0))
        self._named = lacking = self._lacking()
        self._may_lack = bool(lacking.any())
        numbers = self._agents.columns.numbers[lacking]
        unknown = self._agents.columns.unknown_until[lacking]
        return Horizon(
            time_ms=memory.longest_ms,
            tasks=max((length for length, _ in memory.task_windows), default=0),
            newest=tuple(newest.items()),
            streaks=tuple(outcomes for outcomes in memory.streaks if outcomes != DEFAULT),
            lacking=tuple(sorted(numbers.tolist())),
            until=max(memory.cut, int(unknown.max(initial=0))),
            presence_ms=self._presence.keep_ms,
            presence_since=self._presence.since,
        )

    # what the journal says

    def fold(self, facts: Iterable[Fact], *, writer: int | None = None) -> None:
        """Take in facts in journal order. `writer`: who numbered them, where it differs from before.

        A fact at or before an agent's restored place (`writer`, `seq`) is in its row already: an outcome then
        only fills windows, everything else changes nothing. A `Restored` of an agent in memory changes nothing.
        """
        if writer is not None and writer != self._numbering.writer:
            self._take_in()
            self._numbering.begin(writer)
        beats, dones = self._beats.facts, self._dones.facts
        for fact in facts:
            kind = type(fact)
            if kind is Beat:
                beats.append(fact)  # type: ignore[arg-type]  # `type(...) is` is twice as fast as isinstance
            elif kind is Done:
                dones.append(fact)  # type: ignore[arg-type]  # as above
            elif kind is Restored:
                self._restored.append(fact)  # type: ignore[arg-type]  # as above
                if len(self._restored) >= _TOGETHER:
                    self._take_restored()
            else:
                self._apply(fact)  # type: ignore[arg-type]  # as above
        if len(beats) + len(dones) >= _TOGETHER:
            self._take_in()

    def fold_history(self, done: Iterable[Done]) -> None:
        """Outcomes from before what is remembered, oldest first: for windows and streaks, not for totals.

        One call hands over everything the agents that `horizon` calls lacking lack; what was not missing is
        passed over, so handing over too much does no harm. After a rebuild's `Restored`, before its facts.
        """
        chunks = iter(done)
        self.fold_arrivals(
            Arrivals.of(chunk)
            for chunk in iter(lambda: list(islice(chunks, _HISTORY_CHUNK)), [])
        )

    def fold_arrivals(self, history: Iterable[Arrivals]) -> None:
        """As `fold_history`, of outcomes that are columns already."""
        self._settle()
        self._memory.leave(self._now)
        lacking = self._lacking()
        if not lacking.any():
            return
        found = [self._missing(Arrivals.of([]), lacking)]
        found += [self._missing(arrivals, lacking) for arrivals in history]
        missing, memory = Rows.joined(found), self._memory
        memory.insert(missing, np.flatnonzero(lacking), before=memory.log.first, now=self._now)
        self._memory.complete(self._now)
        lacking[len(self._named) :] = False
        lacking[: len(self._named)] &= self._named
        self._evidence.complete(lacking, self._memory.remembered())
        self._named = self._named[:0]
        self._agents.columns.unknown_until.fill(0)
        self._agents.published.touched.add(OUTCOMES)

    def fold_presence(self, past: Moves) -> None:
        """Who came and went, for `Measures.active_at` only: in a rebuild up to its end, after the facts; else up to
        `horizon.presence_since`."""
        self._take_in()
        self._presence.begin_with(past, self._agents.columns, self._agents.slots)

    def restore_totals(
        self, totals: Iterable[RoleTotals], *, writer: int = 0, seq: int = 0
    ) -> None:
        """Role totals as checkpointed at a journal place; facts folded later add to them."""
        self._totals.restore(totals, writer=writer, seq=seq)
        self._numbering.restored(writer)

    def restore_lineages(
        self, books: Sequence[LineageBook], *, writer: int = 0, seq: int = 0
    ) -> None:
        """Lineages as checkpointed at a journal place; facts folded later add to them. After `declare`."""
        self._evidence.lineages.restore(books, writer=writer, seq=seq)
        self._numbering.restored(writer)
        self._acts.fold(
            Condemned(book.condemned_at, 0, book.lineage, book.fire_id or "")
            for book in books
            if book.condemned_at is not None
        )

    def lineages(self) -> tuple[LineageBook, ...]:
        """What is known of every lineage: rows for a checkpoint."""
        self._settle()
        return self._with_condemned(self._evidence.lineages.books())

    def dirty_lineages(self) -> tuple[LineageBook, ...]:
        """Those of them that facts have changed since this was last asked for."""
        self._settle()
        return self._with_condemned(self._evidence.lineages.books(changed=True))

    def mark_lineages_dirty(self, lineages: Iterable[str]) -> None:
        """A checkpoint of these could not be written: they are to be asked for again."""
        self._evidence.lineages.mark_changed(lineages)

    def role_totals(self) -> tuple[RoleTotals, ...]:
        """What all agents of each role and model ever did: rows for a checkpoint."""
        self._settle()
        self._group()
        return self._totals.rows()

    def results_seen(self) -> frozenset[Result]:
        """What outcomes here ever ended in; anything, where some were done before results were counted."""
        self._settle()
        return self._totals.results_seen()

    # what an instant shows

    @property
    def observing_since(self) -> int:
        """Since when we have watched without a gap: the end of the newest blind spell, else the first fact."""
        self._take_in()
        return self._observing_since()

    def blind_between(self, start: int, end: int) -> int:
        """Milliseconds of [start, end] in which we did not see."""
        return self._spells.between(start, end)

    def advance(self, now: int) -> None:
        """Let outcomes leave windows over time. Time does not go back: an earlier instant is the latest one."""
        self._settle()
        self._now = max(self._now, now)
        self._memory.leave(self._now)
        self._presence.leave(self._now)
        self._acts.forget(ended_before=self._now)

    def at(self, now: int) -> Measures:
        """Every measure at `now`; valid until the next fold."""
        self.advance(now)
        return Measures(self._parts(), now=self._now)

    def snapshot(self, *, seq: int, now: int) -> Snapshot:
        """Copies for everybody else; columns that did not change are shared with the snapshot before."""
        self._settle()
        if self._agents.published.touched & {MEMBERS, IDENTITY}:
            self._group()
        return self._agents.published.snapshot(
            self._parts(),
            workspace_id=self.workspace_id,
            seq=seq,
            now=max(now, self._now),
            role_totals=self._totals.rows(),
        )

    def agent(self, agent_id: str, *, now: int) -> AgentView | None:
        """One agent by its agentId; None when it is not in memory."""
        self._take_in()
        return self._view(self._agents.find(agent_id), now)

    def by_uuid(self, uuid: str, *, now: int) -> AgentView | None:
        """One agent by its uuid."""
        self._take_in()
        return self._view(self._agents.columns.find_uuid(uuid), now)

    def by_number(self, agent_no: int, *, now: int) -> AgentView | None:
        """One agent by its number."""
        self._take_in()
        return self._view(self._agents.slots.get(agent_no), now)

    def take_digest(self) -> tuple[int, bytes]:
        """Facts folded since the last call, and the digest of all so far."""
        self._take_in()
        return self._digest.take()

    def resume_digest(self, digest: bytes) -> None:
        """Go on from a recorded digest, as after a rebuild: what was folded so far is in none to come."""
        self._take_in()
        self._digest = Digest()
        self._digest.value = digest

    # coming and going

    def dirty(self) -> list[int]:
        """The agents (`agent_no`) that facts have changed since they were last checkpointed."""
        self._take_in()
        size = self._agents.slots.size
        changed = self._agents.columns.changed[:size] & (
            self._agents.columns.numbers[:size] > 0
        )
        numbers: list[int] = self._agents.columns.numbers[:size][changed].tolist()
        return numbers

    def mark_dirty(self, numbers: Iterable[int]) -> None:
        """A checkpoint of these could not be written: they are to be asked for again."""
        for number in numbers:
            slot = self._agents.slots.get(number)
            if slot is not None:
                self._agents.columns.changed[slot] = True

    def checkpoint(self, numbers: Sequence[int]) -> list[Restored]:
        """Rows that hold everything folded so far; agents not in memory are passed over."""
        self._settle()
        columns = self._agents.columns
        slots = [
            slot for number in numbers if (slot := self._agents.slots.get(number)) is not None
        ]
        columns.changed[slots] = False
        places = np.array(slots, np.intp)
        streak = self._memory.streaks[DEFAULT]
        return rows(
            self._parts(),
            slots,
            writer=self._numbering.writer,
            seq=self._numbering.seq,
            evidence=self._evidence.pages(places, streak.success_at),
        )

    def leaving(self, *, left_before: int) -> list[int]:
        """Whom `forget` would drop: to be checkpointed first."""
        self._take_in()
        slots = self._left(left_before)
        numbers: list[int] = self._agents.columns.numbers[slots].tolist()
        return numbers

    def forget(self, *, left_before: int, unsaved: bool = False) -> list[int]:
        """Drop the agents that finished or were fired before; their outcomes no longer count, role totals stay.

        One that changed since it was checkpointed stays, unless `unsaved`: no row would remember it. One about
        whom something is said later is taken in again by the `Restored` before it: columns, totals and
        `consecutive_failures` by the default filter exactly. `horizon` calls it lacking, and `fold_history`
        makes its windows exact too; until then one over time holds what it did since it came back, and is
        exact once it has been back that long; one over tasks is exact once it is full.

        Who left within the envelope's longest window must stay too, or the envelope would forget that it acted:
        the caller chooses `left_before` accordingly.
        """
        self._settle()
        self._group()
        columns, slots = self._agents.columns, self._left(left_before)
        if not unsaved:
            slots = slots[~columns.changed[slots]]
        numbers: list[int] = columns.numbers[slots].tolist()
        if numbers:
            self._drop(slots)
        self._forget_lineages()
        return numbers

    # taking in

    def _settle(self) -> None:
        self._take_in()
        if self._older:
            older, self._older = Rows.joined(self._older), []
            self._memory.insert(
                older, np.unique(older.slot), before=self._older_before, now=self._now
            )
        self._memory.catch_up()
        if self._reviews:
            self._take_reviews()

    def _take_in(self) -> None:
        if self._restored:
            self._take_restored()
        if self._beats:
            self._take_beats()
        if self._dones:
            self._take_outcomes()

    def _noticed(self, first_at: int, last_at: int, seq: int) -> None:
        if self._first_at is None or first_at < self._first_at:
            self._first_at = first_at
        self._now = max(self._now, last_at)
        self._numbering.reached(seq)

    def _take_restored(self) -> None:
        slots = self._agents.slots
        wanted = {
            row.agent_no: row for row in self._restored if slots.get(row.agent_no) is None
        }
        self._restored.clear()
        if not wanted:
            return
        agents = list(wanted.values())
        self._may_lack = True
        self._make_room(slots.size + len(agents))
        places = self._agents.restore(agents)
        streak = self._memory.streaks[DEFAULT]
        streak.length[places] = [row.streak for row in agents]
        streak.success_at[places] = self._evidence.restore(
            places, [row.evidence for row in agents]
        )
        self._numbering.restored(max(row.writer for row in agents))
        self._noticed(
            min(row.created_at for row in agents), max(row.updated_at for row in agents), 0
        )

    def _take_beats(self) -> None:
        beats = self._beats.take()
        numbers = np.array([beat.agent_no for beat in beats], np.int64)
        at = np.array([beat.at for beat in beats], np.int64)
        self._noticed(int(at.min()), int(at.max()), max(beat.seq for beat in beats))
        self._digest.add_beats(numbers, at)
        slots = self._agents.slots.of(numbers)
        if slots.min() < 0:
            known = slots >= 0
            slots, at = slots[known], at[known]
        columns = self._agents.columns
        rhythm.beat(
            columns,
            slots,
            at,
            spells=self._spells,
            assumed_interval_ms=self.settings.assumed_interval_ms,
            stale_factor=self.settings.stale_factor,
        )
        np.maximum.at(columns.updated_at, slots, at)
        columns.changed[slots] = True
        self._agents.published.touched.add(BEATS)

    def _take_outcomes(self) -> None:
        arrivals = Arrivals.of(self._dones.take())
        self._noticed(int(arrivals.at.min()), int(arrivals.at.max()), int(arrivals.seq.max()))
        self._digest.add_outcomes(arrivals)
        slots = self._agents.slots.of(arrivals.number)
        counted = np.flatnonzero((slots >= 0) & arrivals.counted)
        if len(counted) < len(slots):
            arrivals, slots = arrivals.take(counted), slots[counted]
        if not len(slots):
            return
        if self._numbering.may_be_in_rows:
            columns = self._agents.columns
            is_new = self._numbering.are_after(
                arrivals.seq, columns.place_writer[slots], columns.place_seq[slots]
            )
            to_totals = self._numbering.are_after(arrivals.seq, *self._totals.place)
            books = self._evidence.lineages.place
            to_lineages = self._numbering.are_after(arrivals.seq, *books)
            if not (is_new.all() and to_totals.all() and to_lineages.all()):
                self._take_placed(arrivals, slots, is_new, to_totals, to_lineages)
                return
        tally = Tally(arrivals)
        self._total(tally, slots)
        self._count(tally, slots)
        self._memory.note(self._rows(arrivals, slots))
        self._evidence.add_to_lineages(slots, arrivals.at, arrivals.kind)

    def _take_placed(
        self,
        arrivals: Arrivals,
        slots: Places,
        is_new: NDArray[np.bool_],
        to_totals: NDArray[np.bool_],
        to_lineages: NDArray[np.bool_],
    ) -> None:
        """Outcomes that restored rows include in part: each is new to some rows and not to others."""
        if not self._older:
            self._older_before = self._memory.log.end
        columns = self._agents.columns
        noted = self._rows(arrivals, slots)
        for_lineages = noted.take(to_lineages)
        self._evidence.add_to_lineages(for_lineages.slot, for_lineages.at, for_lineages.kind)
        for_totals = np.flatnonzero(to_totals)
        self._total(Tally(arrivals.take(for_totals)), slots[for_totals])
        new, old = np.flatnonzero(is_new), np.flatnonzero(~is_new)
        if len(new):
            self._count(Tally(arrivals.take(new)), slots[new])
            self._memory.note(noted.take(new))
        old = old[arrivals.at[old] >= columns.incarnation_at[slots[old]]]
        if len(old):
            self._older.append(noted.take(old))

    def _total(self, tally: Tally, slots: Places) -> None:
        groups = self._groups(slots)
        tally.add_to(self._totals, groups)
        tally.add_results_to(self._totals.results, groups)

    def _count(self, tally: Tally, slots: Places) -> None:
        columns, arrivals = self._agents.columns, tally.arrivals
        tally.add_to(columns, slots)
        self._evidence.add(slots, arrivals.at, arrivals.kind)
        np.add.at(columns.successes, slots, IS_SUCCESS[arrivals.kind].astype(np.int64))
        scored = np.flatnonzero(arrivals.score >= 0)
        add_up(columns.score_e6_sum, slots[scored], arrivals.score[scored])
        np.add.at(columns.score_count, slots[scored], 1)
        failing = np.flatnonzero(HAS_ERROR[arrivals.kind])
        np.add.at(columns.error_count, slots[failing], 1)
        for place, slot in zip(failing.tolist(), slots[failing].tolist(), strict=True):
            columns.last_errors[slot] = arrivals.errors[place]
        np.maximum.at(columns.updated_at, slots, arrivals.at)
        columns.changed[slots] = True
        self._agents.published.touched |= {OUTCOMES, BEATS}

    def _apply(self, fact: Change) -> None:
        if self._restored:
            self._take_restored()
        self._digest.add_change(fact)
        self._noticed(fact.at, fact.at, fact.seq)
        if isinstance(fact, Registered):
            self._register(fact)
        elif isinstance(fact, Blinded):
            self._go_blind(fact)
        elif isinstance(fact, AboutNobody):
            self._act(fact)
        elif (slot := self._agents.slots.get(fact.agent_no)) is not None:
            self._tell(slot, fact)
        # otherwise it left before a rebuild began, and its row has this already

    def _act(self, fact: AboutNobody) -> None:
        self._acts.fold([fact])
        if isinstance(fact, Absolved) and not self._is_in_book(fact.seq):
            lineages = self._evidence.lineages
            lineages.restart(lineages.row(fact.lineage), fact.at)

    def _tell(self, slot: int, fact: changing.RowChange) -> None:
        if not self._is_in_row(slot, fact.seq):
            self._change(slot, fact)
        elif isinstance(fact, Fired):
            changing.remember_fire(self._agents.columns, slot, fact)
        if isinstance(fact, Reviewed):
            self._reviews.append(fact)
            if len(self._reviews) >= _TOGETHER:
                self._settle()
        elif isinstance(fact, NewBeginning) and not self._is_in_book(fact.seq):
            self._begin_anew(slot, fact)

    def _begin_anew(self, slot: int, fact: NewBeginning) -> None:
        """The lineage's evidence, or its tests alone."""
        lineages = self._evidence.lineages
        row = int(self._evidence.rows(np.array([slot], np.intp))[0])
        if row == NONE:
            return
        if isinstance(fact, Reinstated):
            lineages.restart(row, fact.at)
        elif fact.begins_tests:
            lineages.begin_tests(row, fact.at)

    def _go_blind(self, fact: Blinded) -> None:
        if self._beats:
            self._take_beats()
        self._spells.add(fact.start, fact.end, noted_at=fact.at)

    def _register(self, fact: Registered) -> None:
        if self._agents.slots.get(fact.agent_no) is not None:
            return
        former = self._agents.find(fact.agent_id)
        if (
            former is not None
        ):  # one that was deleted, or nobody could be known anew by its name
            self._settle()
            self._drop(np.array([former], np.intp))
        self._make_room(self._agents.slots.size + 1)
        self._agents.register(fact)

    def _drop(self, slots: Places) -> None:
        self._memory.restart(slots)
        self._evidence.restart(slots)
        self._agents.leave(slots)

    def _change(self, slot: int, fact: changing.RowChange) -> None:
        if self._meets_beats(slot, fact):
            self._take_beats()
        if changing.meets_outcomes(fact) and self._dones.mentions(fact.agent_no):
            self._take_outcomes()
        if isinstance(fact, Move):
            columns = self._agents.columns
            was = Was(bool(columns.finished_at[slot]), int(columns.standing[slot]))
            self._presence.note(fact.agent_no, fact.at, was)
        changing.apply(self._agents, slot, fact)
        if isinstance(fact, Finished):
            self._count_finished(slot, fact)
        elif isinstance(fact, Reinstated):
            self._older = [older.take(older.slot != slot) for older in self._older]
            self._memory.restart(np.array([slot], np.intp))
            self._evidence.restart(np.array([slot], np.intp))
            self._agents.published.touched.add(OUTCOMES)
        elif isinstance(fact, Stood | Released) and fact.begins_tests:
            self._evidence.begin_tests(slot, fact.at)

    def _meets_beats(self, slot: int, fact: changing.RowChange) -> bool:
        """Whether heartbeats that wait must be taken in before."""
        # at an incarnation's first instant there is no gap yet, and almost everything is said then
        is_first = self._agents.columns.incarnation_at[slot] == fact.at
        return (
            not is_first and changing.meets_beats(fact) and self._beats.mentions(fact.agent_no)
        )

    def _count_finished(self, slot: int, fact: Finished) -> None:
        row = self._groups(np.array([slot], np.intp))[0]
        if not self._numbering.is_in(self._totals.place, fact.seq):
            self._totals.finished[row] += 1

    def _take_reviews(self) -> None:
        """After the outcomes they are about; what no window holds any more is not found, and passed over."""
        reviews, self._reviews = self._reviews, []
        found = (
            (self._agents.slots.get(review.agent_no), review)
            for review in reviews
            if review.counted
        )
        key_of = np.array([review.event_id for review in reviews if review.counted], "S16")
        scores = [
            (slot, review.outcome_at, key, review.score_e6)
            for (slot, review), key in zip(found, keys(key_of).tolist(), strict=True)
            if slot is not None
        ]
        self._memory.rescore(scores, now=self._now)

    def _is_in_row(self, slot: int, seq: int) -> bool:
        if not self._numbering.may_be_in_rows:
            return False
        columns = self._agents.columns
        place = (int(columns.place_writer[slot]), int(columns.place_seq[slot]))
        return self._numbering.is_in(place, seq)

    def _is_in_book(self, seq: int) -> bool:
        return self._numbering.is_in(self._evidence.lineages.place, seq)

    # what windows lack

    def _lacking(self) -> NDArray[np.bool_]:
        """Per slot of the columns: outcomes may be missing from a window."""
        columns, memory, now = self._agents.columns, self._memory, self._now
        unknown = columns.unknown_until
        lacking = np.zeros(columns.capacity, np.bool_)
        for window in memory.time_windows.values():
            until = np.maximum(unknown, window.since)
            lacking |= (until > now - window.length) & (columns.incarnation_at <= until)
        for (length, _), ring in memory.task_windows.items():
            until = np.maximum(unknown, ring.since)
            held = ring.held(columns.capacity)
            lacking |= (held < length) & (columns.incarnation_at <= until)
        for outcomes, streak in memory.streaks.items():
            if outcomes != DEFAULT:
                until = np.maximum(unknown, streak.since)
                lacking |= columns.incarnation_at <= until
        lacking |= self._evidence.lacking()
        return lacking & self._did_more() & (columns.numbers > 0)

    def _did_more(self) -> NDArray[np.bool_]:
        """Per slot: the agent's incarnation had outcomes that the log does not hold."""
        columns = self._agents.columns
        more: NDArray[np.bool_] = columns.tasks - columns.tasks_before > self._memory.held()
        return more

    def _recall(self) -> None:
        """A test that lacks nothing which the log does not hold lacks nothing."""
        if self._evidence.filters_lacking():
            self._evidence.recall(self._memory.remembered(), self._did_more())

    def _missing(self, arrivals: Arrivals, lacking: NDArray[np.bool_]) -> Rows:
        """Of some history, the outcomes of the lacking that are not in the log."""
        columns = self._agents.columns
        slots = self._agents.slots.of(arrivals.number)
        until = np.maximum(columns.unknown_until, self._memory.cut)[slots]
        is_missing = (slots >= 0) & lacking[slots] & arrivals.counted
        is_missing &= (arrivals.at <= until) & (arrivals.at >= columns.incarnation_at[slots])
        which = np.flatnonzero(is_missing)
        return self._rows(arrivals.take(which), slots[which])

    # small answers

    def _rows(self, arrivals: Arrivals, slots: Places) -> Rows:
        return arrivals.rows(slots, self._totals.task_numbers(arrivals, self._groups(slots)))

    def _with_condemned(self, books: Iterable[LineageBook]) -> tuple[LineageBook, ...]:
        condemned = self._acts.condemned
        return tuple(
            replace(book, condemned_at=why.at, fire_id=why.fire_id)
            if (why := condemned.get(book.lineage))
            else book
            for book in books
        )

    def _forget_lineages(self) -> None:
        lineages = self._evidence.lineages
        living = np.zeros(lineages.capacity, np.bool_)
        living[self._evidence.rows(np.flatnonzero(self._agents.columns.numbers))] = True
        lineages.forget(living, now=self._now)

    def _parts(self) -> Parts:
        return Parts(
            settings=self.settings,
            slots=self._agents.slots,
            columns=self._agents.columns,
            memory=self._memory,
            spells=self._spells,
            acts=self._acts,
            presence=self._presence,
            evidence=self._evidence,
            task_kinds=self._totals.task_kinds,
            words=self._agents.words,
            observing_since=self._observing_since(),
        )

    def _observing_since(self) -> int:
        newest = self._spells.newest_end
        return newest if newest is not None else self._first_at or 0

    def _view(self, slot: int | None, now: int) -> AgentView | None:
        if slot is None:
            return None
        self._settle()
        return views(self._parts(), [slot], now=max(now, self._now))[0]

    def _left(self, before: int) -> Places:
        columns, size = self._agents.columns, self._agents.slots.size
        left_at = np.maximum(columns.finished_at[:size], columns.terminated_at[:size])
        return np.flatnonzero((left_at > 0) & (left_at < before))

    def _make_room(self, size: int) -> None:
        capacity = self._agents.columns.capacity
        if size > capacity:
            capacity = max(size, 2 * capacity)
            self._agents.grow(capacity)
            self._memory.grow(capacity)
            self._evidence.grow()

    def _groups(self, slots: Places) -> Places:
        """Whose role totals the agents in these slots add to."""
        groups = self._agents.columns.group
        for slot in np.unique(slots[groups[slots] < 0]).tolist():
            words = self._agents.columns.words
            groups[slot] = self._totals.row(words["role"].get(slot), words["model"].get(slot))
        return groups[slots].astype(np.intp)

    def _group(self) -> None:
        """Every agent's role and model has totals, be they zeros."""
        self._groups(np.flatnonzero(self._agents.columns.numbers))
