"""A silence leaves its agents alone from its first instant until just before its last, whatever is wanted of them."""

import pytest
from tests.judge.guards.cases import Case, held, make_cases
from tests.judge.world import HOUR, MINUTE, START, Agent, Ticker, World, make_policy

from pinkslip.judge.evaluate import Readings
from pinkslip.judge.guards.silence import Quiet, hold, in_force, matchers, too_broad
from pinkslip.judge.matching import Matching
from pinkslip.model.facts import Silence, Silenced, Unsilenced
from pinkslip.model.policy import Matcher, MaxSilenced
from pinkslip.model.words import Action, Guard, Mode


def make_silence(
    *match: tuple[str, tuple[str, ...], tuple[str, ...]],
    name: str = "s1",
    starts_at: int = START,
    ends_at: int = START + HOUR,
    owner: str = "alice",
    reason: str = "deploy",
) -> Silence:
    """A silence, by default of every developer for an hour."""
    return Silence(
        id=name,
        match=match or (("role", ("developer",), ()),),
        owner=owner,
        reason=reason,
        starts_at=starts_at,
        ends_at=ends_at,
    )


def quieted(ticker: Ticker, silence: Silence) -> Ticker:
    ticker.acts.fold([Silenced(silence.starts_at, 1, silence)])
    return ticker


def late(number: int = 1, **given: object) -> Agent:
    return Agent(number=number, silent_s=95.0, **given)  # type: ignore[arg-type]  # fields of Agent


@pytest.mark.parametrize(
    ("now", "holds"),
    [
        pytest.param(START - 1, False, id="just before it starts"),
        pytest.param(START, True, id="when it starts"),
        pytest.param(START + 1, True, id="just after"),
        pytest.param(START + HOUR - 1, True, id="just before it ends"),
        pytest.param(START + HOUR, False, id="when it ends"),
        pytest.param(START + HOUR + 1, False, id="afterwards"),
    ],
)
def test_it_holds_between_its_instants(now: int, holds: bool) -> None:
    ticker = quieted(Ticker([late()], make_policy(), now=now), make_silence())

    (decision,) = ticker.tick().decisions

    assert (decision.guard is Guard.SILENCE) is holds


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("is_shadow", [False, True])
def test_whatever_is_wanted_is_held(action: Action, is_shadow: bool) -> None:
    world = World([Agent(number=1), Agent(number=2)])
    cases = make_cases(
        world,
        Case(number=1, action=action, is_shadow=is_shadow),
        Case(number=2, action=action, is_shadow=is_shadow),
    )
    readings = Readings(world)
    silence = make_silence(("agent", ("agent-2",), ()))

    quiet = Quiet(silence, Matching().admits(matchers(silence), readings))

    assert held(hold(cases, quiets=[quiet])) == [1]


def test_people_are_not_told_either() -> None:
    ticker = quieted(Ticker([late()], make_policy(action=Action.NOTIFY)), make_silence())

    assert [each.guard for each in ticker.tick().decisions] == [Guard.SILENCE]


def test_it_says_who_until_when_and_why() -> None:
    ticker = quieted(Ticker([late()], make_policy()), make_silence())

    assert ticker.tick().decisions[0].guard_detail == (
        "silenced by alice until 2025-11-24T17:00:00.000Z: deploy"
    )


def test_the_silence_that_ends_last_gives_the_reason() -> None:
    ticker = quieted(Ticker([late()], make_policy()), make_silence(name="a", reason="short"))
    quieted(ticker, make_silence(name="b", ends_at=START + 2 * HOUR, reason="long"))

    assert ticker.tick().decisions[0].guard_detail.endswith(": long")


def test_it_is_about_its_agents_only() -> None:
    agents: list[Agent | None] = [late(1), None, late(2, role="tester"), late(3, role=None)]
    ticker = quieted(Ticker(agents, make_policy()), make_silence())

    verdicts = [(each.agent_no, each.guard or each.verdict) for each in ticker.tick().decisions]

    assert verdicts == [(1, "silence"), (2, "fired"), (3, "fired")]


@pytest.mark.parametrize(
    ("match", "silenced"),
    [
        ((("role", ("developer", "tester"), ()),), [1, 2]),
        ((("role", (), ("dev.*",)),), [1]),
        ((("role", (), ("dev",)),), []),
        ((("label.team", ("red",), ()), ("role", ("tester",), ())), [2]),
        ((("label.zone", ("a",), ()),), []),
    ],
)
def test_its_lines_match_as_a_policys_do(
    match: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...], silenced: list[int]
) -> None:
    agents: list[Agent | None] = [
        late(1, labels={"team": "red"}),
        late(2, role="tester", labels={"team": "red"}),
    ]
    ticker = quieted(Ticker(agents, make_policy()), make_silence(*match))

    held_ones = [each.agent_no for each in ticker.tick().decisions if each.guard]

    assert held_ones == silenced


def test_ending_it_early_lets_policies_act_at_once() -> None:
    ticker = quieted(Ticker([late()], make_policy()), make_silence())
    ticker.tick()
    ticker.acts.fold([Unsilenced(START + MINUTE, 2, "s1")])

    assert [each.verdict for each in ticker.tick(MINUTE).decisions] == ["fired"]


def test_shadow_is_silenced_as_well() -> None:
    ticker = quieted(Ticker([late()], make_policy(mode=Mode.SHADOW)), make_silence())

    assert [each.guard for each in ticker.tick().decisions] == [Guard.SILENCE]


def test_silences_in_force_come_longest_first_whatever_their_order() -> None:
    ones = [
        make_silence(name="c", ends_at=START + 2),
        make_silence(name="b", ends_at=START + 9),
        make_silence(name="a", ends_at=START + 2),
        make_silence(name="over", starts_at=START - 9, ends_at=START),
    ]

    for order in (ones, ones[::-1]):
        assert [each.id for each in in_force(order, now=START)] == ["b", "a", "c"]


def test_the_matchers_of_a_silence_that_is_over_are_forgotten() -> None:
    policy = make_policy(match=(Matcher("role", frozenset({"developer"})),))
    ticker = quieted(Ticker([late()], policy), make_silence(("agent", (), (".*",))))
    fields = []

    for after_ms in (0, HOUR):
        ticker.tick(after_ms)
        fields.append(sorted(each.field for each in ticker.state.matching._known))

    assert fields == [["agent", "role"], ["role"]]


@pytest.mark.parametrize(
    ("silenced", "active", "broad"),
    [
        pytest.param(50, 100, False, id="at the share"),
        pytest.param(51, 100, True, id="above it"),
        pytest.param(49, 100, False, id="below it"),
        pytest.param(5, 5, False, id="few, at the number"),
        pytest.param(6, 6, True, id="few, above it"),
        pytest.param(0, 0, False, id="nobody"),
    ],
)
def test_a_silence_of_too_many_asks_for_force(silenced: int, active: int, broad: bool) -> None:
    assert bool(too_broad(silenced, active=active, rule=MaxSilenced())) is broad


def test_too_broad_is_said_with_numbers() -> None:
    assert too_broad(51, active=100, rule=MaxSilenced()) == (
        "it silences 51 of 100 active agents; guards.max_silenced allows 50 without force"
    )
