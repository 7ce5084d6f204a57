"""What is said of one policy and one agent, from every state there is."""

from dataclasses import replace

import pytest
from tests.judge.world import DAY, HOUR, MINUTE, START, make_policy

from pinkslip.judge.telling import NextRung, Stance, sentence
from pinkslip.judge.telling import Testimony as Said  # pytest would collect it by its name
from pinkslip.model.decisions import Episode, Place
from pinkslip.model.policy import Rung
from pinkslip.model.words import Action, EpisodeState, Guard, Mode, Standing
from pinkslip.policies.language import parse_condition

HOLDS = Said(truth="true", reasons=("it is late",))
NOT = Said(truth="false", reasons=("it is early", "it is calm"))
EPISODE = Episode("it", "hash", 1, 1, EpisodeState.ACTED, START, START, None, decision_id="d-1")
FIRES = NextRung(action=Action.FIRE)
POLICY = make_policy(mode=Mode.ENFORCE)
PLACE = Place(
    policy="it",
    episode_hash="hash",
    subject="agent:1",
    incarnation=1,
    rung=0,
    standing=Standing.PROBATION,
    since=START,
)
LADDER = (
    Rung(Action.NOTIFY),
    Rung(Action.PROBATION, DAY),
    Rung(Action.QUARANTINE, 10 * MINUTE),
    Rung(Action.FIRE),
)
AT = "2025-11-24T16:00:00.000Z"
LATER = "2025-11-24T17:00:00.000Z"
MORE = "and it does nothing more until the episode ends"


def stance(said: Said = HOLDS, **given: object) -> Stance:
    known: dict[str, object] = {
        "policy": POLICY,
        "now": START,
        "mode": Mode.ENFORCE,
        "refusal": "",
        "said": said,
        "episode": None,
        "step": FIRES,
    }
    return Stance(**(known | given))  # type: ignore[arg-type]  # fields of Stance


def in_state(state: EpisodeState, **given: object) -> Episode:
    values = {name: getattr(EPISODE, name) for name in Episode.__struct_fields__}
    return Episode(**(values | {"state": state} | given))


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (NextRung(action=Action.NOTIFY), "tells people"),
        (NextRung(action=Action.PROBATION), "puts the agent on probation until it recovers"),
        (NextRung(action=Action.PROBATION, for_ms=DAY), "puts the agent on probation for 1 d"),
        (NextRung(action=Action.QUARANTINE, for_ms=HOUR), "quarantines the agent for 1 h"),
        (FIRES, "fires the agent"),
        (NextRung(action=Action.FIRE, announces=True), "announces its fire in 5 min"),
    ],
)
def test_what_the_next_tick_does(step: NextRung, expected: str) -> None:
    policy = replace(POLICY, notice_ms=5 * MINUTE)
    enforced = stance(policy=policy, step=step)

    assert sentence(enforced) == (
        f"it holds: it is late; nothing is missing: the next tick {expected}"
    )
    assert sentence(
        replace(enforced, mode=Mode.SHADOW, policy=replace(policy, mode=Mode.SHADOW))
    ) == (
        "it holds: it is late; nothing is missing: the next tick records in shadow that "
        f"enforcing {expected}"
    )


def test_an_approval_is_asked_before_it_is_announced() -> None:
    policy = replace(POLICY, approval=True, notice_ms=MINUTE)

    assert sentence(
        stance(policy=policy, step=NextRung(action=Action.FIRE, announces=True))
    ) == (
        "it holds: it is late; nothing is missing: the next tick asks people to approve its fire"
    )


@pytest.mark.parametrize(
    ("lasted_ms", "expected"),
    [
        (0, "for 0 s of 60 s, 60 s are missing"),
        (MINUTE - 1, "for 60 s of 60 s, 0.001 s are missing"),
        (MINUTE, "nothing is missing: the next tick fires the agent"),
    ],
)
def test_how_long_is_missing(lasted_ms: int, expected: str) -> None:
    found = stance(policy=replace(POLICY, for_ms=MINUTE), lasted_ms=lasted_ms)

    assert sentence(found) == f"it holds: it is late; {expected}"


def test_everybody_who_holds_it_back_is_named() -> None:
    guards = ((Guard.NEWBORN, "known for 3 s"), (Guard.PANIC, "9 of 10"))

    assert sentence(stance(guards=guards)) == (
        "it holds: it is late; held back by newborn (known for 3 s) and panic (9 of 10)"
    )


def test_reasons_and_unknowns() -> None:
    unknown = Said(unknowns=("score[1h]",), tasks=1)
    several = Said(unknowns=("score[1h]", "age"), tasks=2)

    assert sentence(stance(NOT)) == "it does not hold: it is early and it is calm"
    assert sentence(stance(unknown)) == (
        "it cannot be told: score[1h] is unknown with 1 task in its windows; unknown never acts"
    )
    assert sentence(stance(several)) == (
        "it cannot be told: score[1h] and age are unknown with 2 tasks in its windows; "
        "unknown never acts"
    )
    assert sentence(stance(Said(unknowns=("age",)))) == (
        "it cannot be told: age is unknown; unknown never acts"
    )
    assert sentence(stance(Said())) == (
        "it cannot be told: it divides by zero; unknown never acts"
    )


