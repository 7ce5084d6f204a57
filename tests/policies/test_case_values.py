"""Everything the `tests:` of a policy file can say reaches the case as it was said, key by key."""

import pytest

from pinkslip.model.events import Heartbeat, Outcome
from pinkslip.model.policy import Matcher
from pinkslip.model.words import Action, Guard, Mode, Result, Source, Standing, Status, Verdict
from pinkslip.policies.case_reader import read_cases
from pinkslip.policies.cases import AGE_MS, TICK_MS, Act, ActKind, Case, Expectation
from pinkslip.policies.document import Fields, read
from pinkslip.policies.schedules import Rhythm, Series
from pinkslip.policies.text import Place, Report, Text
from pinkslip.policies.values import Values

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
DAY = 24 * HOUR
PLACE = Place(0, 0)


def case(body: str) -> Case:
    """A test of one agent, `worker`, with this in it."""
    report, source = Report(), Text("a.yaml", f"tests:\n  - name: it\n{body}")
    root = read(source, report)
    assert isinstance(root, Fields)
    found = read_cases(Values(source, report), root.entries[0][1], policies=["late", "dumb"])
    assert report.problems == []
    return found[0]


def agent(text: str) -> Case:
    return case(f"    agents: [{{agent: worker, {text}}}]\n    expect: nothing\n")


def act(text: str) -> Act:
    body = "    agents: [{agent: worker}, {agent: other, count: 2}]\n    expect: nothing\n"
    (found,) = case(f"{body}    happens: [{{at: 3m, {text}}}]\n").acts
    assert found.at_ms == 3 * MINUTE
    return found


def expectation(text: str) -> Expectation:
    body = "    agents: [{agent: worker}, {agent: other, count: 2}]\n"
    (found,) = case(f"{body}    expect: [{{{text}}}]\n").expectations
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: Ada", Heartbeat(name="Ada")),
        ("role: dev", Heartbeat(role="dev")),
        ("model: gpt", Heartbeat(model="gpt")),
        ("host: h1", Heartbeat(host="h1")),
        ("lineage: night", Heartbeat(lineage="night")),
        ("labels: {a: 1, b: c}", Heartbeat(labels={"a": "1", "b": "c"})),
        ("status: WAITING", Heartbeat(status=Status.WAITING)),
        ("task: mend it", Heartbeat(current_task="mend it")),
        ("progress: 2.5", Heartbeat(progress=2.5)),
        ("context_used: 40%", Heartbeat(context_used=0.4)),
        ("interval: 1m", Heartbeat(interval=60.0)),
        ("boot: b2", Heartbeat(boot_id="b2")),
    ],
    ids=lambda value: value.partition(":")[0] if isinstance(value, str) else "",
)
def test_what_an_agent_is_at_first(text: str, expected: Heartbeat) -> None:
    assert agent(text).agents[0].identity == expected


def test_what_an_agent_says_later() -> None:
    found = agent(
        "says: [{at: 5m, error: out of memory, leaving: true}, {at: 6m, leaving: false}]"
    )

    first, second = found.agents[0].said
    assert (first.at_ms, first.heartbeat) == (
        5 * MINUTE,
        Heartbeat(last_error="out of memory", leaving=True),
    )
    assert (second.at_ms, second.heartbeat) == (6 * MINUTE, Heartbeat(leaving=False))


def test_an_agent_of_which_nothing_is_said() -> None:
    (found,) = case("    agents: [{agent: worker}]\n    expect: nothing\n").agents

    assert (found.ids, found.age_ms, found.identity) == (("worker",), AGE_MS, Heartbeat())
    assert found.beats == (Rhythm(30 * SECOND),)
    assert (found.silent, found.said, found.worked) == ((), (), ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("beats: none", ()),
        ("beats: every 10s", (Rhythm(10 * SECOND),)),
        ("interval: 10s", (Rhythm(10 * SECOND),)),
        ("beats: from 5m", (Rhythm(30 * SECOND, 5 * MINUTE),)),
        ("beats: at 5m", (Rhythm(None, 5 * MINUTE, is_single=True),)),
        ("interval: 10s, beats: until 5m", (Rhythm(10 * SECOND, until_ms=5 * MINUTE),)),
        (
            "beats: [until 5m, every 1s from 6m]",
            (Rhythm(30 * SECOND, until_ms=5 * MINUTE), Rhythm(SECOND, from_ms=6 * MINUTE)),
        ),
    ],
)
def test_when_an_agent_beats(text: str, expected: tuple[Rhythm, ...]) -> None:
    assert agent(text).agents[0].beats == expected


def test_a_rhythm_with_an_interval_and_an_end_keeps_its_interval() -> None:
    found = agent("interval: 30s, beats: every 10s until 5m").agents[0]

    assert found.beats == (Rhythm(10 * SECOND, until_ms=5 * MINUTE),)


