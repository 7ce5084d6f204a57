"""What people do to a rehearsal: the facts that the store's acts would leave, by the store's rules."""

import msgspec

from pinkslip.model.decisions import Decision, Episode
from pinkslip.model.errors import Conflict
from pinkslip.model.facts import (
    Absolved,
    Demoted,
    Promoted,
    Protected,
    Reinstated,
    Released,
    Reviewed,
    Ruled,
    Silence,
    Silenced,
    Stood,
)
from pinkslip.model.policy import Matcher
from pinkslip.model.time import DAY_MS
from pinkslip.model.words import EpisodeState, Standing, Verdict
from pinkslip.replay.rehearsal import Rehearsal

REVERSALS = 2
WITHIN_MS = DAY_MS
"""So many people overruling one version of a policy within so long put it into shadow."""

_WAITING = (EpisodeState.NOTICED, EpisodeState.AWAITING)


class People:
    """One person with every right. Times are instants of the rehearsal."""

    def __init__(self, rehearsal: Rehearsal, *, name: str = "somebody") -> None:
        self.name = name
        self._rehearsal = rehearsal
        self._reversals: list[tuple[int, str, str]] = []
        """(when, policy, its hash)."""

    def protect(self, agent_id: str, *, until: int | None) -> None:
        """No policy fires or quarantines the agent before `until`; None lifts that."""
        played = self._rehearsal
        number = played.head(agent_id).agent_no
        played.tell(Protected(number, played.at, played.allot(), until))

    def silence(
        self, match: tuple[Matcher, ...], *, until: int, reason: str = "silenced"
    ) -> str:
        """Policies leave these agents alone; the silence's id."""
        played = self._rehearsal
        seq = played.allot()
        silence = Silence(
            id=f"silence-{seq}",
            match=tuple(
                (line.field, tuple(sorted(line.values)), line.patterns) for line in match
            ),
            owner=self.name,
            reason=reason,
            starts_at=played.at,
            ends_at=until,
        )
        played.tell(Silenced(played.at, seq, silence))
        return silence.id

    def quarantine(self, agent_id: str, *, until: int) -> None:
        """Nobody but a person lets the agent go before `until`."""
        played = self._rehearsal
        head = played.head(agent_id)
        if head.standing is Standing.FIRED:
            raise Conflict(f"agent {agent_id} is fired")
        played.tell(
            Stood(
                head.agent_no,
                played.at,
                played.allot(),
                standing=Standing.QUARANTINED,
                until=until,
                policy=None,
                by_person=True,
            )
        )

    def release(self, agent_id: str) -> None:
        """The agent is active again, and every ladder starts a new pass."""
        played = self._rehearsal
        head = played.head(agent_id)
        if head.standing in (Standing.ACTIVE, Standing.FIRED):
            raise Conflict(f"agent {agent_id} is {head.standing}; there is nothing to release")
        played.tell(Released(head.agent_no, played.at, played.allot()))

    def reinstate(self, agent_id: str, *, wrong: bool = False) -> None:
        """The agent's next incarnation begins. `wrong`: the fire was a mistake, and counts as a reversal."""
        played = self._rehearsal
        head = played.head(agent_id)
        if head.standing is not Standing.FIRED:
            raise Conflict(f"agent {agent_id} is not fired")
        played.tell(Reinstated(head.agent_no, played.at, played.allot(), head.incarnation + 1))
        if head.lineage is not None and head.lineage in played.condemned:
            played.tell(Absolved(played.at, played.allot(), head.lineage))
        fired = self._newest(head.agent_no, Verdict.FIRED)
        if fired is not None:
            self._record(fired, Verdict.REINSTATED)
            if wrong:
                self._overrule(fired)

    def veto(self, agent_id: str, *, policy: str | None = None) -> str:
        """Stop the fire that was announced for the agent; the decision's id."""
        vetoed = self._rule(agent_id, policy, Verdict.VETOED)
        self._overrule(vetoed)
        return vetoed.id

    def approve(self, agent_id: str, *, policy: str | None = None) -> str:
        """Allow the fire that waits for it; the decision's id."""
        return self._rule(agent_id, policy, Verdict.APPROVED).id

    def review(self, agent_id: str, *, score_e6: int) -> None:
        """Give the agent's newest outcome another score."""
        played = self._rehearsal
        done = played.newest.get(played.head(agent_id).agent_no)
        if done is None:
            raise Conflict(f"agent {agent_id} has no outcome to review")
        played.tell(
            Reviewed(
                done.agent_no,
                played.at,
                played.allot(),
                event_id=done.event_id,
                outcome_writer=0,
                outcome_seq=done.seq,
                outcome_at=done.at,
                score_e6=score_e6,
                before_e6=done.score_e6,
            )
        )

    def restore(self, policy: str) -> None:
        """Let a demoted policy act again."""
        played = self._rehearsal
        if policy not in played.look().acts.demoted:
            raise Conflict(f"policy {policy} is not demoted")
        played.tell(Promoted(played.at, played.allot(), policy))
        self._reversals = [each for each in self._reversals if each[1] != policy]

    def _rule(self, agent_id: str, policy: str | None, verdict: Verdict) -> Decision:
        played = self._rehearsal
        episode = self._waiting(agent_id, policy)
        if verdict is Verdict.APPROVED and episode.state is EpisodeState.NOTICED:
            raise Conflict(f"policy {episode.policy} asks nobody for approval")
        assert episode.decision_id is not None
        ruled = played.look().acts.rulings.get(episode.decision_id)
        is_final = verdict is Verdict.APPROVED or (ruled and ruled.verdict is Verdict.VETOED)
        if ruled is not None and is_final:
            raise Conflict(f"it was {ruled.verdict} already")
        played.tell(Ruled(played.at, played.allot(), episode.decision_id, verdict, self.name))
        announced = played.made[episode.decision_id]
        self._record(announced, verdict)
        return announced

    def _waiting(self, agent_id: str, policy: str | None) -> Episode:
        played = self._rehearsal
        for episode in played.state.open_episodes(played.head(agent_id).agent_no):
            if episode.state in _WAITING and policy in (None, episode.policy):
                return episode
        raise Conflict(f"no fire of agent {agent_id} waits for anybody")

    def _record(self, about: Decision, verdict: Verdict) -> None:
        """The act's own decision row, as the store keeps it beside the one it is about."""
        played = self._rehearsal
        row = msgspec.structs.replace(
            about,
            id=f"{about.id}-{verdict}",
            at=played.at,
            verdict=verdict,
            guard=None,
            guard_detail="",
        )
        played.record(row)

    def _newest(self, agent_no: int, verdict: Verdict) -> Decision | None:
        decisions = reversed(self._rehearsal.decisions)
        return next(
            (one for one in decisions if (one.agent_no, one.verdict) == (agent_no, verdict)),
            None,
        )

    def _overrule(self, decision: Decision) -> None:
        """Count a reversal; after enough of them the policy's version is demoted."""
        played = self._rehearsal
        policy, version, now = decision.policy, decision.policy_hash, played.at
        demoted = played.look().acts.demoted.get(policy)
        if demoted is not None and demoted.policy_hash == version:
            return
        self._reversals.append((now, policy, version))
        recent = [
            when
            for when, name, its_hash in self._reversals
            if (name, its_hash) == (policy, version) and when >= now - WITHIN_MS
        ]
        if len(recent) >= REVERSALS:
            why = f"overruled {len(recent)} times within a day"
            played.tell(Demoted(now, played.allot(), policy, version, why))
