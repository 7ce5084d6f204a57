"""What still stands of a tick when its transaction comes: one who was judged, nobody whom people took out since."""

from collections.abc import Callable

import pytest
from tests.judge.world import START

from pinkslip.fleet.admission import Head
from pinkslip.judge.settling import Overruled, may_stand, settled
from pinkslip.model.decisions import Decision, Evidence, StandingChange
from pinkslip.model.words import Action, Mode, Standing, Verdict

NOBODY_SPOKE = Overruled(vetoed=frozenset(), demoted=frozenset())
NOW = START + 10
"""When the transaction comes; the look was at START."""


def make_decision(
    verdict: Verdict = Verdict.FIRED, *, agent_no: int = 1, policy: str = "dumb"
) -> Decision:
    return Decision(
        id=f"{policy}-{agent_no}-{verdict}",
        at=START,
        policy=policy,
        policy_hash="hash",
        agent_no=agent_no,
        agent_id=f"agent-{agent_no}",
        incarnation=1,
        verdict=verdict,
        mode=Mode.ENFORCE,
        action=Action.FIRE,
        reason=None,
        guard=None,
        guard_detail="",
        evidence=Evidence(when="", values={}, words="", true_since=START),
    )


def make_head(agent_no: int = 1, **given: object) -> Head:
    return Head(1, agent_no, f"agent-{agent_no}", "uuid", **given)  # type: ignore[arg-type]  # its fields


def found(decision: Decision) -> Head:
    return make_head(decision.agent_no)


def outcome(
    *decisions: Decision,
    head_of: Callable[[Decision], Head | None] = found,
    overruled: Overruled = NOBODY_SPOKE,
) -> list[str]:
    final = settled(decisions, head_of, overruled, judged_at=START, now=NOW)
    return [each.verdict.value for each in final]


@pytest.mark.parametrize(
    ("head", "paused", "fired"),
    [
        pytest.param(make_head(), True, True, id="as it was"),
        pytest.param(None, False, False, id="gone"),
        pytest.param(make_head(2), False, False, id="another under its id"),
        pytest.param(make_head(incarnation=2), False, False, id="reinstated"),
        pytest.param(make_head(standing=Standing.FIRED), False, False, id="fired"),
        pytest.param(make_head(finished_at=START), False, False, id="finished"),
        pytest.param(make_head(stood_at=START), True, True, id="released at the look"),
        pytest.param(make_head(stood_at=START + 1), False, False, id="released since"),
        pytest.param(
            make_head(standing=Standing.QUARANTINED, stood_at=START),
            True,
            True,
            id="set aside at the look",
        ),
        pytest.param(
            make_head(standing=Standing.QUARANTINED, stood_at=START + 1),
            True,
            False,
            id="set aside since",
        ),
        pytest.param(make_head(protected_until=NOW), True, True, id="protected until now"),
        pytest.param(make_head(protected_until=NOW + 1), True, False, id="protected"),
    ],
)
def test_what_is_done_is_done_to_who_was_judged(
    head: Head | None, *, paused: bool, fired: bool
) -> None:
    pause = outcome(make_decision(Verdict.QUARANTINED), head_of=lambda _: head)
    fire = outcome(make_decision(Verdict.FIRED), head_of=lambda _: head)

    assert pause == ["quarantined" if paused else "superseded"]
    assert fire == ["fired" if fired else "superseded"]


@pytest.mark.parametrize(
    "overruled",
    [
        Overruled(vetoed=frozenset({("dumb", 1)}), demoted=frozenset()),
        Overruled(vetoed=frozenset(), demoted=frozenset({"dumb"})),
    ],
    ids=["vetoed", "demoted"],
)
def test_a_fire_that_people_overruled_comes_to_nothing(overruled: Overruled) -> None:
    others = make_decision(policy="other")

    assert outcome(make_decision(), others, overruled=overruled) == ["superseded", "fired"]
    assert outcome(make_decision(Verdict.PROBATION), overruled=overruled) == ["probation"]


def test_nothing_is_done_to_who_was_fired_a_moment_before_and_the_rest_goes_on() -> None:
    decisions = [
        make_decision(Verdict.NOTIFIED),
        make_decision(Verdict.PROBATION),
        make_decision(Verdict.FIRED),
        make_decision(Verdict.QUARANTINED, policy="other"),
        make_decision(Verdict.NOTIFIED, policy="other"),
        make_decision(Verdict.FIRED, agent_no=2),
    ]

    assert outcome(*decisions) == [
        "notified",
        "probation",
        "fired",
        "superseded",
        "notified",
        "fired",
    ]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (make_head(stood_at=START - 1), True),
        (make_head(stood_at=START), True),
        (make_head(stood_at=START + 1), False),
        (make_head(incarnation=2), False),
        (None, False),
    ],
    ids=["before", "at the look", "since", "reinstated", "gone"],
)
def test_a_standing_is_news_where_nobody_changed_it_since(
    head: Head | None, *, expected: bool
) -> None:
    change = StandingChange(
        agent_no=1,
        agent_id="agent-1",
        incarnation=1,
        standing=Standing.PROBATION,
        until=None,
        policy="dumb",
        why="",
    )

    assert may_stand(head, change, judged_at=START) is expected
