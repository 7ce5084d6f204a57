"""What holds of ladders, notices and standings over every history: hypothesis looks for one in which it does not."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.judge.ladders import (
    FIRE,
    NOTIFY,
    PROBATION,
    PROVEN,
    QUARANTINE,
    SILENT,
    make_ladder,
    rule,
)
from tests.judge.world import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Agent,
    Ticker,
    make_policy,
    make_set,
)

from pinkslip.fleet.acts import Acts
from pinkslip.judge.judge import Judgement, JudgeState
from pinkslip.model.decisions import Decision, Episode, Place
from pinkslip.model.facts import Demoted, Promoted
from pinkslip.model.policy import (
    CommonCause,
    Guards,
    MaxFired,
    MaxFires,
    MaxNotices,
    MaxQuarantined,
    Newborn,
    Policy,
)
from pinkslip.model.words import (
    SEVERITY_OF_STANDING,
    Action,
    EpisodeState,
    Mode,
    Scope,
    Standing,
    Verdict,
)

UNHURRIED = settings(deadline=None, max_examples=25)
TOOK = {
    Verdict.NOTIFIED: Action.NOTIFY,
    Verdict.PROBATION: Action.PROBATION,
    Verdict.QUARANTINED: Action.QUARANTINE,
    Verdict.FIRED: Action.FIRE,
}
SHORT = replace(QUARANTINE, for_ms=MINUTE)

POLICIES = (
    make_ladder(NOTIFY, PROBATION, SHORT, FIRE, name="whole", notice_ms=MINUTE),
    make_ladder(PROBATION, FIRE, name="kin", scope=Scope.LINEAGE, clear_when="score[1h] > 90%"),
    make_ladder(
        PROBATION, SHORT, FIRE, when=SILENT, name="silent", for_ms=10 * SECOND, approval=True
    ),
    make_ladder(SHORT, FIRE, name="shadow", mode=Mode.SHADOW),
    make_ladder(PROBATION, SHORT, name="half", percent=0.5, keep_for_ms=MINUTE),
    make_policy("heartbeat_age > 2m", name="plain", notice_ms=30 * SECOND),
)

guards = st.builds(
    Guards,
    max_fired=st.builds(
        MaxFired,
        share=st.sampled_from([0.1, 0.5, 1.0]),
        per_ms=st.just(HOUR),
        at_least=st.integers(0, 3),
    ),
    max_fires=st.builds(MaxFires, count=st.integers(0, 4), per_ms=st.just(HOUR)),
    min_active=st.integers(0, 2),
    panic=st.none(),
    common_cause=st.sampled_from([None, CommonCause(factors=("role",))]),
    newborn=st.just(Newborn(age_ms=0, tasks=0)),
    max_notices=st.builds(MaxNotices, count=st.integers(0, 5), per_ms=st.just(10 * MINUTE)),
    max_quarantined=st.builds(
        MaxQuarantined, share=st.sampled_from([0.0, 0.5, 1.0]), at_least=st.integers(0, 3)
    ),
)
HAPPENINGS = (
    "fails",
    "fails",
    "works",
    "silent",
    "back",
    "untold",
    "scored",
    "finish",
    "reinstate",
    "release",
    "set aside",
    "veto",
    "approve",
    "protect",
    "demote",
    "restore",
    "forget",
)
steps = st.lists(
    st.tuples(
        st.sampled_from([1, 5_000, 30_000, MINUTE, 20 * MINUTE, 2 * HOUR, 2 * DAY]),
        st.lists(st.tuples(st.integers(1, 6), st.sampled_from(HAPPENINGS)), max_size=5),
    ),
    min_size=1,
    max_size=10,
)
Story = list[tuple[int, list[tuple[int, str]]]]


@st.composite
def a_fleet(draw: st.DrawFn) -> list[Agent]:
    return [
        Agent(
            number=number,
            role=draw(st.sampled_from(["a", "b"])),
            lineage=draw(st.sampled_from([None, "one", "two"])),
            silent_s=0.0,
        )
        for number in range(1, draw(st.integers(1, 6)) + 1)
    ]


class History(Ticker):
    """A fleet to which things happen between ticks, and whose judge may be restarted from what was written."""

    def __init__(self, agents: Sequence[Agent], rules: Guards) -> None:
        super().__init__([copied(agent) for agent in agents], *POLICIES, guards=rules)
        self.acts = Acts()
        self.told: list[int] = []
        self.written: dict[tuple[str, int], Episode] = {}
        self.places: dict[tuple[str, str], Place] = {}

    def live(self, wait_ms: int, events: list[tuple[int, str]]) -> Judgement:
        for number, what in events:
            agent = next((each for each in self.agents if each and each.number == number), None)
            if agent is not None:
                self.happen(agent, what)
        judgement = self.tick(wait_ms)
        self.write(judgement)
        return judgement

    def write(self, judgement: Judgement) -> None:
        """As the store keeps it."""
        for episode in judgement.episodes:
            self.written.pop((episode.policy, episode.agent_no), None)
            if episode.state is not EpisodeState.CLEAR:
                self.written[episode.policy, episode.agent_no] = episode
        for place in judgement.places:
            self.places.pop((place.policy, place.subject), None)
            if not place.gone:
                self.places[place.policy, place.subject] = place
        telling = {Verdict.NOTIFIED, Verdict.NOTICED, Verdict.ASKED}
        self.told += [self.now for each in judgement.decisions if each.verdict in telling]

    def restart(self) -> None:
        self.state = JudgeState.restore(
            self.written.values(),
            shadowed=self.decisions,
            places=self.places.values(),
            told=self.told,
        )

    def happen(self, agent: Agent, what: str) -> None:
        tasks, successes = agent.counted
        match what:
            case "fails":
                agent.counted = tasks + 8, successes
            case "works":
                agent.counted = tasks + 8, successes + 8
            case "silent":
                agent.silent_s = 130.0
            case "back":
                agent.silent_s = 0.0
            case "untold":
                agent.silent_s = None
            case "scored":
                agent.values["score[1h]"] = 0.95
            case "finish":
                agent.finished = True
            case "protect":
                agent.protected_until = self.now + 10 * MINUTE
            case "reinstate" if agent.is_fired:
                agent.incarnation += 1
                agent.back_at = agent.created_at = self.now + 1
                agent.counted, agent.standing = (0, 0), Standing.ACTIVE
                agent.standing_until = 0
            case "release" if agent.standing is not Standing.ACTIVE:
                agent.standing, agent.standing_until = Standing.ACTIVE, 0
                agent.ordered_until, agent.released_at = 0, self.now + 1
            case "set aside" if agent.is_active:
                agent.ordered_until = agent.standing_until = self.now + 10 * MINUTE
                agent.standing = Standing.QUARANTINED
            case "veto" | "approve":
                self.rule(agent, what)
            case "demote":
                policy = POLICIES[agent.number % len(POLICIES)]
                self.acts.fold([Demoted(self.now, 1, policy.name, policy.hash, "why")])
            case "restore":
                self.acts.fold(
                    [Promoted(self.now, 1, POLICIES[agent.number % len(POLICIES)].name)]
                )
            case "forget" if agent.finished or agent.is_fired:
                self.agents[self.agents.index(agent)] = None
            case _:
                pass

    def rule(self, agent: Agent, what: str) -> None:
        verdict = Verdict.VETOED if what == "veto" else Verdict.APPROVED
        for episode in self.state.open_episodes(agent.number):
            if episode.decision_id and episode.state in {
                EpisodeState.NOTICED,
                EpisodeState.AWAITING,
            }:
                rule(self, verdict, episode.decision_id)


def copied(agent: Agent) -> Agent:
    return replace(agent, values=dict(agent.values), fires=[])


def lived(agents: Sequence[Agent], rules: Guards, story: Story) -> History:
    history = History(agents, rules)
    for wait_ms, events in story:
        history.live(wait_ms, events)
    return history


@UNHURRIED
@given(a_fleet(), guards, steps)
def test_what_was_written_restores_what_is_remembered_at_any_tick(
    agents: list[Agent], rules: Guards, story: Story
) -> None:
    straight, restarted = History(agents, rules), History(agents, rules)

    for wait_ms, events in story:
        one = straight.live(wait_ms, events)
        other = restarted.live(wait_ms, events)
        restarted.restart()

        assert told(one) == told(other)
        assert restarted.state.episodes() == straight.state.episodes()
        assert restarted.state.places() == straight.state.places()


def told(judgement: Judgement) -> bytes:
    return msgspec.json.encode(
        (
            judgement.decisions,
            judgement.episodes,
            judgement.places,
            judgement.standings,
            judgement.waiting,
            judgement.causes,
        )
    )


@UNHURRIED
@given(a_fleet(), guards, steps, st.randoms(use_true_random=False))
def test_the_order_of_agents_and_slots_changes_nothing(
    agents: list[Agent], rules: Guards, story: Story, shuffler: random.Random
) -> None:
    straight, shuffled = History(agents, rules), History(agents, rules)

    for wait_ms, events in story:
        shuffler.shuffle(shuffled.agents)

        assert told(straight.live(wait_ms, events)) == told(shuffled.live(wait_ms, events))


@UNHURRIED
@given(a_fleet(), guards, steps)
def test_judging_twice_is_judging_once(
    agents: list[Agent], rules: Guards, story: Story
) -> None:
    history = lived(agents, rules, story)

    first = history.tick(0)
    again = history.tick(0)

    # whatever the first look did is done: the second has nothing to add but what the first made possible
    fired = {each.agent_no for each in first.decisions if each.verdict is Verdict.FIRED}
    repeated = {(each.policy, each.agent_no, each.verdict) for each in first.decisions} & {
        (each.policy, each.agent_no, each.verdict) for each in again.decisions
    }
    assert repeated == set()
    assert not fired & {each.agent_no for each in again.decisions if each.verdict in TOOK}


@UNHURRIED
@given(a_fleet(), guards, steps)
def test_every_rung_is_taken_in_order_and_fire_comes_last(
    agents: list[Agent], rules: Guards, story: Story
) -> None:
    decisions = lived(agents, rules, story).decisions
    ladders = {policy.name: policy for policy in POLICIES if policy.ladder}

    on: dict[tuple[str, str], int] = defaultdict(int)
    for each in decisions:
        policy = ladders.get(each.policy)
        if policy is None or each.mode is Mode.SHADOW or each.verdict not in TOOK:
            continue
        subject = each.evidence.lineage or str(each.agent_no)
        step = each.evidence.rung
        assert policy.ladder[step - 1].action is TOOK[each.verdict]
        assert each.evidence.rungs == len(policy.ladder)
        # one further, the last once more, the first of a new pass, or shared with another of its lineage
        assert step - on[each.policy, subject] in {0, 1} or step == 1
        on[each.policy, subject] = step


@UNHURRIED
@given(a_fleet(), guards, steps)
def test_no_fire_without_its_notice_and_its_approval(
    agents: list[Agent], rules: Guards, story: Story
) -> None:
    history = lived(agents, rules, story)

    for place, fire in enumerate(history.decisions):
        policy = next(each for each in POLICIES if each.name == fire.policy)
        if fire.verdict is not Verdict.FIRED or not (policy.notice_ms or policy.approval):
            continue
        before = [
            each
            for each in history.decisions[:place]
            if (each.policy, each.agent_no) == (fire.policy, fire.agent_no)
            and each.verdict in {Verdict.NOTICED, Verdict.ASKED, Verdict.CANCELLED}
        ]
        announced = before[-1]
        assert announced.verdict is not Verdict.CANCELLED
        assert fire.at >= announced.at + policy.notice_ms
        ruling = history.acts.rulings.get(announced.id)
        if policy.approval:
            assert ruling is not None
        assert ruling is None or ruling.verdict is not Verdict.VETOED


@UNHURRIED
@given(a_fleet(), guards, steps)
def test_a_record_is_an_edge(agents: list[Agent], rules: Guards, story: Story) -> None:
    history = lived(agents, rules, story)

    last: dict[tuple[str, int], Decision] = {}
    for each in history.decisions:
        before = last.get((each.policy, each.agent_no))
        if before is not None and each.verdict is Verdict.HELD is before.verdict:
            ended = each.guard == before.guard and each.incarnation == before.incarnation
            assert not ended or before.evidence.true_since != each.evidence.true_since
        last[each.policy, each.agent_no] = each
    assert len({each.id for each in history.decisions}) == len(history.decisions)


@UNHURRIED
@given(a_fleet(), guards, steps)
def test_everybodys_standing_is_the_worst_of_all_that_claim_it(
    agents: list[Agent], rules: Guards, story: Story
) -> None:
    history = lived(agents, rules, story)

    for agent in history.agents:
        if agent is None or agent.finished or agent.is_fired:
            continue
        claims = [Standing.ACTIVE]
        if agent.ordered_until > history.now:
            claims.append(Standing.QUARANTINED)
        claims += [
            place.standing
            for place in history.state.places()
            if place.subject in {f"agent:{agent.number}", f"lineage:{agent.lineage}"}
            and not place.is_shadow
        ]
        claims += [
            Standing.NOTICE
            for episode in history.state.open_episodes(agent.number)
            if episode.state in {EpisodeState.NOTICED, EpisodeState.AWAITING}
            or (
                episode.state is EpisodeState.HELD
                and (episode.until is not None or episode.ruled_by is not None)
            )
        ]
        assert agent.standing is max(claims, key=SEVERITY_OF_STANDING.index)


@UNHURRIED
@given(a_fleet(), guards, steps)
def test_shadow_changes_nobodys_standing(
    agents: list[Agent], rules: Guards, story: Story
) -> None:
    history = History(agents, rules)
    history.policy_set = make_set(
        *(replace(policy, mode=Mode.SHADOW) for policy in POLICIES), guards=rules
    )

    for wait_ms, events in story:
        judgement = history.live(wait_ms, events)

        assert {each.mode for each in judgement.decisions} <= {Mode.SHADOW}
        assert {each.standing for each in judgement.standings} <= {
            Standing.ACTIVE,
            Standing.QUARANTINED,
        }
        assert {each.policy for each in judgement.standings} <= {None}


@UNHURRIED
@given(st.lists(st.sampled_from([0, 1, 3, 8]), min_size=1, max_size=30), st.integers(0, 5))
def test_one_agents_errors_are_spent_pass_by_pass(failures: list[int], start: int) -> None:
    policy: Policy = make_ladder(replace(PROBATION, for_ms=MINUTE), when=PROVEN, name="dumb")
    ticker = Ticker([Agent(number=1, silent_s=0.0, counted=(start, start))], policy)

    for count in failures:
        tasks, successes = ticker.agent(1).counted
        ticker.agent(1).counted = tasks + count, successes
        ticker.tick(2 * MINUTE)

    passes = 1
    for each in ticker.decisions:
        (statistic,) = each.evidence.statistics or (None,)
        if each.verdict is Verdict.PROBATION:
            assert statistic is not None
            assert statistic.pass_no == passes
            assert statistic.since <= each.at
        elif each.verdict is Verdict.RELEASED:
            passes += 1
