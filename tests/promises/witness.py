"""Somebody who only sees what happens, and holds every verdict against the promises, by counting anew by hand.

Knows nothing of the fleet, of windows, of episodes or of guards: lists, and sums over them.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from pinkslip.model.decisions import Decision
from pinkslip.model.events import Finish, Heartbeat
from pinkslip.model.policy import PolicySet
from pinkslip.model.words import Action, Fault, Result, Source, Status, Verdict

INTERVAL_MS = 30_000
MINUTE, HOUR = 60_000, 3_600_000
MIN_TASKS = 5
JUDGES = frozenset({Source.JUDGE, Source.PERSON})


@dataclass(frozen=True, slots=True)
class Task:
    """One outcome."""

    at: int
    result: Result
    fault: Fault
    source: Source
    incarnation: int
    counts: bool

    @property
    def is_success(self) -> bool:
        return self.result is Result.SUCCESS

    @property
    def is_in_rates(self) -> bool:
        """Of a policy that blames agents only."""
        return self.counts and (self.is_success or self.fault is Fault.AGENT)


@dataclass(slots=True)
class Seen:
    """One agent, as somebody sees it from outside."""

    role: str = ""
    lineage: str | None = None
    known_at: int = 0
    last_beat: int | None = None
    status: Status = Status.IDLE
    incarnation: int = 1
    since: int = 0
    """When the present incarnation began."""
    finished: bool = False
    fired: bool = False
    fires: list[int] = field(default_factory=list)
    left: list[tuple[int, int | None]] = field(default_factory=list)
    """From when to when it was fired or finished."""
    protected_until: int = 0
    silences: list[tuple[int, int]] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)

    def leave(self, at: int) -> None:
        """Who is away already leaves no more."""
        if not self.left or self.left[-1][1] is not None:
            self.left.append((at, None))

    def come_back(self, at: int) -> None:
        if self.left and self.left[-1][1] is None:
            self.left[-1] = (self.left[-1][0], at)

    def is_here(self, at: int) -> bool:
        return self.known_at <= at and not any(
            start <= at and (end is None or at < end) for start, end in self.left
        )

    def own_tasks(self) -> list[Task]:
        """That count for its rates, oldest first."""
        return [
            task
            for task in self.tasks
            if task.incarnation == self.incarnation and task.is_in_rates
        ]


class Broken(AssertionError):
    """A promise was not kept."""


class Witness:
    """Everything that was told, and what must be so."""

    def __init__(self, policy_set: PolicySet, *, is_silent: bool = False) -> None:
        self._is_silent = is_silent
        self.policy_set = policy_set
        self.policies = {policy.name: policy for policy in policy_set.policies}
        self.agents: dict[str, Seen] = defaultdict(Seen)
        self.decisions: list[Decision] = []
        self._blind: list[tuple[int, int]] = []
        self._vetoed: set[str] = set()
        self._approved: set[str] = set()
        self._false_at: dict[tuple[str, str], int] = {}
        """When each policy was last seen not to hold of each agent, where that can be told by hand."""

    # what is seen

    def reported(self, agent_id: str, event: Heartbeat | Finish, at: int) -> None:
        agent = self.agents[agent_id]
        if not agent.known_at:
            agent.known_at = agent.since = at
        if isinstance(event, Finish):
            agent.finished = True
            agent.leave(at)
            return
        if agent.finished and not agent.fired:
            agent.finished = False
            agent.come_back(at)
        agent.last_beat = at
        for name in ("role", "lineage", "status"):
            value = getattr(event, name)
            if isinstance(value, str):
                setattr(agent, name, value)

    def done(
        self, agent_id: str, result: Result, fault: Fault, source: Source, at: int
    ) -> None:
        agent = self.agents[agent_id]
        agent.tasks.append(
            Task(at, result, fault, source, agent.incarnation, counts=not agent.fired)
        )

    def blind(self, start: int, end: int) -> None:
        self._blind.append((start, end))

    def protected(self, agent_id: str, until: int) -> None:
        self.agents[agent_id].protected_until = until

    def silenced(self, agent_id: str, start: int, end: int) -> None:
        self.agents[agent_id].silences.append((start, end))

    def reinstated(self, agent_id: str, at: int) -> None:
        agent = self.agents[agent_id]
        agent.fired = agent.finished = False
        agent.incarnation += 1
        agent.since = at
        agent.status = Status.IDLE
        agent.come_back(at)

    def vetoed(self, decision_id: str) -> None:
        self._vetoed.add(decision_id)

    def approved(self, decision_id: str) -> None:
        self._approved.add(decision_id)

    # what is said of it

    def judged(self, decisions: Sequence[Decision], now: int) -> None:
        """A tick's decisions, as recorded: each must keep every promise."""
        fires = [one for one in decisions if one.verdict is Verdict.FIRED]
        for fire in fires:
            self._may_be_fired(fire, now)
        for one in decisions:
            if one.verdict in _DONE and one.action is not Action.NOTIFY:
                self._is_awake_to(one, now)
            if one.policy in _BY_WINDOWS and one.verdict in _STEPS:
                self._claim(self._crossed_anew(one), "each rung is a crossing of its own", one)
        for name, agent in self.agents.items():
            for policy, check in _BY_WINDOWS.items():
                if not check(self, agent, now):
                    self._false_at[policy, name] = now
        for fire in fires:
            agent = self.agents[fire.agent_id]
            agent.fired = True
            agent.fires.append(now)
            agent.leave(now)
        self.decisions += decisions
        if fires:
            self._envelope_holds(fires, now)

    def _may_be_fired(self, fire: Decision, now: int) -> None:
        agent = self.agents[fire.agent_id]
        self._claim(not agent.fired, "5: fired once", fire)
        self._claim(not agent.finished, "9: a finished agent is nobody's matter", fire)
        self._claim(fire.incarnation == agent.incarnation, "5: of this incarnation", fire)
        self._claim(agent.protected_until <= now, "a protected agent stays", fire)
        self._claim(self._was_announced(fire, now), "a fire that is announced waits", fire)
        self._claim(self._took_every_rung(fire), "fire is the last rung", fire)
        check = getattr(self, f"_of_{fire.policy.replace('-', '_')}", None)
        if check is not None:
            self._claim(check(agent, now), "2 and 6: what it rests on was seen", fire)
        if fire.policy.startswith("silent"):
            self._claim(self._was_calm(fire, now), "8: many at once are not guilty", fire)

    def _is_awake_to(self, one: Decision, now: int) -> None:
        agent = self.agents[one.agent_id]
        is_silenced = any(start <= now < end for start, end in agent.silences)
        self._claim(not is_silenced, "who is silenced is left alone", one)
        self._claim(now - agent.since >= 60_000, "newborns are left alone", one)

    def _was_announced(self, fire: Decision, now: int) -> bool:
        policy = self.policies[fire.policy]
        if not policy.notice_ms and not policy.approval:
            return True
        announced = [
            one
            for one in self.decisions
            if (one.policy, one.agent_no, one.incarnation)
            == (fire.policy, fire.agent_no, fire.incarnation)
            and one.verdict in (Verdict.NOTICED, Verdict.ASKED)
        ]
        if not announced or announced[-1].id in self._vetoed:
            return False
        if policy.approval and announced[-1].id not in self._approved:
            return False
        return now - announced[-1].at >= policy.notice_ms

    def _took_every_rung(self, fire: Decision) -> bool:
        """In this incarnation, and in order, with nothing between them but what a ladder does."""
        rungs = self.policies[fire.policy].ladder
        own = [
            one.verdict
            for one in self.decisions
            if (one.policy, one.agent_no, one.incarnation)
            == (fire.policy, fire.agent_no, fire.incarnation)
            and one.verdict in _RUNGS.values()
        ]
        taken = [_RUNGS[rung.action] for rung in rungs[:-1]]
        return not taken or own[-len(taken) :] == taken

    def _crossed_anew(self, step: Decision) -> bool:
        """Whether the policy was seen not to hold since it took the rung before."""
        before = [
            one.at
            for one in self.decisions
            if (one.policy, one.agent_no, one.incarnation)
            == (step.policy, step.agent_no, step.incarnation)
            and one.verdict in _STEPS
        ]
        return not before or self._false_at.get((step.policy, step.agent_id), -1) > before[-1]

    def _was_calm(self, fire: Decision, now: int) -> bool:
        """8: no window of `per` in which too many of its pool fell silent, and are silent still."""
        rule = self.policy_set.guards.panic
        if rule is None:
            return True
        role = self.agents[fire.agent_id].role
        pool = [agent for agent in self.agents.values() if agent.role == role]
        late = [since for agent in pool if (since := self._late_since(agent, now)) is not None]
        together = max(
            sum(start <= other < start + rule.per_ms for other in late) for start in late
        )
        size = sum(not agent.finished and not agent.fired for agent in pool)
        size += sum(at > now - rule.per_ms for agent in pool for at in agent.fires[-1:])
        return together < rule.at_least or together < rule.share * size

    def _late_since(self, agent: Seen, now: int) -> int | None:
        """When its silence passed its grace; None: it did not, or nobody expects a word."""
        if agent.fired or agent.finished or agent.status is Status.WAITING:
            return None
        silent = self._silent_for(agent, now)
        late = None if silent is None else silent - 3 * INTERVAL_MS
        return now - late if late is not None and late > 0 else None

    def _silent_for(self, agent: Seen, now: int) -> int | None:
        """Since its last word or its reinstatement, time in which we saw nothing taken off."""
        if agent.last_beat is None:
            return None
        heard = max(agent.last_beat, agent.since)
        return now - heard - self._blind_between(heard, now)

    # policy by policy, what must have been seen

    def _of_silent(self, agent: Seen, now: int) -> bool:
        """No word for longer than its grace; and not waiting."""
        silent = self._silent_for(agent, now)
        if agent.status is Status.WAITING or silent is None:
            return False
        is_seen_again = all(now - end >= INTERVAL_MS for _, end in self._blind)
        return silent > 3 * INTERVAL_MS and is_seen_again

    def _of_silent_noticed(self, agent: Seen, now: int) -> bool:
        return self._of_silent(agent, now)

    def _of_rate(self, agent: Seen, now: int) -> bool:
        newest = _newest(agent.own_tasks(), 10)
        return len(newest) >= MIN_TASKS and 2 * _successes(newest) < len(newest)

    def _of_not_good(self, agent: Seen, now: int) -> bool:
        recent = [task for task in agent.own_tasks() if task.at > now - HOUR]
        return len(recent) >= MIN_TASKS and 10 * _successes(recent) < 7 * len(recent)

    def _of_judged(self, agent: Seen, now: int) -> bool:
        newest = _newest([task for task in agent.own_tasks() if task.source in JUDGES], 10)
        return len(newest) >= MIN_TASKS and 2 * _successes(newest) < len(newest)

    def _of_streak(self, agent: Seen, now: int) -> bool:
        """Failures in a row, those at the very instant of a success not among them."""
        tasks = agent.own_tasks()
        newest_success = max((task.at for task in tasks if task.is_success), default=-1)
        return sum(task.at > newest_success for task in tasks) >= 3

    def _of_spent(self, agent: Seen, now: int) -> bool:
        newest = _newest(agent.own_tasks(), 10)
        return len(newest) - _successes(newest) >= 4

    def _surely_spent(self, agent: Seen, now: int) -> bool:
        """Whichever of one instant came last."""
        newest = _newest(agent.own_tasks(), 10, successes_last=True)
        return len(newest) - _successes(newest) >= 4

    def _of_asked(self, agent: Seen, now: int) -> bool:
        recent = [task for task in agent.own_tasks() if task.at > now - 10 * MINUTE]
        return len(recent) - _successes(recent) >= 4

    def _of_proven(self, agent: Seen, now: int) -> bool:
        """Each rung is a crossing of its own, and each crossing takes three failures at the least."""
        return sum(not task.is_success for task in agent.own_tasks()) >= 4 * 3

    def _of_kin(self, agent: Seen, now: int) -> bool:
        """Two failures of the worker, under whatever id: fewer prove nothing at 20 %."""
        kin = [
            one for one in self.agents.values() if one is agent or one.lineage == agent.lineage
        ]
        family = kin if agent.lineage is not None else [agent]
        return (
            sum(
                task.is_in_rates and not task.is_success for one in family for task in one.tasks
            )
            >= 2
        )

    def _of_imagined(self, agent: Seen, now: int) -> bool:
        return False

    # over all of them

    def _envelope_holds(self, fires: Sequence[Decision], now: int) -> None:
        """Promise 7, after the action."""
        guards = self.policy_set.guards
        for role in {self.agents[fire.agent_id].role for fire in fires}:
            pool = [agent for agent in self.agents.values() if agent.role == role]
            start = now - guards.max_fired.per_ms
            size = sum(agent.is_here(start) for agent in pool)
            most = max(
                guards.max_fired.at_least, round(guards.max_fired.share * 100) * size // 100
            )
            fired = sum(at > start for agent in pool for at in agent.fires[-1:])
            staying = sum(not agent.fired and not agent.finished for agent in pool)
            self._claim(fired <= most, f"7: {fired} fired, at most {most}", fires[0])
            self._claim(staying >= guards.min_active, f"7: {staying} stay", fires[0])
        within = now - guards.max_fires.per_ms
        fired = sum(at > within for agent in self.agents.values() for at in agent.fires[-1:])
        self._claim(fired <= guards.max_fires.count, f"7: {fired} in the workspace", fires[0])

    def _blind_between(self, start: int, end: int) -> int:
        return sum(max(0, min(end, until) - max(start, since)) for since, until in self._blind)

    def _claim(self, holds: bool, promise: str, about: Decision) -> None:
        if not holds and not self._is_silent:
            raise Broken(f"{promise}: {about.policy} {about.verdict} {about.agent_id}")


_BY_WINDOWS = {
    "streak": Witness._of_streak,
    "spent": Witness._surely_spent,
    "spent-imagined": Witness._surely_spent,
}
"""Policies with a ladder, none of whose evidence begins anew; and whether each surely holds of an agent."""
_DONE = frozenset({Verdict.FIRED, Verdict.QUARANTINED, Verdict.PROBATION})
_STEPS = _DONE | {Verdict.SHADOWED}
_RUNGS = {
    Action.NOTIFY: Verdict.NOTIFIED,
    Action.PROBATION: Verdict.PROBATION,
    Action.QUARANTINE: Verdict.QUARANTINED,
    Action.FIRE: Verdict.FIRED,
}


def _newest(tasks: Sequence[Task], count: int, *, successes_last: bool = False) -> list[Task]:
    """The last so many. Which of one instant come last is anybody's guess: the failures, for all we claim."""
    return sorted(tasks, key=lambda task: (-task.at, task.is_success != successes_last))[:count]


def _successes(tasks: Sequence[Task]) -> int:
    return sum(task.is_success for task in tasks)
