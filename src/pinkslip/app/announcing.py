"""What stands now, gathered for those who are told: from the newest judgement, the fleet and the database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp
import numpy as np

from pinkslip.announce.alertmanager import Alertmanager
from pinkslip.announce.announcer import Announcer
from pinkslip.announce.messages import messages
from pinkslip.announce.situation import (
    Demotion,
    Held,
    Matter,
    Refusal,
    Situation,
    Standing,
)
from pinkslip.announce.target import Receiver, Target
from pinkslip.announce.webhook import Webhook
from pinkslip.app.core import Core
from pinkslip.app.explaining import as_decision
from pinkslip.app.questions import displays_of
from pinkslip.deciding.seat import Seat
from pinkslip.fleet.measures import Measures
from pinkslip.judge.memory import NOBODY, Track
from pinkslip.model.policy import Policy
from pinkslip.model.words import (
    Action,
    DeliveryState,
    EpisodeState,
    Guard,
    Mode,
    Verdict,
    code_of,
    word_of,
)
from pinkslip.model.words import Standing as AgentStanding
from pinkslip.settings import Settings
from pinkslip.store.readers import Readers
from pinkslip.store.views import DecisionFilters, StoredDecision

FIRED_SHOWN_MS = 900_000
"""How long people are told of a fire, and of an agent that was refused."""
AT_MOST = 1_000
"""Messages of one kind: beyond it, numbers say more than names."""
NAMED_AT_MOST = 10

_ACTED = code_of(EpisodeState.ACTED)
_MATTERS = {
    EpisodeState.NOTICED: Matter.NOTICE,
    EpisodeState.AWAITING: Matter.APPROVAL,
    AgentStanding.PROBATION: Matter.PROBATION,
    AgentStanding.QUARANTINED: Matter.QUARANTINED,
}


@dataclass(frozen=True, slots=True)
class _Open:
    """A decision that stands, by its id."""

    matter: Matter
    decision_id: str
    until: int | None = None


@dataclass(slots=True)
class Crier:
    """Tells everybody the settings name, as long as one tenure lasts. On the event loop."""

    core: Core
    announcer: Announcer
    session: aiohttp.ClientSession
    base_url: str
    _decisions: dict[str, StoredDecision] = field(default_factory=dict)
    """Those that stand, so that each is read once."""

    @classmethod
    def of(cls, core: Core, settings: Settings, *, base_url: str) -> "Crier | None":
        """None when there is nobody to tell. The session is its own: `stop` closes it."""
        if not settings.alertmanager and settings.webhook is None:
            return None
        session = aiohttp.ClientSession()
        receivers: list[Receiver] = [
            Alertmanager(session, url) for url in settings.alertmanager
        ]
        if settings.webhook is not None:
            receivers.append(
                Webhook(
                    session,
                    settings.webhook,
                    secret=settings.webhook_secret,
                    wall_ms=core.clock.wall_ms,
                )
            )
        core.own.expect(receiver.name for receiver in receivers)
        targets = [Target(receiver, settings.resend_ms) for receiver in receivers]
        announcer = Announcer(core.clock, targets, core.own.notified)
        return cls(core, announcer, session, base_url)

    def start(self) -> None:
        """Begin to tell."""
        self.announcer.start()

    async def stop(self) -> None:
        """Stop telling; what stands ends by itself should nobody go on."""
        await self.announcer.stop()
        await self.session.close()

    async def tell(self) -> None:
        """Say what stands as of the newest tick."""
        found = messages(await self._situation())
        self.announcer.update(found, journal_ms=self.core.journal.now())

    async def _situation(self) -> Situation:
        core = self.core
        judgement, now = core.judgement, core.journal.now()
        opened, held = await core.ask(_standing_now)
        waiting = [
            _Open(_MATTERS[one.state], one.decision_id, one.until)
            for one in (judgement.waiting if judgement else ())
        ]
        self._decisions = known = await core.read(
            _looked_up, core.readers, core.workspace.id, self._decisions, [*waiting, *opened]
        )
        fired = await core.read(
            core.readers.decisions,
            core.workspace.id,
            filters=DecisionFilters(verdict=Verdict.FIRED, since=now - FIRED_SHOWN_MS),
            before=None,
            limit=AT_MOST,
        )
        policy_set = core.policies.policy_set
        return Situation(
            workspace=core.workspace.name,
            now=now,
            base_url=self.base_url,
            pool_label=policy_set.guards.pool,
            policies={policy.name: policy for policy in policy_set.policies},
            displays=displays_of(policy_set),
            standing=[*_told(waiting, known), *_told(opened, known), *map(_fired, fired)],
            held=held,
            panics=judgement.panics if judgement else (),
            causes=judgement.causes if judgement else (),
            deploys=judgement.deploys if judgement else (),
            zombies=[
                delivery
                for delivery in core.deliveries
                if delivery.state is DeliveryState.ZOMBIE or delivery.generation > 1
            ],
            demotions=[
                Demotion(policy=one.policy, at=one.at, why=one.why)
                for one in core.demoted.values()
            ],
            refusals=[
                Refusal(lineage=one.lineage, agent_id=one.agent_id, at=one.last_at)
                for one in core.refusals
                if one.last_at > now - FIRED_SHOWN_MS
            ],
        )


def _looked_up(
    readers: Readers,
    workspace_id: int,
    known: Mapping[str, StoredDecision],
    wanted: Iterable[_Open],
) -> dict[str, StoredDecision]:
    """The records that stand, from what is known or from the database."""
    found: dict[str, StoredDecision] = {}
    for each in wanted:
        record = known.get(each.decision_id) or readers.decision(workspace_id, each.decision_id)
        if record is not None:
            found[each.decision_id] = record
    return found


def _told(opened: Sequence[_Open], known: Mapping[str, StoredDecision]) -> list[Standing]:
    """Those whose record says the same: an episode that acted by another rung is that rung's matter."""
    return [
        Standing(
            matter=each.matter,
            decision=as_decision(record),
            role=record.role,
            until=each.until,
        )
        for each in opened
        if (record := known.get(each.decision_id)) is not None
        and (each.matter is not Matter.NOTIFIED or record.verdict is Verdict.NOTIFIED)
    ]


