"""Places where several move in one tick, and what only two things at once tell apart."""

from dataclasses import replace

import numpy as np
import pytest
from tests.judge.ladders import (
    FIRE,
    PROBATION,
    QUARANTINE,
    SILENT,
    crossed,
    fail,
    make_ladder,
    make_worker,
    place_of,
    verdicts,
)
from tests.judge.world import DAY, HOUR, MINUTE, SECOND, START, Agent, Ticker, make_set

from pinkslip.fleet.needs import Words
from pinkslip.judge.judge import judge
from pinkslip.judge.places import Lexicon
from pinkslip.model.decisions import Place
from pinkslip.model.policy import Policy, Rung
from pinkslip.model.words import Action, Mode, Scope, Standing
from pinkslip.policies.language import parse_condition

DOWN = make_ladder(PROBATION, QUARANTINE, FIRE)
KIN = replace(DOWN, scope=Scope.LINEAGE)
HOUR_OF_PROBATION = Rung(Action.PROBATION, HOUR)
CLEARING = parse_condition("success_rate[1h] > 90%")
ON_SILENCE = make_ladder(PROBATION, FIRE, when=SILENT, for_ms=30 * SECOND)


def places(ticker: Ticker) -> dict[str, Place]:
    return {each.subject: each for each in ticker.state.places()}


def edited(ticker: Ticker, after: Policy) -> None:
    ticker.policy_set = make_set(after)
    ticker.state.adopt(ticker.policy_set, now=ticker.now)


def test_who_leaves_takes_nothing_from_what_the_others_have_paid_for() -> None:
    ticker = Ticker(
        [make_worker(1, lineage="worker"), make_worker(2, lineage="worker"), make_worker(3)],
        DOWN,
    )
    fail(ticker, 1)
    fail(ticker, 2)
    ticker.tick()
    ticker.agents[0] = None

    for _ in range(3):
        ticker.tick(5_000)

    assert verdicts(ticker) == ["probation", "probation"]
    assert places(ticker)["agent:2"].rung == 0


@pytest.mark.parametrize("after", [(), (replace(DOWN, mode=Mode.SHADOW),)])
def test_nobody_is_let_go_for_one_who_left(after: tuple[Policy, ...]) -> None:
    ticker = Ticker([make_worker(1), make_worker(2)], DOWN)
    crossed(ticker)
    ticker.agents[0] = None
    ticker.policy_set = make_set(*after)

    assert ticker.tick(5_000).decisions == ()


@pytest.mark.parametrize(
    ("after", "recorded_under"),
    [
        (replace(DOWN, mode=Mode.SHADOW, hash="dumb1-shadow"), "dumb1-shadow"),
        (replace(DOWN, hash="other-1", for_ms=HOUR), "dumb1"),
    ],
    ids=["shadow", "edited"],
)
def test_each_who_is_let_go_is_recorded_with_what_kept_them(
    after: Policy, recorded_under: str
) -> None:
    ticker = Ticker([make_worker(number) for number in (1, 2, 3)], DOWN)
    crossed(ticker, 2)
    crossed(ticker, 3)
    crossed(ticker, 3)
    kept_since = [places(ticker)[subject].since for subject in ("agent:2", "agent:3")]
    edited(ticker, after)

    freed = [each for each in ticker.tick(5_000).decisions if each.verdict == "released"]

    assert [each.agent_no for each in freed] == [2, 3]
    assert [each.action for each in freed] == [Action.PROBATION, Action.QUARANTINE]
    assert [each.evidence.true_since for each in freed] == kept_since
    assert {each.policy_hash for each in freed} == {recorded_under}


def test_the_end_of_one_quarantine_is_nothing_to_the_others() -> None:
    ticker = Ticker([make_worker(1), make_worker(2)], make_ladder(QUARANTINE, PROBATION, FIRE))
    fail(ticker, 1)
    ticker.tick()
    ticker.tick(5 * MINUTE)
    fail(ticker, 2)
    ticker.tick()
    paused = places(ticker)["agent:2"]

    ticker.tick(5 * MINUTE)

    assert places(ticker)["agent:1"].standing == "probation"
    assert places(ticker)["agent:2"] == paused


def test_probation_after_a_quarantine_does_not_last_as_a_later_rung_says() -> None:
    ticker = Ticker([make_worker()], make_ladder(QUARANTINE, HOUR_OF_PROBATION, FIRE))
    fail(ticker)
    ticker.tick()

    ticker.tick(10 * MINUTE)

    assert place_of(ticker).until == ticker.now + DAY


def test_an_id_born_after_the_rung_does_not_get_its_worker_off() -> None:
    ticker = Ticker([make_worker(1, lineage="worker")], KIN)
    crossed(ticker)
    crossed(ticker)
    ticker.agents.append(make_worker(2, lineage="worker", created_at=ticker.now))

    ticker.tick(5_000)

    assert (place_of(ticker).rung, place_of(ticker).passes) == (1, 1)
    assert ticker.agent(2).standing is Standing.QUARANTINED