def test_age_and_silence() -> None:
    found = agent("age: 2m, silent: [from 1m until 2m, from 5m]").agents[0]

    assert found.age_ms == 2 * MINUTE
    assert [(each.from_ms, each.until_ms) for each in found.silent] == [
        (MINUTE, 2 * MINUTE),
        (5 * MINUTE, None),
    ]


@pytest.mark.parametrize(
    ("text", "expected", "source"),
    [
        ("kind: repair", Outcome(result=Result.SUCCESS, kind="repair"), Source.SELF),
        ("score: 25%", Outcome(result=Result.SUCCESS, score=0.25), Source.SELF),
        ("duration: 90s", Outcome(result=Result.SUCCESS, duration_ms=90_000), Source.SELF),
        ("cost: 0.25", Outcome(result=Result.SUCCESS, cost_usd=0.25), Source.SELF),
        ("cost: $3", Outcome(result=Result.SUCCESS, cost_usd=3.0), Source.SELF),
        ("tokens: 12", Outcome(result=Result.SUCCESS, tokens_out=12), Source.SELF),
        ("error: it broke", Outcome(result=Result.SUCCESS, error="it broke"), Source.SELF),
        ("source: person", Outcome(result=Result.SUCCESS), Source.PERSON),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_task_was(text: str, expected: Outcome, source: Source) -> None:
    (worked,) = agent(f"outcomes: {{of: 1 success at 1m, {text}}}").agents[0].worked

    assert worked.outcome == expected
    assert worked.source is source
    assert isinstance(worked.series, Series)
    assert worked.series.last_ms == MINUTE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("protect: worker, for: 1h", {"agents": ("worker",), "for_ms": HOUR}),
        ("protect: [other, worker], for: 1h", {"agents": ("other-1", "other-2", "worker")}),
        ("protect: [other-2, other], for: 1h", {"agents": ("other-2", "other-1")}),
        ("quarantine: other-1, for: 0s", {"agents": ("other-1",), "for_ms": 0}),
        ("release: worker", {"agents": ("worker",), "for_ms": None, "policy": None}),
        ("reinstate: worker", {"agents": ("worker",), "wrong": False}),
        ("reinstate: worker, wrong: true", {"wrong": True}),
        ("reinstate: worker, wrong: false", {"wrong": False}),
        ("veto: worker", {"policy": None, "score_e6": None, "reason": ""}),
        ("veto: worker, policy: dumb", {"policy": "dumb"}),
        ("approve: worker, policy: late", {"agents": ("worker",), "policy": "late"}),
        ("review: worker, score: 33%", {"agents": ("worker",), "score_e6": 330_000}),
        ("restore: late", {"agents": (), "policy": "late"}),
        ("stop: upgrade", {"agents": (), "reason": "upgrade"}),
        ("resume: true", {"agents": (), "reason": ""}),
        ("restart: 2m", {"agents": (), "for_ms": 2 * MINUTE}),
        (
            "silence: {role: dev}, for: 30m, reason: deploy",
            {
                "agents": (),
                "match": (Matcher("role", frozenset({"dev"})),),
                "for_ms": 30 * MINUTE,
                "reason": "deploy",
            },
        ),
    ],
)
def test_what_happens(text: str, expected: dict[str, object]) -> None:
    found = act(text)

    assert found.kind is ActKind(text.partition(":")[0])
    assert {name: getattr(found, name) for name in expected} == expected


def test_the_least_and_the_most_are_read_as_they_are() -> None:
    body = "    agents: [{agent: worker}]\n    expect: nothing\n"

    (worked,) = agent("outcomes: {of: success, duration: 0s}").agents[0].worked
    (review,) = case(f"{body}    happens: [{{at: 0s, review: worker, score: 100%}}]\n").acts

    assert worked.outcome.duration_ms == 0
    assert (review.at_ms, review.score_e6) == (0, 1_000_000)


def test_the_empty_word_stays_empty() -> None:
    labels = agent('labels: {team: ""}').agents[0].identity.labels
    silence = act('silence: {role: dev}, for: 1m, reason: ""')
    stop = act('stop: ""')

    assert labels == {"team": ""}
    assert (silence.reason, stop.reason) == ("", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("verdict: fired", Expectation(place=PLACE, verdict=Verdict.FIRED)),
        ("verdict: nothing", Expectation(place=PLACE, nothing=True)),
        ("at: 0s, verdict: held", Expectation(place=PLACE, at_ms=0, verdict=Verdict.HELD)),
        (
            "agent: [other, worker], verdict: fired, action: fire",
            Expectation(
                place=PLACE,
                agents=("other-1", "other-2", "worker"),
                verdict=Verdict.FIRED,
                action=Action.FIRE,
            ),
        ),
        (
            "policy: dumb, verdicts: [held, fired]",
            Expectation(place=PLACE, policy="dumb", verdicts=(Verdict.HELD, Verdict.FIRED)),
        ),
        ("verdicts: held", Expectation(place=PLACE, verdicts=(Verdict.HELD,))),
        ("verdicts: []", Expectation(place=PLACE, verdicts=())),
        (
            "never: [fired, held]",
            Expectation(place=PLACE, never=frozenset({Verdict.FIRED, Verdict.HELD})),
        ),
        ("held: panic", Expectation(place=PLACE, held=Guard.PANIC)),
        (
            "standing: fired, count: 0",
            Expectation(place=PLACE, standing=Standing.FIRED, count=0),
        ),
        ("cause: model=gpt", Expectation(place=PLACE, cause="model=gpt")),
        ("demoted: late", Expectation(place=PLACE, demoted="late")),
    ],
)
def test_what_is_expected(text: str, expected: Expectation) -> None:
    found = expectation(text)

    for name in Expectation.__slots__:
        if name != "place":
            assert getattr(found, name) == getattr(expected, name), name