def _fired(record: StoredDecision) -> Standing:
    return Standing(matter=Matter.FIRED, decision=as_decision(record), role=record.role)


# asked on the fleet thread


def _standing_now(seat: Seat) -> tuple[list[_Open], list[Held]]:
    """What enforcing policies have done to whom and still stands, and what guards hold back."""
    measures = seat.fleet.at(seat.known_at)
    demoted = measures.acts.demoted
    opened: list[_Open] = [
        _Open(_MATTERS[place.standing], place.decision_id, place.until)
        for place in seat.state.places()
        if not place.is_shadow and place.standing in _MATTERS and place.decision_id
    ]
    held: list[Held] = []
    for policy in seat.policy_set.policies:
        track = seat.state.memory.tracks.get(policy.name)
        is_demoted = policy.name in demoted and demoted[policy.name].policy_hash == policy.hash
        if track is None or policy.mode is not Mode.ENFORCE or is_demoted:
            continue
        if any(rung.action is Action.NOTIFY for rung in policy.rungs):
            acted = np.flatnonzero(track.state == _ACTED)[:AT_MOST]
            opened += [
                _Open(Matter.NOTIFIED, decision_id)
                for decision_id in track.decision_id[acted].tolist()
                if decision_id
            ]
        held += _held_of(policy, track, measures)
    return opened[: 2 * AT_MOST], held


def _held_of(policy: Policy, track: Track, measures: Measures) -> list[Held]:
    found = []
    for code in np.unique(track.guard[track.guard != NOBODY]).tolist():
        rows = np.flatnonzero(track.guard == code)
        numbers = track.number[rows[:NAMED_AT_MOST]].tolist()
        slots = [measures.slot_of(number) for number in numbers]
        found.append(
            Held(
                policy=policy.name,
                guard=word_of(Guard, code),
                agents=tuple(measures.agent_ids[slot] for slot in slots if slot is not None),
                count=len(rows),
                since=int(track.began_at[rows].min()),
                detail=str(track.guard_detail[rows[0]]),
            )
        )
    return found