@pytest.mark.parametrize(
    ("after_ms", "passes", "let_go"), [(-1, 1, [1]), (0, 1, [1]), (1, 2, [])]
)
def test_a_release_counts_from_just_after_the_rung(
    after_ms: int, passes: int, let_go: list[int]
) -> None:
    ticker = Ticker([make_worker()], DOWN)
    fail(ticker)
    ticker.tick()
    ticker.agent(1).released_at = START + after_ms
    other = Ticker(ticker.agents, now=ticker.now, state=ticker.state)

    freed = judge(other.look(), other.policy_set, other.state, workspace_id=1, stopped=None)
    ticker.tick(5_000)

    assert place_of(ticker).passes == passes
    assert [each.agent_no for each in freed.decisions] == let_go


def test_a_release_before_it_came_back_leaves_nothing_of_its_new_life_out() -> None:
    ticker = Ticker([make_worker()], DOWN)
    fail(ticker)
    ticker.tick()
    agent = ticker.agent(1)
    agent.released_at, agent.created_at = START + 1, START + 2
    agent.incarnation, agent.counted = 2, (5, 0)

    ticker.tick(5_000)

    assert (place_of(ticker).base_tasks, place_of(ticker).since) == (0, START + 2)


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        pytest.param(None, "1 h without another crossing", id="cannot be told"),
        pytest.param(0.5, "1 h without another crossing", id="not recovered"),
        pytest.param(0.95, "success rate 95 % in 1 h (above 90 %)", id="recovered as well"),
    ],
)
def test_time_ends_probation_whatever_clear_when_says(rate: float | None, words: str) -> None:
    policy = replace(make_ladder(HOUR_OF_PROBATION, FIRE), clear_when=CLEARING)
    ticker = Ticker([make_worker()], policy)
    fail(ticker)
    ticker.tick()
    ticker.agent(1).values = {} if rate is None else {"success_rate[1h]": rate}

    (released,) = ticker.tick(HOUR).decisions

    assert (released.verdict, released.evidence.words) == ("released", words)


def test_who_is_paused_is_not_calm_meanwhile() -> None:
    ticker = Ticker([Agent(number=1, silent_s=95.0)], ON_SILENCE)
    ticker.tick()
    ticker.tick(30 * SECOND)
    agent = ticker.agent(1)
    agent.ordered_until = ticker.now + HOUR
    ticker.tick(5_000)
    agent.silent_s = 0.0

    ticker.tick(10 * MINUTE)

    assert agent.standing is Standing.QUARANTINED
    assert place_of(ticker).false_since is None


def test_shadow_fires_an_agent_once() -> None:
    ticker = Ticker([make_worker()], replace(make_ladder(PROBATION, FIRE), mode=Mode.SHADOW))

    for _ in range(4):
        crossed(ticker)

    assert [(each.verdict, each.action) for each in ticker.decisions] == [
        ("shadowed", "probation"),
        ("shadowed", "fire"),
    ]


def test_every_place_that_changed_is_told_to_the_store() -> None:
    ticker = Ticker([make_worker(number) for number in (1, 2, 3, 4)], DOWN)
    crossed(ticker, 1)
    crossed(ticker, 2)
    crossed(ticker, 3)
    ticker.agent(1).released_at = ticker.agent(2).released_at = ticker.now
    fail(ticker, 4)

    judgement = ticker.tick(5_000)

    assert [(each.subject, each.rung) for each in judgement.places] == [
        ("agent:1", -1),
        ("agent:2", -1),
        ("agent:4", 0),
    ]


def test_calm_is_told_to_the_store_once_and_takes_no_other_change_back() -> None:
    ticker = Ticker(
        [Agent(number=1, silent_s=95.0), Agent(number=2, silent_s=95.0)], ON_SILENCE
    )
    ticker.tick()
    ticker.tick(30 * SECOND)
    ticker.agent(1).silent_s = ticker.agent(2).silent_s = 0.0
    ticker.agent(2).released_at = ticker.now + 1

    began = ticker.tick(5_000).places
    went_on = ticker.tick(5_000).places

    assert [(each.rung, each.false_since) for each in began] == [
        (0, ticker.now - 5_000),
        (-1, None),
    ]
    assert went_on == ()


def test_a_lineage_counted_from_nothing_is_so_in_the_store() -> None:
    ticker = Ticker([make_worker(1, lineage="worker")], KIN)
    crossed(ticker)
    ticker.agent(1).counted = (3, 0)

    (told,) = ticker.tick(5_000).places

    assert (told.subject, told.base_tasks) == ("lineage:worker", 0)


def test_every_worker_goes_down_its_own_ladder_and_an_empty_key_is_none() -> None:
    lineages = ["b", "a", "", None, "c"]
    ticker = Ticker(
        [make_worker(number, lineage=key) for number, key in enumerate(lineages, start=1)], KIN
    )

    seen = [crossed(ticker, number) for number in (1, 2, 3, 4, 5, 1, 2, 3, 4, 5)]

    assert seen == ["probation"] * 5 + ["quarantined"] * 5
    assert list(places(ticker)) == ["agent:3", "agent:4", *(f"lineage:{key}" for key in "abc")]


def test_words_are_found_as_they_stand_in_their_own_vocabulary() -> None:
    lexicon, nobody = Lexicon(), np.empty(0, dtype=np.int32)

    found = [
        lexicon.codes(Words(nobody, vocabulary, generation), ["a", "b", "new"]).tolist()
        for vocabulary, generation in [
            (["a", "b"], 0),
            (["a", "b", "new"], 0),
            (["new", "b"], 1),
            (["new", "b"], 1),
        ]
    ]

    assert found == [[0, 1, -1], [0, 1, 2], [-1, 1, 0], [-1, 1, 0]]
