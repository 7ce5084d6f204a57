"""Questions to the database, asked from reader threads. Every answer is one snapshot; every query is bounded.

Live agents are the fleet's to show; here are those that left, and everything that is not in memory.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    Row,
    Select,
    and_,
    func,
    or_,
    select,
)
from sqlalchemy.exc import DBAPIError

from pinkslip.fleet.admission import event_key
from pinkslip.fleet.snapshot import AgentView
from pinkslip.model.decisions import Delivery, Episode, Evidence, Place
from pinkslip.model.errors import Conflict, Unavailable
from pinkslip.model.facts import Demoted, Done, Ruled, Silence
from pinkslip.model.time import DAY_MS, rfc3339
from pinkslip.model.words import (
    EVERYWHERE,
    Action,
    ActorKind,
    BlindCause,
    DeliveryState,
    EpisodeState,
    Guard,
    Mode,
    Source,
    Standing,
    Verdict,
    word_of,
)
from pinkslip.store import chain
from pinkslip.store.changes import act_of
from pinkslip.store.checkpoint import as_restored, columns, view_of
from pinkslip.store.engine import Database, first_line
from pinkslip.store.facts import DONE_COLUMNS, done_of
from pinkslip.store.latest import latest
from pinkslip.store.tables import (
    acts,
    agent_sessions,
    agents,
    blind,
    decisions,
    deliveries,
    demotions,
    enforcement,
    episodes,
    fires,
    idempotency_keys,
    ladders,
    lineages,
    outcomes,
    policy_sets,
    refusals,
    reviews,
    silences,
    ticks,
    transitions,
    users,
    workspaces,
)
from pinkslip.store.views import (
    AgentFilters,
    Blind,
    Condemnation,
    DecisionCount,
    DecisionFilters,
    EnforcementState,
    Fire,
    FireCount,
    PolicyCount,
    RefusedAgent,
    Remembered,
    Reversal,
    Session,
    SessionFilters,
    SessionPlace,
    Stopped,
    StoredDecision,
    StoredReview,
    StoredSilence,
    Tick,
    Transition,
    Workspace,
)

_DECISION_COLUMNS = [name for name in StoredDecision.__struct_fields__ if name in decisions.c]
LIMIT_MAX = 1_000
LOCAL_USER = 1
IDEMPOTENT_FOR_MS = DAY_MS
_TELLING = (Verdict.NOTIFIED, Verdict.NOTICED, Verdict.ASKED)
OPEN_STATES = (
    DeliveryState.PENDING,
    DeliveryState.DELIVERED,
    DeliveryState.UNVERIFIED,
    DeliveryState.ZOMBIE,
)

_evidence = msgspec.json.Decoder(Evidence).decode
_mapping = msgspec.json.Decoder(dict[str, Any]).decode
_match = msgspec.json.Decoder(tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]).decode
UNREADABLE = (
    "its evidence cannot be read; `pinkslip audit verify` names the first broken record"
)
_texts = msgspec.json.Decoder(tuple[tuple[str, str], ...]).decode


class Readers:
    """Synchronous and thread-safe; `errors.Unavailable` when the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # workspaces

    def workspace(self, name: str) -> Workspace | None:
        """By its name."""
        with self._reading() as connection:
            return _workspace(connection, workspaces.c.name == name)

    def workspace_by_id(self, workspace_id: int) -> Workspace | None:
        """By its number."""
        with self._reading() as connection:
            return _workspace(connection, workspaces.c.id == workspace_id)

    def workspaces(self) -> list[Workspace]:
        """All of them, oldest first."""
        with self._reading() as connection:
            rows = connection.execute(
                select(workspaces.c.id, workspaces.c.uuid, workspaces.c.name).order_by(
                    workspaces.c.id
                )
            )
            return [Workspace(*row) for row in rows]

    # agents

    def agent(self, workspace_id: int, ident: str) -> AgentView | None:
        """By agentId, else by uuid: the checkpointed row with every later change of status and words.

        Totals are the checkpoint's: exact for agents that left memory, up to half a minute old for others.
        """
        with self._reading() as connection:
            number = _agent_no(connection, workspace_id, ident)
            if number is None:
                return None
            agent = latest(connection, workspace_id, number)
            return view_of(agent) if agent else None

    def agents_left(
        self,
        workspace_id: int,
        *,
        finished: bool,
        fired: bool,
        filters: AgentFilters | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[AgentView]:
        """Finished and fired agents with agent_no > `after`, ascending, at most `limit`."""
        filters = filters or AgentFilters()
        if not (finished or fired) or filters.stale:
            return []
        limit, found = _bounded(limit), list[AgentView]()
        with self._reading() as connection:
            while len(found) < limit:
                rows = _left_page(
                    connection, workspace_id, finished, fired, filters, after, limit
                )
                views = [view_of(agent) for agent in as_restored(rows)]
                found += [view for view in views if _has_labels(view, filters)]
                if len(rows) < limit:
                    break
                after = views[-1].agent_no
        return found[:limit]

    def fires(self, workspace_id: int, numbers: Sequence[int]) -> dict[int, list[Fire]]:
        """Fire history by agent_no, oldest first; agents never fired are absent."""
        found: dict[int, list[Fire]] = {}
        with self._reading() as connection:
            for some in _batches(sorted(set(numbers)), LIMIT_MAX):
                history = _fires(
                    connection,
                    workspace_id,
                    select(fires)
                    .where(fires.c.workspace_id == workspace_id, fires.c.agent_no.in_(some))
                    .order_by(fires.c.agent_no, fires.c.incarnation),
                )
                for number, of_agent in groupby(history, key=lambda fire: fire.agent_no):
                    found[number] = list(of_agent)
        return found

    def fire(self, workspace_id: int, fire_id: str) -> Fire | None:
        """One fire, by its id."""
        with self._reading() as connection:
            found = _fires(
                connection,
                workspace_id,
                select(fires).where(
                    fires.c.workspace_id == workspace_id, fires.c.id == fire_id
                ),
            )
            return found[0] if found else None

    def recent_fires(self, workspace_id: int, *, limit: int = 50, since: int = 0) -> list[Fire]:
        """The newest fires of the workspace, newest first."""
        with self._reading() as connection:
            return _fires(
                connection,
                workspace_id,
                select(fires)
                .where(fires.c.workspace_id == workspace_id, fires.c.fired_at >= since)
                .order_by(fires.c.fired_at.desc(), fires.c.agent_no.desc())
                .limit(_bounded(limit)),
            )

    def outcomes(
        self, workspace_id: int, agent_no: int, *, limit: int = 100, before: int | None = None
    ) -> list[Done]:
        """An agent's outcomes, newest first; `before` an instant."""
        with self._reading() as connection:
            return newest_outcomes(
                connection, workspace_id, agent_no, limit=_bounded(limit), before=before
            )

    def transitions(
        self, workspace_id: int, agent_no: int, *, limit: int = 100, before: int | None = None
    ) -> list[Transition]:
        """An agent's changes of status and standing, newest first. Enforcement's are under agent_no 0."""
        statement = select(transitions).where(
            transitions.c.workspace_id == workspace_id, transitions.c.agent_no == agent_no
        )
        if before is not None:
            statement = statement.where(transitions.c.at < before)
        newest = statement.order_by(
            transitions.c.at.desc(), transitions.c.writer.desc(), transitions.c.seq.desc()
        )
        with self._reading() as connection:
            return [
                Transition(
                    agent_no=row.agent_no,
                    at=row.at,
                    subject=row.subject,
                    old=row.old,
                    new=row.new,
                    actor_kind=ActorKind(row.actor_kind),
                    actor=row.actor,
                    why=row.why,
                )
                for row in connection.execute(newest.limit(_bounded(limit)))
            ]

    # sessions

    def sessions(
        self,
        workspace_id: int,
        *,
        filters: SessionFilters | None = None,
        after: SessionPlace | None = None,
        limit: int = 100,
    ) -> list[Session]:
        """Newest start first, then by key, from just behind `after`."""
        statement = _sessions(workspace_id).where(*_session_conditions(filters))
        if after is not None:
            statement = statement.where(
                or_(
                    agent_sessions.c.started_at < after.started_at,
                    and_(
                        agent_sessions.c.started_at == after.started_at,
                        agent_sessions.c.session_key > after.session_key,
                    ),
                )
            )
        ordered = statement.order_by(
            agent_sessions.c.started_at.desc(), agent_sessions.c.session_key
        )
        with self._reading() as connection:
            return [_session(row) for row in connection.execute(ordered.limit(_bounded(limit)))]

    def session(self, workspace_id: int, key: str) -> Session | None:
        """The conversation under its key."""
        with self._reading() as connection:
            return session_of(connection, workspace_id, key)

    # decisions and policies

    def decisions(
        self,
        workspace_id: int,
        *,
        filters: DecisionFilters | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[StoredDecision]:
        """Newest first, with number < `before`."""
        statement = select(decisions).where(
            decisions.c.workspace_id == workspace_id, *_decision_conditions(filters)
        )
        if before is not None:
            statement = statement.where(decisions.c.number < before)
        newest = statement.order_by(decisions.c.number.desc()).limit(_bounded(limit))
        with self._reading() as connection:
            return [_decision(row) for row in connection.execute(newest)]

    def decision(self, workspace_id: int, decision_id: str) -> StoredDecision | None:
        """One record."""
        with self._reading() as connection:
            return decision_of(connection, workspace_id, decision_id)

    def ruling(self, workspace_id: int, decision_id: str) -> Ruled | None:
        """What a person said last of what the decision announced."""
        with self._reading() as connection:
            return ruling_of(connection, workspace_id, decision_id)

    def told(self, workspace_id: int, *, since: int) -> list[int]:
        """When people were told something by a policy that enforces, oldest first: `max_notices` counts them."""
        with self._reading() as connection:
            instants = connection.execute(
                select(decisions.c.at)
                .where(
                    decisions.c.workspace_id == workspace_id,
                    decisions.c.at >= since,
                    decisions.c.verdict.in_(_TELLING),
                )
                .order_by(decisions.c.at)
            ).scalars()
            return list(instants)

    def policy_counts(self, workspace_id: int, *, since: int = 0) -> list[PolicyCount]:
        """What policies decided since an instant, by policy and kind."""
        by = tuple(
            decisions.c[name] for name in ("policy", "verdict", "mode", "action", "guard")
        )
        return self._counted(
            select(*by, func.count())
            .where(
                decisions.c.workspace_id == workspace_id,
                decisions.c.at >= since,
                decisions.c.actor_kind == ActorKind.POLICY,
            )
            .group_by(*by)
            .order_by(*by),
            lambda policy, verdict, mode, action, guard, count: PolicyCount(
                policy=policy,
                verdict=Verdict(verdict),
                mode=Mode(mode),
                action=Action(action),
                guard=Guard(guard) if guard else None,
                count=count,
            ),
        )

    def reversals(
        self, workspace_id: int, *, since: int = 0, policy: str | None = None
    ) -> list[Reversal]:
        """Where people overruled policies since an instant, oldest first."""
        with self._reading() as connection:
            return reversals_of(connection, workspace_id, since=since, policy=policy)

    def demotions(self, workspace_id: int) -> list[Demoted]:
        """Policies that were overruled too often, by name; one whose text changed since acts again."""
        with self._reading() as connection:
            return demotions_of(connection, workspace_id)

    def places(self, workspace_id: int) -> list[Place]:
        """Where ladders have put whom, for the judge after a restart."""
        with self._reading() as connection:
            rows = connection.execute(
                select(ladders)
                .where(ladders.c.workspace_id == workspace_id)
                .order_by(ladders.c.policy, ladders.c.subject)
            )
            return [_place(row) for row in rows]

    # silences, reviews, lineages

    def silences(
        self,
        workspace_id: int,
        *,
        active_at: int | None = None,
        over_at: int | None = None,
        limit: int = 100,
    ) -> list[StoredSilence]:
        """Newest start first: those in force at an instant, those over by an instant, or all."""
        conditions = []
        if active_at is not None:
            conditions += [
                silences.c.ended_at.is_(None),
                silences.c.starts_at <= active_at,
                silences.c.ends_at > active_at,
            ]
        if over_at is not None:
            conditions.append(
                or_(silences.c.ended_at.is_not(None), silences.c.ends_at <= over_at)
            )
        with self._reading() as connection:
            rows = connection.execute(
                select(silences)
                .where(silences.c.workspace_id == workspace_id, *conditions)
                .order_by(silences.c.starts_at.desc(), silences.c.id)
                .limit(_bounded(limit))
            )
            return [_silence(row) for row in rows]

    def silence(self, workspace_id: int, silence_id: str) -> StoredSilence | None:
        """One silence, over or not."""
        with self._reading() as connection:
            return silence_of(connection, workspace_id, silence_id)

    def reviews(
        self, workspace_id: int, event_id: str, *, limit: int = 100
    ) -> list[StoredReview]:
        """What was said of an outcome, newest first."""
        with self._reading() as connection:
            return reviews_of(connection, workspace_id, event_key(event_id), limit=limit)

    def condemned(self, workspace_id: int) -> list[Condemnation]:
        """Lineages that are turned away, by name."""
        with self._reading() as connection:
            rows = connection.execute(
                select(
                    lineages.c.lineage,
                    lineages.c.condemned_at,
                    lineages.c.fire_id,
                    fires.c.agent_id,
                    fires.c.reason,
                )
                .select_from(
                    lineages.join(
                        fires,
                        and_(
                            fires.c.workspace_id == lineages.c.workspace_id,
                            fires.c.id == lineages.c.fire_id,
                        ),
                    )
                )
                .where(
                    lineages.c.workspace_id == workspace_id,
                    lineages.c.condemned_at.is_not(None),
                )
                .order_by(lineages.c.lineage)
            )
            return [
                Condemnation(
                    lineage=row.lineage,
                    at=row.condemned_at,
                    fire_id=row.fire_id,
                    agent_id=row.agent_id,
                    reason=row.reason,
                )
                for row in rows
            ]

    def refused(self, workspace_id: int, *, since: int, limit: int = 100) -> list[RefusedAgent]:
        """Agents turned away since an instant because their worker was fired, the newest try first."""
        with self._reading() as connection:
            rows = connection.execute(
                select(refusals)
                .where(refusals.c.workspace_id == workspace_id, refusals.c.last_at >= since)
                .order_by(refusals.c.last_at.desc(), refusals.c.lineage, refusals.c.agent_id)
                .limit(_bounded(limit))
            )
            return [
                RefusedAgent(
                    lineage=row.lineage,
                    agent_id=row.agent_id,
                    first_at=row.first_at,
                    last_at=row.last_at,
                    reports=row.reports,
                )
                for row in rows
            ]

    # what is open

    def policy_set_texts(
        self, workspace_id: int, policy_set_hash: str
    ) -> tuple[tuple[str, str], ...] | None:
        """(file, text) pairs of a policy set that led to decisions; None: never seen."""
        with self._reading() as connection:
            texts = connection.execute(
                select(policy_sets.c.texts).where(
                    policy_sets.c.workspace_id == workspace_id,
                    policy_sets.c.hash == policy_set_hash,
                )
            ).scalar()
            return None if texts is None else _readable_texts(texts, policy_set_hash)

    def episodes(self, workspace_id: int) -> list[Episode]:
        """Every open episode, for the judge after a restart."""
        with self._reading() as connection:
            rows = connection.execute(
                select(episodes)
                .where(episodes.c.workspace_id == workspace_id)
                .order_by(episodes.c.policy, episodes.c.agent_no)
            )
            return [_episode(row) for row in rows]

    def open_deliveries(self, workspace_id: int) -> list[Delivery]:
        """What is not settled, in order of fire and generation."""
        with self._reading() as connection:
            rows = connection.execute(
                select(deliveries)
                .where(
                    deliveries.c.workspace_id == workspace_id,
                    deliveries.c.state.in_(OPEN_STATES),
                    deliveries.c.settled_at.is_(None),
                )
                .order_by(
                    deliveries.c.created_at, deliveries.c.fire_id, deliveries.c.generation
                )
            )
            return [_delivery(row) for row in rows]

    def delivery_counts(self, workspace_id: int) -> dict[DeliveryState, int]:
        """How many deliveries stand in each state, settled ones included."""
        with self._reading() as connection:
            rows = connection.execute(
                select(deliveries.c.state, func.count())
                .where(deliveries.c.workspace_id == workspace_id)
                .group_by(deliveries.c.state)
            )
            return {DeliveryState(state): count for state, count in rows}

    # running it

    def enforcement(self, workspace_id: int) -> EnforcementState:
        """Whether policies may act."""
        with self._reading() as connection:
            return enforcement_of(connection, workspace_id)

    def last_tick(self, workspace_id: int) -> Tick | None:
        """The newest tick there is a record of."""
        with self._reading() as connection:
            row = connection.execute(
                select(ticks)
                .where(ticks.c.workspace_id == workspace_id)
                .order_by(ticks.c.now.desc())
                .limit(1)
            ).one_or_none()
            return _tick(row) if row else None

    def ticks(self, workspace_id: int, *, since: int, limit: int = LIMIT_MAX) -> list[Tick]:
        """Recorded ticks from an instant on, oldest first."""
        with self._reading() as connection:
            rows = connection.execute(
                select(ticks)
                .where(ticks.c.workspace_id == workspace_id, ticks.c.now >= since)
                .order_by(ticks.c.now)
                .limit(_bounded(limit))
            )
            return [_tick(row) for row in rows]

    def blinds(self, workspace_id: int, *, since: int = 0, limit: int = 100) -> list[Blind]:
        """Stretches we did not see that ended at `since` or later, newest first."""
        with self._reading() as connection:
            rows = connection.execute(
                select(blind)
                .where(blind.c.workspace_id == workspace_id, blind.c.ended_at >= since)
                .order_by(blind.c.writer.desc(), blind.c.seq.desc())
                .limit(_bounded(limit))
            )
            return [
                Blind(
                    at=row.at,
                    started_at=row.started_at,
                    ended_at=row.ended_at,
                    cause=BlindCause(row.cause),
                    wall_offset_ms=row.wall_offset_ms,
                    detail=row.detail,
                )
                for row in rows
            ]

    def recall(self, workspace_id: int, key: str, *, now: int) -> Remembered | None:
        """The answer under an Idempotency-Key, where it is not older than a day."""
        with self._reading() as connection:
            return recall(connection, workspace_id, key, now=now)

    # counters after a restart

    def fire_counts(self, workspace_id: int) -> list[FireCount]:
        """All fires there ever were."""
        by = (fires.c.role, fires.c.policy, fires.c.reason, fires.c.actor_kind)
        return self._counted(
            select(*by, func.count()).where(fires.c.workspace_id == workspace_id).group_by(*by),
            lambda role, policy, reason, kind, count: FireCount(
                role=role, policy=policy, reason=reason, actor_kind=ActorKind(kind), count=count
            ),
        )

    def decision_counts(self, workspace_id: int) -> list[DecisionCount]:
        """All decisions policies ever took; a person's are among the fires."""
        by = tuple(decisions.c[name] for name in ("role", "policy", "verdict", "mode", "guard"))
        return self._counted(
            select(*by, func.count())
            .where(
                decisions.c.workspace_id == workspace_id,
                decisions.c.actor_kind == ActorKind.POLICY,
            )
            .group_by(*by),
            lambda role, policy, verdict, mode, guard, count: DecisionCount(
                role=role,
                policy=policy,
                verdict=Verdict(verdict),
                mode=Mode(mode),
                guard=Guard(guard) if guard else None,
                count=count,
            ),
        )

    def numbers_present(self, workspace_id: int, *, at: int, limit: int) -> list[int]:
        """agent_no of everybody known by `at` who had not left for good by then, at most `limit`."""
        with self._reading() as connection:
            found = connection.execute(
                select(agents.c.agent_no)
                .where(
                    agents.c.workspace_id == workspace_id,
                    agents.c.created_at <= at,
                    or_(agents.c.left_at.is_(None), agents.c.left_at > at),
                )
                .order_by(agents.c.agent_no)
                .limit(limit)
            )
            return [int(number) for number in found.scalars()]

    def verify_chain(self, workspace_id: int) -> chain.ChainReport:
        """Walk the chain of decisions from its start, every record once."""
        with self._reading() as connection:
            return chain.verify(connection, workspace_id)

    def _counted(self, statement: Select[Any], make: Callable[..., Any]) -> list[Any]:
        with self._reading() as connection:
            return [make(*row) for row in connection.execute(statement)]

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._database.reader_engine.connect() as connection, connection.begin():
                yield connection
        except DBAPIError as error:
            raise Unavailable(f"{self._database.where}: {first_line(error)}") from error


def decision_of(
    connection: Connection, workspace_id: int, decision_id: str
) -> StoredDecision | None:
    """One record."""
    row = connection.execute(
        select(decisions).where(
            decisions.c.workspace_id == workspace_id, decisions.c.id == decision_id
        )
    ).one_or_none()
    return _decision(row) if row else None


def newest_of(
    connection: Connection, workspace_id: int, *, policy: str, agent_no: int, after: int
) -> StoredDecision | None:
    """The newest record of a policy about an agent, with a number > `after`."""
    row = connection.execute(
        select(decisions)
        .where(
            decisions.c.workspace_id == workspace_id,
            decisions.c.agent_no == agent_no,
            decisions.c.policy == policy,
            decisions.c.number > after,
        )
        .order_by(decisions.c.number.desc())
        .limit(1)
    ).one_or_none()
    return _decision(row) if row else None


def episode_of(
    connection: Connection, workspace_id: int, *, policy: str, agent_no: int
) -> Episode | None:
    """The open one, as of the newest tick."""
    row = connection.execute(
        select(episodes).where(
            episodes.c.workspace_id == workspace_id,
            episodes.c.policy == policy,
            episodes.c.agent_no == agent_no,
        )
    ).one_or_none()
    return _episode(row) if row else None


def ruling_of(connection: Connection, workspace_id: int, decision_id: str) -> Ruled | None:
    """What a person said last of what a decision announced."""
    row = connection.execute(
        select(acts)
        .where(
            acts.c.workspace_id == workspace_id,
            acts.c.subject == decision_id,
            acts.c.kind == Ruled.__name__,
        )
        .order_by(acts.c.writer.desc(), acts.c.seq.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    ruled = act_of(row.kind, row.body, at=row.at, seq=row.seq)
    assert isinstance(ruled, Ruled), "its kind says so"
    return ruled


def reversals_of(
    connection: Connection, workspace_id: int, *, since: int, policy: str | None = None
) -> list[Reversal]:
    """Where people overruled policies since an instant, oldest first."""
    found = [
        *_taken_back(connection, workspace_id, since, policy),
        *_vetoed(connection, workspace_id, since, policy),
    ]
    return sorted(found, key=lambda reversal: (reversal.at, reversal.decision_id))


def _taken_back(
    connection: Connection, workspace_id: int, since: int, policy: str | None
) -> Iterator[Reversal]:
    statement = (
        select(fires, decisions.c.policy_hash)
        .select_from(
            fires.join(
                decisions,
                and_(
                    decisions.c.workspace_id == fires.c.workspace_id,
                    decisions.c.id == fires.c.decision_id,
                ),
            )
        )
        .where(
            fires.c.workspace_id == workspace_id,
            fires.c.reinstated_at >= since,
            fires.c.policy.is_not(None) if policy is None else fires.c.policy == policy,
        )
    )
    for row in connection.execute(statement):
        yield Reversal(
            at=row.reinstated_at,
            policy=row.policy,
            policy_hash=row.policy_hash,
            decision_id=row.decision_id,
            agent_no=row.agent_no,
            agent_id=row.agent_id,
            role=row.role,
            verdict=Verdict.REINSTATED,
            actor=row.reinstated_by,
            context=row.reinstate_context or "",
            wrong=bool(row.was_wrong),
        )


def _vetoed(
    connection: Connection, workspace_id: int, since: int, policy: str | None
) -> Iterator[Reversal]:
    statement = select(decisions).where(
        decisions.c.workspace_id == workspace_id,
        decisions.c.at >= since,
        decisions.c.verdict == Verdict.VETOED,
    )
    if policy is not None:
        statement = statement.where(decisions.c.policy == policy)
    for row in connection.execute(statement):
        yield Reversal(
            at=row.at,
            policy=row.policy,
            policy_hash=row.policy_hash,
            decision_id=row.id,
            agent_no=row.agent_no,
            agent_id=row.agent_id,
            role=row.role,
            verdict=Verdict.VETOED,
            actor=row.actor,
            context=row.context,
            wrong=True,
        )


def demotions_of(connection: Connection, workspace_id: int) -> list[Demoted]:
    """Policies that were overruled too often, by name."""
    rows = connection.execute(
        select(demotions)
        .where(demotions.c.workspace_id == workspace_id)
        .order_by(demotions.c.policy)
    )
    return [
        Demoted(at=row.at, seq=0, policy=row.policy, policy_hash=row.policy_hash, why=row.why)
        for row in rows
    ]


def silence_of(
    connection: Connection, workspace_id: int, silence_id: str
) -> StoredSilence | None:
    """One silence, over or not."""
    row = connection.execute(
        select(silences).where(
            silences.c.workspace_id == workspace_id, silences.c.id == silence_id
        )
    ).one_or_none()
    return _silence(row) if row else None


def silences_to_come(
    connection: Connection, workspace_id: int, *, after: int
) -> list[StoredSilence]:
    """Those that nobody ended and that are not over by `after`, oldest first."""
    rows = connection.execute(
        select(silences)
        .where(
            silences.c.workspace_id == workspace_id,
            silences.c.ends_at > after,
            silences.c.ended_at.is_(None),
        )
        .order_by(silences.c.created_at, silences.c.id)
    )
    return [_silence(row) for row in rows]


def reviews_of(
    connection: Connection, workspace_id: int, key: bytes, *, limit: int
) -> list[StoredReview]:
    """What was said of an outcome, newest first."""
    rows = connection.execute(
        select(reviews)
        .where(reviews.c.workspace_id == workspace_id, reviews.c.event_id == key)
        .order_by(reviews.c.writer.desc(), reviews.c.seq.desc())
        .limit(_bounded(limit))
    )
    return [
        StoredReview(
            event_id=bytes(row.event_id),
            at=row.at,
            agent_no=row.agent_no,
            outcome_at=row.outcome_at,
            score_e6=row.score_e6,
            before_e6=row.before_e6,
            comment=row.comment or "",
            source=word_of(Source, row.source),
            who=row.who,
            counted=row.counted,
        )
        for row in rows
    ]


def newest_outcomes(
    connection: Connection,
    workspace_id: int,
    agent_no: int,
    *,
    limit: int,
    before: int | None = None,
    counted_only: bool = False,
) -> list[Done]:
    """An agent's outcomes, newest first; `counted_only` leaves out what it sent while fired."""
    statement = select(*DONE_COLUMNS).where(
        outcomes.c.workspace_id == workspace_id, outcomes.c.agent_no == agent_no
    )
    if counted_only:
        statement = statement.where(outcomes.c.counted)
    if before is not None:
        statement = statement.where(outcomes.c.at < before)
    newest = statement.order_by(
        outcomes.c.at.desc(), outcomes.c.writer.desc(), outcomes.c.seq.desc()
    )
    return [done_of(row) for row in connection.execute(newest.limit(limit))]


def session_of(connection: Connection, workspace_id: int, key: str) -> Session | None:
    """The conversation under its key."""
    row = connection.execute(
        _sessions(workspace_id).where(agent_sessions.c.session_key == key)
    ).one_or_none()
    return _session(row) if row else None


def enforcement_of(connection: Connection, workspace_id: int) -> EnforcementState:
    """Whether policies may act in a workspace, and everywhere."""
    rows = connection.execute(
        select(enforcement).where(
            enforcement.c.workspace_id.in_((EVERYWHERE, workspace_id)),
            enforcement.c.stopped_at.is_not(None),
        )
    )
    stops = {
        row.workspace_id: Stopped(at=row.stopped_at, actor=row.actor, reason=row.reason)
        for row in rows
    }
    return EnforcementState(stopped=stops.get(workspace_id), everywhere=stops.get(EVERYWHERE))


def recall(
    connection: Connection, workspace_id: int, key: str, *, now: int
) -> Remembered | None:
    """The answer under an Idempotency-Key, where it is not older than a day."""
    row = connection.execute(
        select(idempotency_keys).where(
            idempotency_keys.c.workspace_id == workspace_id,
            idempotency_keys.c.key == key,
            idempotency_keys.c.at > now - IDEMPOTENT_FOR_MS,
        )
    ).one_or_none()
    if row is None:
        return None
    return Remembered(
        request_digest=bytes(row.request_digest), status=row.status, answer=row.answer
    )


def _workspace(connection: Connection, condition: Any) -> Workspace | None:
    row = connection.execute(
        select(workspaces.c.id, workspaces.c.uuid, workspaces.c.name).where(condition)
    ).one_or_none()
    return Workspace(*row) if row else None


def _agent_no(connection: Connection, workspace_id: int, ident: str) -> int | None:
    for column in (agents.c.agent_id, agents.c.id):
        number = connection.execute(
            select(agents.c.agent_no).where(
                agents.c.workspace_id == workspace_id, column == ident
            )
        ).scalar()
        if number is not None:
            return int(number)
    return None


def _left_page(
    connection: Connection,
    workspace_id: int,
    finished: bool,
    fired: bool,
    filters: AgentFilters,
    after: int,
    limit: int,
) -> Sequence[Row[Any]]:
    kinds = []
    if finished:
        kinds.append(
            and_(agents.c.finished_at.is_not(None), agents.c.standing != Standing.FIRED)
        )
    if fired:
        kinds.append(agents.c.standing == Standing.FIRED)
    return connection.execute(
        select(*columns())
        .where(
            agents.c.workspace_id == workspace_id,
            agents.c.agent_no > after,
            or_(*kinds),
            *_agent_conditions(filters),
        )
        .order_by(agents.c.agent_no)
        .limit(limit)
    ).all()


def _agent_conditions(filters: AgentFilters) -> Iterator[Any]:
    for name in ("status", "standing", "role", "model", "host", "lineage"):
        wanted = getattr(filters, name)
        if wanted:
            yield agents.c[name].in_(sorted(str(value) for value in wanted))
    if filters.q:
        yield or_(
            *(
                agents.c[name].icontains(filters.q, autoescape=True)
                for name in ("agent_id", "name", "current_task")
            )
        )


def _has_labels(view: AgentView, filters: AgentFilters) -> bool:
    return all(view.labels.get(label) in values for label, values in filters.labels)


def _session_conditions(filters: SessionFilters | None) -> Iterator[Any]:
    if filters is None:
        return
    if filters.agent_no is not None:
        yield agent_sessions.c.agent_no == filters.agent_no
    if filters.user_id is not None:
        yield or_(users.c.uuid == filters.user_id, users.c.name == filters.user_id)
    if filters.channel is not None:
        yield agent_sessions.c.channel == filters.channel
    if filters.active is not None:
        yield agent_sessions.c.is_active.is_(filters.active)


def _decision_conditions(filters: DecisionFilters | None) -> Iterator[Any]:
    if filters is None:
        return
    for name in ("agent_no", "agent_id", "policy", "verdict", "mode", "guard"):
        wanted = getattr(filters, name)
        if wanted is not None:
            yield decisions.c[name] == wanted
    if filters.since is not None:
        yield decisions.c.at >= filters.since


def _fires(connection: Connection, workspace_id: int, statement: Select[Any]) -> list[Fire]:
    rows = connection.execute(statement).all()
    made = _deliveries_by_fire(connection, workspace_id, [row.id for row in rows])
    return [_fire(row, made.get(row.id, ())) for row in rows]


def _deliveries_by_fire(
    connection: Connection, workspace_id: int, ids: Sequence[str]
) -> Mapping[str, tuple[Delivery, ...]]:
    found: dict[str, tuple[Delivery, ...]] = {}
    for some in _batches(ids, LIMIT_MAX):
        rows = connection.execute(
            select(deliveries)
            .where(deliveries.c.workspace_id == workspace_id, deliveries.c.fire_id.in_(some))
            .order_by(deliveries.c.fire_id, deliveries.c.generation)
        )
        for row in rows:
            found[row.fire_id] = (*found.get(row.fire_id, ()), _delivery(row))
    return found


def _fire(row: Row[Any], made: tuple[Delivery, ...]) -> Fire:
    return Fire(
        id=row.id,
        agent_no=row.agent_no,
        agent_id=row.agent_id,
        incarnation=row.incarnation,
        decision_id=row.decision_id,
        fired_at=row.fired_at,
        reason=row.reason,
        context=row.context,
        policy=row.policy,
        actor_kind=ActorKind(row.actor_kind),
        actor=row.actor,
        post_mortem=_readable_mapping(row.post_mortem),
        reinstated_at=row.reinstated_at,
        reinstated_by=row.reinstated_by,
        reinstate_context=row.reinstate_context,
        was_wrong=row.was_wrong,
        deliveries=made,
    )


def _readable_mapping(text: str) -> dict[str, Any]:
    """A post-mortem; empty where other hands made it unreadable."""
    try:
        return _mapping(text)
    except msgspec.DecodeError:
        return {}


def _delivery(row: Row[Any]) -> Delivery:
    values = {name: getattr(row, name) for name in Delivery.__struct_fields__}
    values["state"] = DeliveryState(row.state)
    return Delivery(**values)


def _sessions(workspace_id: int) -> Select[Any]:
    return (
        select(
            *agent_sessions.c,
            agents.c.id.label("agent_uuid"),
            agents.c.agent_id,
            users.c.uuid.label("user_uuid"),
            users.c.name.label("user_name"),
        )
        .select_from(
            agent_sessions.join(
                users,
                and_(
                    users.c.workspace_id == agent_sessions.c.workspace_id,
                    users.c.id == agent_sessions.c.user_id,
                ),
            ).outerjoin(
                agents,
                and_(
                    agents.c.workspace_id == agent_sessions.c.workspace_id,
                    agents.c.agent_no == agent_sessions.c.agent_no,
                ),
            )
        )
        .where(agent_sessions.c.workspace_id == workspace_id)
    )


def _session(row: Row[Any]) -> Session:
    return Session(
        id=row.id,
        session_key=row.session_key,
        # as it was sent; the built-in user by its uuid
        user_id=row.user_uuid if row.user_id == LOCAL_USER else row.user_name,
        agent_uuid=row.agent_uuid,
        agent_id=row.agent_id,
        label=row.label,
        channel=row.channel,
        context_summary=row.context_summary,
        message_count=row.message_count,
        is_active=row.is_active,
        started_at=row.started_at,
        last_message_at=row.last_message_at,
        ended_at=row.ended_at,
        metadata=_mapping(row._mapping["metadata"]),  # noqa: SLF001 - public by its documentation
    )


def _decision(row: Row[Any]) -> StoredDecision:
    """A record as it is shown. One that somebody tampered with must not hide the others."""
    evidence = _readable_evidence(row.evidence)
    nothing = Evidence(when="", values={}, words=UNREADABLE, true_since=row.at)
    values = {name: getattr(row, name) for name in _DECISION_COLUMNS}
    values.update(
        verdict=Verdict(row.verdict),
        mode=Mode(row.mode),
        action=Action(row.action),
        guard=Guard(row.guard) if row.guard else None,
        actor_kind=ActorKind(row.actor_kind),
        evidence=nothing if evidence is None else evidence,
        content_digest=bytes(row.content_digest),
        chain_digest=bytes(row.chain_digest),
        is_readable=evidence is not None,
    )
    return StoredDecision(**values)


def _readable_texts(texts: str, policy_set_hash: str) -> tuple[tuple[str, str], ...]:
    try:
        return _texts(texts)
    except msgspec.DecodeError as error:
        raise Conflict(
            f"the stored text of policy set {policy_set_hash} cannot be read"
        ) from error


def _readable_evidence(text: str) -> Evidence | None:
    """None: it is no evidence, or names instants that no calendar has."""
    try:
        evidence = _evidence(text)
        for instant in (evidence.true_since, evidence.until, *_begun(evidence)):
            rfc3339(instant or 0)
    except (msgspec.DecodeError, ValueError, OverflowError, OSError):
        return None
    return evidence


def _begun(evidence: Evidence) -> Iterator[int]:
    return (statistic.since for statistic in evidence.statistics)


def _episode(row: Row[Any]) -> Episode:
    values = {name: getattr(row, name) for name in Episode.__struct_fields__}
    values["state"] = EpisodeState(row.state)
    values["guard"] = Guard(row.guard) if row.guard else None
    return Episode(**values)


def _place(row: Row[Any]) -> Place:
    values = {name: getattr(row, name) for name in Place.__struct_fields__ if name != "gone"}
    values["standing"] = Standing(row.standing)
    return Place(**values)


def _silence(row: Row[Any]) -> StoredSilence:
    return StoredSilence(
        silence=Silence(
            id=row.id,
            match=_match(row.matchers),
            owner=row.owner,
            reason=row.reason,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
        ),
        created_at=row.created_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
    )


def _tick(row: Row[Any]) -> Tick:
    values = {name: getattr(row, name) for name in Tick.__struct_fields__}
    values["digest"] = bytes(row.digest)
    return Tick(**values)


def _bounded(limit: int) -> int:
    return max(1, min(limit, LIMIT_MAX))


def _batches(items: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