def test_how_far_the_evidence_has_come() -> None:
    assert sentence(stance(replace(NOT, meter=0.4567))) == (
        "it does not hold: it is early and it is calm; its evidence has come 46 % of the way"
    )
    assert sentence(stance(replace(NOT, meter=0.0))) == (
        "it does not hold: it is early and it is calm"
    )


@pytest.mark.parametrize("state", [EpisodeState.CLEAR, EpisodeState.PENDING, EpisodeState.HELD])
def test_what_is_not_done_yet_is_still_to_come(state: EpisodeState) -> None:
    assert sentence(stance(episode=in_state(state))) == (
        "it holds: it is late; nothing is missing: the next tick fires the agent"
    )


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (Action.NOTIFY, "people were told"),
        (Action.PROBATION, "it has put the agent on probation"),
        (Action.QUARANTINE, "it has quarantined the agent"),
        (Action.FIRE, "it has fired the agent"),
    ],
)
def test_what_was_done(action: Action, expected: str) -> None:
    done = sentence(stance(policy=replace(POLICY, action=action), episode=EPISODE))

    assert done == f"it holds: it is late; {expected}, {MORE}"


@pytest.mark.parametrize(
    ("rung", "expected"),
    [
        (-1, "people were told"),
        (0, "people were told"),
        (1, "it has put the agent on probation"),
        (2, "it has quarantined the agent"),
        (3, "it has fired the agent"),
        (9, "it has fired the agent"),
    ],
)
def test_what_was_done_on_a_rung(rung: int, expected: str) -> None:
    place = replaced(PLACE, rung=rung, standing=Standing.ACTIVE)
    done = sentence(stance(policy=replace(POLICY, ladder=LADDER), episode=EPISODE, place=place))

    assert done.startswith(f"it holds: it is late; {expected}, {MORE}; it is on ")


def replaced(place: Place, **given: object) -> Place:
    values = {name: getattr(place, name) for name in Place.__struct_fields__}
    return Place(**(values | given))


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (
            replaced(PLACE, standing=Standing.ACTIVE),
            f"; it is on rung 1 of 4 (notify) since {AT}",
        ),
        (
            replaced(PLACE, rung=1),
            f"; it is on rung 2 of 4 (probation 1d) since {AT}, on probation until it recovers",
        ),
        (
            replaced(PLACE, rung=2, standing=Standing.QUARANTINED, until=START + HOUR),
            f"; it is on rung 3 of 4 (quarantine 10m) since {AT}, in quarantine until {LATER}",
        ),
        (
            replaced(PLACE, rung=7, is_shadow=True, until=START + HOUR),
            f"; in shadow it would be on rung 4 of 4 (fire) since {AT}, on probation until {LATER}",
        ),
    ],
)
def test_where_it_stands_on_the_ladder(place: Place, expected: str) -> None:
    found = stance(NOT, policy=replace(POLICY, ladder=LADDER), place=place)

    assert sentence(found) == f"it does not hold: it is early and it is calm{expected}"


@pytest.mark.parametrize(
    ("passes", "expected"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (21, "21st"),
        (22, "22nd"),
        (101, "101st"),
        (111, "111th"),
        (112, "112th"),
        (122, "122nd"),
        (213, "213th"),
    ],
)
def test_passes_are_counted_as_people_count(passes: int, expected: str) -> None:
    place = replaced(PLACE, rung=-1, passes=passes)

    found = stance(NOT, policy=replace(POLICY, ladder=LADDER), place=place)

    assert sentence(found) == (
        "it does not hold: it is early and it is calm; "
        f"it is on no rung, in its {expected} pass down the ladder"
    )


def test_a_place_without_a_ladder_is_not_spoken_of() -> None:
    assert sentence(stance(NOT, place=PLACE)) == "it does not hold: it is early and it is calm"


@pytest.mark.parametrize(
    ("episode", "expected"),
    [
        (
            in_state(EpisodeState.SHADOWED),
            f"it is in shadow, so this was recorded and nothing done, {MORE}",
        ),
        (in_state(EpisodeState.VETOED, ruled_by="ada"), f"ada vetoed the fire, {MORE}"),
        (
            in_state(EpisodeState.VETOED),
            f"a person released the agent after the fire was announced, {MORE}",
        ),
        (
            in_state(EpisodeState.NOTICED, until=START + HOUR),
            (
                f"its fire is announced: it comes on {LATER}, unless a person vetoes decision d-1 or "
                "it no longer holds"
            ),
        ),
        (
            in_state(EpisodeState.NOTICED, until=START),
            "its notice has passed: the next tick asks the guards again and fires the agent",
        ),
        (
            in_state(EpisodeState.AWAITING),
            "its fire waits for a person who approves decision d-1",
        ),
        (
            in_state(EpisodeState.AWAITING, until=START + HOUR),
            f"its fire waits for a person who approves decision d-1, not before {LATER}",
        ),
        (
            in_state(EpisodeState.AWAITING, until=START),
            "its fire waits for a person who approves decision d-1",
        ),
        (
            in_state(EpisodeState.AWAITING, ruled_by="ada"),
            "ada approved its fire: the next tick asks the guards again",
        ),
        (
            in_state(EpisodeState.AWAITING, ruled_by="ada", until=START + HOUR),
            f"ada approved its fire, not before {LATER}",
        ),
    ],
)
def test_what_waits_or_was_ruled(episode: Episode, expected: str) -> None:
    assert sentence(stance(episode=episode)) == f"it holds: it is late; {expected}"


