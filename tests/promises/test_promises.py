"""The promises of the design, over random fleets, policies and histories."""

import os
import random
from collections.abc import Sequence
from itertools import groupby, pairwise

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.promises.worlds import (
    Hired,
    Step,
    World,
    compiled,
    policy_text,
    policy_texts,
    staff,
    steps,
    whom,
)

from pinkslip.judge.judge import judge
from pinkslip.judge.state import JudgeState
from pinkslip.model.decisions import Decision
from pinkslip.model.facts import Done, Fact
from pinkslip.model.words import Standing, Verdict
from pinkslip.replay.rehearsal import Rehearsal

EXAMPLES = int(os.environ.get("PINKSLIP_TEST_PROMISES", "40"))
"""Of each law; 500 in the proof."""
pytestmark = pytest.mark.timeout(3_600)  # at full length
UNHURRIED = settings(
    deadline=None,
    max_examples=EXAMPLES,
    derandomize="PINKSLIP_TEST_PROMISES"
    not in os.environ,  # the same every day; the proof looks for others
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@UNHURRIED
@given(policy_texts, staff, steps)
def test_every_verdict_keeps_the_promises(
    text: str, hired: list[Hired], story: list[Step]
) -> None:
    """2, 5, 6, 7, 9: the witness counts by hand and raises."""
    world = World(compiled(text), hired)

    for judgement in world.live(story):
        assert judgement.findings == ()


@UNHURRIED
@given(policy_texts, staff, steps)
def test_fired_stays_fired_until_somebody_reinstates(
    text: str, hired: list[Hired], story: list[Step]
) -> None:
    world = World(compiled(text), hired)

    for _judgement in world.live(story):
        standings = {
            head.agent_id: head.standing is Standing.FIRED
            for head in world.played.heads.values()
        }
        assert standings == {name: one.fired for name, one in world.witness.agents.items()}


@UNHURRIED
@given(policy_texts, staff, steps)
def test_the_same_journal_gives_the_same_decisions(
    text: str, hired: list[Hired], story: list[Step]
) -> None:
    """3: the journal and the policies are all there is."""
    world = lived(text, hired, story)

    again = replayed(world, world.journal)

    assert msgspec.json.encode(again) == msgspec.json.encode(world.concluded)


@UNHURRIED
@given(policy_texts, staff, steps, st.randoms(use_true_random=False))
def test_the_order_within_an_instant_changes_nothing(
    text: str, hired: list[Hired], story: list[Step], shuffler: random.Random
) -> None:
    """Outcomes of one instant in any order, agents among each other in any order."""
    world = lived(text, hired, story)
    shuffled: list[Fact] = []
    edges = [0, *(seen for _, seen in world.marks), len(world.journal)]
    for start, end in pairwise(edges):
        for _at, same in groupby(world.journal[start:end], key=lambda fact: fact.at):
            shuffled += in_another_order(list(same), shuffler)

    again = replayed(world, renumbered(shuffled))

    assert msgspec.json.encode(again) == msgspec.json.encode(world.concluded)


@UNHURRIED
@given(policy_texts, staff, steps)
def test_restoring_the_state_at_any_tick_changes_nothing(
    text: str, hired: list[Hired], story: list[Step]
) -> None:
    """3: what a process remembers is what its records say."""
    policy_set = compiled(text)
    kept, restored = World(policy_set, hired), World(policy_set, hired)

    for _ in kept.live(story):
        pass
    for _ in restored.live(story):
        restored.played.state = state_from_records(restored.played)

    assert msgspec.json.encode(restored.concluded) == msgspec.json.encode(kept.concluded)


@UNHURRIED
@given(policy_texts, staff, steps)
def test_counters_never_step_back_and_lose_nobody(
    text: str, hired: list[Hired], story: list[Step]
) -> None:
    """12: also when those that left are forgotten."""
    world = World(compiled(text), hired, is_judged=False)
    before: dict[tuple[str, str], tuple[int, ...]] = {}

    for _ in world.live(story):
        world.played.forget(left_before=world.played.now - 3_600_000)
        totals = {
            (each.role, each.model): (each.tasks, *each.failed, each.finished, *each.results)
            for each in world.played.fleet.role_totals()
        }
        for group, counts in before.items():
            assert all(new >= old for new, old in zip(totals[group], counts, strict=True))
        before = totals
        told = sum(task.counts for one in world.witness.agents.values() for task in one.tasks)
        assert sum(counts[0] for counts in totals.values()) == told


@UNHURRIED
@given(
    st.builds(
        policy_text,
        st.just(["judged"]),
        st.just(
            {
                "share": 100, "per": "1h", "at_least": 9, "count": 9, "min_active": 0,
                "panic": "off", "common_cause": "off",
            }
        ),
    ),
    staff,
    steps,
    st.lists(st.tuples(st.just("boast"), whom), max_size=6),
)  # fmt: skip
def test_nobody_promotes_itself(
    text: str, hired: list[Hired], story: list[Step], boasts: list[tuple[str, int]]
) -> None:
    """14: a policy that takes a judge's word hears nothing of what an agent says of its own work."""
    modest = [(wait, [each for each in some if each[0] != "boast"]) for wait, some in story]
    first, *rest = modest
    # everybody has tasks enough for the newborn guard, which counts whoever told of them
    seasoned = [(first[0], [*(("succeed", n) for n in range(len(hired))), *first[1]]), *rest]
    boastful = [(wait, [*boasts, *some]) for wait, some in seasoned]

    def verdicts(told: Sequence[Step]) -> list[tuple[int, int, Verdict]]:
        return [
            (one.at, one.agent_no, one.verdict)
            for one in lived(text, hired, told).played.decisions
        ]

    assert verdicts(boastful) == verdicts(seasoned)


@UNHURRIED
@given(staff)
def test_nothing_known_is_nothing_done(hired: list[Hired]) -> None:
    """2: agents that told nothing but that they live."""
    text = policy_text(
        ["rate", "not-good", "streak", "proven", "kin", "decayed", "judged", "asked"],
        {
            "share": 100, "per": "1h", "at_least": 9, "count": 9, "min_active": 0,
            "panic": "off", "common_cause": "off",
        },
    )  # fmt: skip

    world = lived(text, hired, [(60_000, [])] * 5)

    assert world.played.decisions == []


# what the laws are made of


def lived(text: str, hired: Sequence[Hired], story: Sequence[Step]) -> World:
    """A world at the end of its story."""
    world = World(compiled(text), hired)
    for _ in world.live(story):
        pass
    return world


def replayed(world: World, journal: Sequence[Fact]) -> list[Decision]:
    """What the judge says of a journal at the same marks: nothing is enacted, the journal has it all.

    What could not be done is read from the decisions, as a replay of the store's would.
    """
    played, seen, decisions = Rehearsal(world.policy_set), 0, list[Decision]()
    superseded = {one.id for one in world.played.decisions if one.verdict is Verdict.SUPERSEDED}
    for now, mark in world.marks:
        played.fleet.fold(journal[seen:mark])
        seen = mark
        judgement = judge(
            played.fleet.at(now),
            world.policy_set,
            played.state,
            workspace_id=played.workspace_id,
            stopped=None,
        )
        played.state.apply(judgement, superseded=superseded)
        decisions += judgement.decisions
    return decisions


def in_another_order(facts: Sequence[Fact], shuffler: random.Random) -> list[Fact]:
    """Agents in any order, and each one's outcomes that stand together; its other facts as they came."""
    runs: dict[int, list[list[Fact]]] = {}
    for fact in facts:
        own = runs.setdefault(getattr(fact, "agent_no", 0), [])
        if own and isinstance(fact, Done) and isinstance(own[-1][-1], Done):
            own[-1].append(fact)
        else:
            own.append([fact])
    queues = []
    for own in runs.values():
        for run in own:
            shuffler.shuffle(run)
        queues.append([fact for run in own for fact in run])
    if len(runs) > 1 and 0 in runs:
        return [fact for queue in queues for fact in queue]
    mixed: list[Fact] = []
    while queues := [queue for queue in queues if queue]:
        mixed.append(shuffler.choice(queues).pop(0))
    return mixed


def renumbered(facts: Sequence[Fact]) -> list[Fact]:
    """As though they had come in this order."""
    return [msgspec.structs.replace(fact, seq=place) for place, fact in enumerate(facts, 1)]


def state_from_records(played: Rehearsal) -> JudgeState:
    """The judge's state as a new process builds it, from what the store would have kept."""
    told = (Verdict.NOTIFIED, Verdict.NOTICED, Verdict.ASKED)
    state = JudgeState.restore(
        played.state.episodes(),
        shadowed=[one for one in played.decisions if one.verdict is Verdict.SHADOWED],
        places=played.state.places(),
        told=[one.at for one in played.decisions if one.verdict in told],
    )
    state.adopt(played.policy_set, now=played.now)
    return state
