"""Whom a policy is about."""

import pytest
from tests.judge.world import START, Agent, World, make_policy

from pinkslip.fleet.needs import Words
from pinkslip.judge.evaluate import Readings
from pinkslip.judge.matching import Matching
from pinkslip.model.policy import Matcher
from pinkslip.model.words import Standing, Status


def matched(
    *matchers: Matcher, agents: list[Agent | None], stale_type: bool = False
) -> list[bool]:
    policy = make_policy(match=matchers)
    found = Matching().matched(policy, Readings(World(agents)), stale_type=stale_type)
    return [bool(each) for each in found]


def test_no_matcher_is_about_everybody_present() -> None:
    assert matched(agents=[Agent(number=1), None, Agent(number=2)]) == [True, False, True]


@pytest.mark.parametrize(
    ("matcher", "expected"),
    [
        pytest.param(
            Matcher("role", frozenset({"developer"})), [True, False, False], id="value"
        ),
        pytest.param(
            Matcher("role", frozenset({"developer", "tester"})), [True, True, False], id="any"
        ),
        pytest.param(Matcher("role", patterns=("dev.*",)), [True, False, False], id="regex"),
        pytest.param(Matcher("role", patterns=("dev",)), [False] * 3, id="regex is whole"),
        pytest.param(Matcher("role", patterns=(".*",)), [True, True, False], id="absent"),
        pytest.param(Matcher("role", frozenset({""})), [False] * 3, id="absent is not empty"),
        pytest.param(
            Matcher("agent", frozenset({"agent-3"})), [False, False, True], id="agent"
        ),
        pytest.param(
            Matcher("label.team", frozenset({"red"})), [False, True, False], id="label"
        ),
        pytest.param(
            Matcher("status", frozenset({"ERROR"})), [False, False, True], id="status"
        ),
    ],
)
def test_a_matcher_admits_values_and_patterns(matcher: Matcher, expected: list[bool]) -> None:
    agents: list[Agent | None] = [
        Agent(number=1, role="developer"),
        Agent(number=2, role="tester", labels={"team": "red"}),
        Agent(number=3, role=None, status=Status.ERROR),
    ]

    assert matched(matcher, agents=agents) == expected


def test_all_matchers_must_hold() -> None:
    matchers = Matcher("role", frozenset({"developer"})), Matcher("agent", patterns=(".*-2",))

    assert matched(*matchers, agents=[Agent(number=1), Agent(number=2)]) == [False, True]


def test_finished_and_fired_are_never_matched() -> None:
    agents: list[Agent | None] = [
        Agent(number=1, finished=True),
        Agent(number=2, fires=[(START - 1, False)]),
        Agent(number=3),
    ]

    assert matched(agents=agents) == [False, False, True]


def test_waiting_is_never_matched_by_policies_on_silence_and_is_by_others() -> None:
    agents: list[Agent | None] = [Agent(number=1, status=Status.WAITING)]

    assert matched(agents=agents, stale_type=True) == [False]
    assert matched(agents=agents, stale_type=False) == [True]


class Growing(World):
    """A fleet whose vocabulary of roles is kept from look to look."""

    def __init__(self, agents: list[Agent | None], words: list[str], generation: int) -> None:
        super().__init__(agents)
        self.kept, self.generation = words, generation

    def words(self, field_name: str) -> Words:
        fresh = super().words(field_name)
        codes = fresh.codes.copy()
        for slot, code in enumerate(fresh.codes.tolist()):
            if code >= 0 and fresh.vocabulary[code] not in self.kept:
                self.kept.append(fresh.vocabulary[code])
            codes[slot] = self.kept.index(fresh.vocabulary[code]) if code >= 0 else -1
        return Words(codes, self.kept, self.generation)


def test_words_that_come_later_are_matched_too() -> None:
    matching, words = Matching(), ["tester"]
    policy = make_policy(match=(Matcher("role", patterns=("dev.*",)),))
    before = matching.matched(
        policy, Readings(Growing([Agent(number=1, role="tester")], words, 0)), stale_type=False
    )

    after = matching.matched(
        policy,
        Readings(
            Growing([Agent(number=1, role="tester"), Agent(number=2, role="devops")], words, 0)
        ),
        stale_type=False,
    )

    assert before.tolist() == [False]
    assert after.tolist() == [False, True]


def test_a_vocabulary_made_anew_is_asked_anew() -> None:
    matching = Matching()
    policy = make_policy(match=(Matcher("role", frozenset({"developer"})),))
    agents: list[Agent | None] = [Agent(number=1, role="developer")]
    matching.matched(
        policy, Readings(Growing(agents, ["developer", "tester"], 0)), stale_type=False
    )

    found = matching.matched(
        policy, Readings(Growing(agents, ["tester", "developer"], 1)), stale_type=False
    )

    assert found.tolist() == [True]


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (Agent(number=1), ""),
        (Agent(number=1, role="tester"), "its role is tester, not developer or ~dev.*"),
        (Agent(number=1, role=None), "its role is not given, not developer or ~dev.*"),
        (Agent(number=1, finished=True), "the agent is finished"),
        (Agent(number=1, fires=[(START, True)]), "the agent is fired"),
        (Agent(number=1, standing=Standing.QUARANTINED), "the agent is in quarantine"),
        (
            Agent(number=1, standing=Standing.QUARANTINED, standing_until=START),
            "the agent is in quarantine until 2025-11-24T16:00:00.000Z",
        ),
        (
            Agent(number=1, status=Status.WAITING),
            "it is WAITING for a user, which is never unresponsive",
        ),
    ],
)
def test_a_refusal_says_why(agent: Agent, words: str) -> None:
    matcher = Matcher("role", frozenset({"developer"}), ("dev.*",))

    said = Matching().refusal(
        make_policy(match=(matcher,)), Readings(World([agent])), slot=0, stale_type=True
    )

    assert said == words