def test_nothing_at_all_may_be_expected() -> None:
    (found,) = agent("age: 1d").expectations

    assert found.nothing
    assert found.agents == ()


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("", 0),
        ("    happens: [{at: 3m, restart: 2m}]\n", 5 * MINUTE),
        ("    happens: [{at: 3m, protect: worker, for: 2h}]\n", 3 * MINUTE),
        ("    happens: [{at: 3m, release: worker}, {at: 1m, release: worker}]\n", 3 * MINUTE),
    ],
    ids=["nothing is spoken of", "a restart", "a protection", "the last of two"],
)
def test_a_test_lasts_one_tick_longer_than_it_speaks_of(text: str, expected_ms: int) -> None:
    body = "    agents: [{agent: worker}]\n    expect: nothing\n"

    assert case(body + text).lasts_ms == expected_ms + TICK_MS
    assert case(body + text + "    tick: 7s\n").lasts_ms == expected_ms + 7 * SECOND
    assert case(body + text + "    lasts: 1h\n").lasts_ms == HOUR


def test_a_test_that_speaks_of_no_instant_lasts_one_tick() -> None:
    found = case("    agents: [{agent: worker, beats: none}]\n    expect: []\n")

    assert found.lasts_ms == TICK_MS


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("beats: until 9m", 9 * MINUTE),
        ("beats: every 1s from 8m", 8 * MINUTE),
        ("silent: from 1m until 7m", 7 * MINUTE),
        ("says: {at: 6m, leaving: true}", 6 * MINUTE),
        ("outcomes: 1 success at 4m", 4 * MINUTE),
    ],
)
def test_what_agents_do_makes_a_test_last(text: str, expected_ms: int) -> None:
    assert agent(text).lasts_ms == expected_ms + TICK_MS


def test_what_is_expected_makes_a_test_last() -> None:
    body = "    agents: [{agent: worker}]\n    expect: [{at: 2m, verdict: nothing}, {at: 1m, never: fired}]\n"

    assert case(body).lasts_ms == 2 * MINUTE + TICK_MS


def test_a_test_is_about_the_policies_it_names() -> None:
    body = "    agents: [{agent: worker}]\n    expect: nothing\n"

    assert case(body).policies == ("late", "dumb")
    assert case(body + "    policies: dumb\n").policies == ("dumb",)
    assert case(body + "    policies: [dumb, late]\n").policies == ("dumb", "late")
    assert case(body + "    policies: all\n").policies == ("late", "dumb")


def test_a_test_says_where_it_stands() -> None:
    found = case("    mode: shadow\n    agents: [{agent: worker}]\n    expect: nothing\n")

    assert (found.name, found.file, found.key_path) == ("it", "a.yaml", "tests[0]")
    assert (found.place.line, found.mode) == (1, Mode.SHADOW)
    assert found.expectations[0].place.line == 4


def test_acts_and_expectations_know_their_place() -> None:
    found = case(
        "    agents: [{agent: worker}]\n    happens:\n      - {at: 1m, release: worker}\n"
        "    expect:\n      - {verdict: nothing}\n"
    )

    assert [(each.place.line, each.place.column) for each in found.acts] == [(4, 8)]
    assert [(each.place.line, each.place.column) for each in found.expectations] == [(6, 8)]


def test_guards_stay_as_they_are_open_or_are_written() -> None:
    body = "    agents: [{agent: worker}]\n    expect: nothing\n"

    plain, wide = case(body), case(body + "    guards: open\n")
    written = case(body + "    guards: {min_active: 3, panic: off}\n")

    assert (plain.is_open, plain.guards, plain.overridden) == (False, None, ())
    assert (wide.is_open, wide.guards, wide.overridden) == (True, None, ())
    assert (written.is_open, written.overridden) == (False, ("min_active", "panic"))
    assert written.guards is not None
    assert (written.guards.min_active, written.guards.panic) == (3, None)


def test_as_many_agents_as_there_may_be() -> None:
    found = agent("count: 5000").agents[0]

    assert (found.ids[0], found.ids[-1], len(found.ids)) == ("worker-1", "worker-5000", 5_000)


def test_one_agent_that_counts_still_has_a_number() -> None:
    assert agent("count: 1").agents[0].ids == ("worker-1",)