@pytest.mark.parametrize(
    ("episode", "expected"),
    [
        (
            in_state(EpisodeState.NOTICED, until=START),
            (
                "its notice has passed: the agent is fired the next time it holds, unless a person "
                "vetoes decision d-1 or it no longer holds"
            ),
        ),
        (
            in_state(EpisodeState.AWAITING, ruled_by="ada"),
            "ada approved its fire: it comes the next time it holds",
        ),
    ],
)
def test_an_announced_fire_waits_for_the_condition(episode: Episode, expected: str) -> None:
    found = stance(Said(), episode=episode, is_announced=True)

    assert sentence(found) == (
        f"it cannot be told: it divides by zero; unknown never acts; {expected}"
    )


def test_an_announced_fire_that_is_held_says_so() -> None:
    found = stance(NOT, episode=in_state(EpisodeState.HELD), is_announced=True)

    assert sentence(found) == (
        "it does not hold: it is early and it is calm; its fire is announced and held"
    )


def test_an_announced_fire_is_called_off_by_recovery() -> None:
    episode = in_state(EpisodeState.NOTICED, until=START + HOUR)
    clear = parse_condition("heartbeat_age < 10s")
    late = replace(POLICY, clear_when=clear)
    proven = replace(
        late, when=parse_condition("proven(success < 70%, error=1%)"), clear_when=clear
    )
    head = "it holds: it is late; its fire is announced: it comes on"
    unless = "unless a person vetoes decision d-1 or"

    assert sentence(stance(policy=late, episode=episode)) == (
        f"{head} {LATER}, {unless} it no longer holds, or heartbeat_age < 10s"
    )
    assert sentence(stance(policy=proven, episode=episode)) == (
        f"{head} {LATER}, {unless} heartbeat_age < 10s"
    )


def test_an_episode_may_outlast_its_condition() -> None:
    kept = replace(POLICY, keep_for_ms=5 * MINUTE)
    cleared = replace(kept, clear_when=parse_condition("heartbeat_age < 10s"))
    said = "it does not hold: it is early and it is calm"

    assert sentence(stance(NOT, policy=kept, episode=EPISODE)) == (
        f"{said}; its episode that began {AT} has been acted on, and ends when it has not held for 5 min"
    )
    assert sentence(stance(NOT, policy=cleared, episode=EPISODE)) == (
        f"{said}; its episode that began {AT} has been acted on, and ends when heartbeat_age < 10s"
    )
    assert sentence(stance(NOT, policy=kept, episode=in_state(EpisodeState.PENDING))) == said
    assert sentence(stance(NOT, refusal="it is gone", policy=kept, episode=EPISODE)) == (
        f"it is not about this agent: it is gone; its episode that began {AT} has been acted on, and ends "
        "when it has not held for 5 min"
    )


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (EpisodeState.HELD, "is held"),
        (EpisodeState.SHADOWED, "is recorded in shadow"),
        (EpisodeState.VETOED, "was stopped by a person"),
        (EpisodeState.NOTICED, "waits for its notice"),
        (EpisodeState.AWAITING, "waits for an approval"),
    ],
)
def test_what_became_of_an_open_episode_is_said(state: EpisodeState, said: str) -> None:
    assert sentence(stance(NOT, episode=in_state(state))).endswith(
        f"; its episode that began {AT} {said}, and ends as soon as it does not hold"
    )


def test_why_an_enforcing_policy_is_in_shadow() -> None:
    said = "it does not hold: it is early and it is calm"
    partly = replace(POLICY, percent=0.12345)

    assert sentence(stance(NOT, policy=partly, mode=Mode.SHADOW)) == (
        f"{said}; it is enforced for 12.35 % of agents, and for this one it is in shadow"
    )
    assert sentence(stance(NOT, policy=partly)) == said
    assert sentence(stance(NOT, demoted="two reversals")) == (
        f"{said}; it was put into shadow until a person restores it: two reversals"
    )


def test_in_shadow_a_fire_comes_once() -> None:
    assert sentence(stance(step=None)) == (
        "it holds: it is late; in shadow it would have been fired, and nothing more is recorded "
        "until it recovers"
    )


def test_a_policy_that_is_off_says_nothing_else() -> None:
    off = replace(POLICY, mode=Mode.OFF)

    assert sentence(stance(policy=off, refusal="it is gone", episode=EPISODE)) == "it is off"
