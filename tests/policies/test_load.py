"""Files together: one set or all problems, one `guards:`, unique names, hashes that follow the meaning."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinkslip.fleet.needs import Need
from pinkslip.model.errors import Invalid
from pinkslip.model.policy import (
    CommonCause,
    Filter,
    Guards,
    MassRestart,
    Matcher,
    MaxNotices,
    MaxQuarantined,
    MaxSilenced,
    Policy,
    PolicySet,
    Rung,
    Window,
    WindowKind,
)
from pinkslip.model.words import Action, Fault, Mode, Scope, Source, Status
from pinkslip.policies import load as loading
from pinkslip.policies.expressions import CHARACTERS_MAX
from pinkslip.policies.grammar import LENGTH_MAX
from pinkslip.policies.known import Known
from pinkslip.policies.load import Loaded, load, needs, read_sources
from pinkslip.policies.problems import Problem, Severity

HEAD = "version: 1\npolicies:\n"
FIRES = HEAD + "  - {name: fires, when: age > 1d, action: fire, reason: dumb}\n"
GUARDS = "version: 1\n# for all\nguards: {min_active: 2}\n"


FULL = """\
version: 1
policies:
  - name: silent   # a comment
    description: >
      Nothing heard
      for long.
    match:
      status: [IDLE, WORKING]
      agent: ~dev-.*
      label.team: [red, '~b.*']
    when: heartbeat_age > 3 * heartbeat_interval
    clear_when: heartbeat_age < heartbeat_interval
    for: 1m30s
    mode: off
    action: fire
    reason: unresponsive
    faults: [agent, tool]
    sources: judge

  # about the next one
  - {name: other, when: "tasks[1h] > 3"}
"""


def of(*texts: str, extra_reasons: tuple[str, ...] = (), known: Known | None = None) -> Loaded:
    sources = [
        loading.Source(f"{number}.yaml", text) for number, text in enumerate(texts, start=1)
    ]
    return load(sources, extra_reasons=extra_reasons, known=known)


def policies(*texts: str) -> tuple[Policy, ...]:
    loaded = of(*texts)
    assert loaded.policy_set is not None, [problem.render() for problem in loaded.problems]
    return loaded.policy_set.policies


def one(keys: str, *, when: str = "tasks[1h] > 3") -> Policy:
    [policy] = policies(f"version: 1\npolicies:\n  - name: a\n    when: {when}\n{keys}")
    return policy


def where(problem: Problem) -> tuple[str, int, int, str]:
    return problem.file, problem.line, problem.column, problem.key_path


def marked(problem: Problem) -> tuple[int, int, int]:
    return problem.line, problem.column, problem.width


def test_every_key_reaches_the_policy() -> None:
    silent, other = policies(FULL)

    assert silent.name == "silent"
    assert silent.description == "Nothing heard for long."
    assert silent.match == (
        Matcher("status", frozenset({Status.IDLE, Status.WORKING})),
        Matcher("agent", frozenset(), ("dev-.*",)),
        Matcher("label.team", frozenset({"red"}), ("b.*",)),
    )
    assert silent.when.text == "heartbeat_age > 3 * heartbeat_interval"
    assert silent.clear_when is not None
    assert silent.for_ms == 90_000
    assert silent.mode is Mode.OFF
    assert silent.action is Action.FIRE
    assert silent.reason == "unresponsive"
    assert silent.outcomes == Filter(
        frozenset({Fault.AGENT, Fault.TOOL}), frozenset({Source.JUDGE})
    )
    assert (silent.file, silent.line) == ("1.yaml", 3)
    assert other.name == "other"


def test_what_is_not_written_has_its_default() -> None:
    policy = one("")

    assert policy.mode is Mode.SHADOW
    assert policy.action is Action.NOTIFY
    assert (policy.for_ms, policy.keep_for_ms) == (0, 0)
    assert policy.match == ()
    assert policy.outcomes == Filter()


def test_a_policy_carries_its_own_lines() -> None:
    silent, other = policies(FULL)

    assert silent.text.startswith("  - name: silent   # a comment\n    description: >\n")
    assert silent.text.endswith("    sources: judge")
    assert other.text == '  - {name: other, when: "tasks[1h] > 3"}'


@pytest.mark.parametrize(
    "own",
    [
        "  - name: a\n    when: age > 1s\n    description: |\n      said\n      twice",
        "  - name: a\n    when: >\n      age\n      > 1s",
        "  - {name: a, when: age > 1s}",
        '  - name: a\n    when: "age >\n      1s"',
    ],
    ids=["literal", "folded", "flow", "quoted"],
)
@pytest.mark.parametrize("between", ["\n", "\n\n\n"], ids=["next line", "after a gap"])
def test_a_policy_carries_its_own_lines_to_the_last_and_none_of_the_next(
    own: str, between: str
) -> None:
    following = "  - name: b\n    when: age > 2s"

    carried = [policy.text for policy in policies(f"{HEAD}{own}{between}{following}")]

    assert carried == [own, following]


def test_words_are_words_whatever_yaml_makes_of_them() -> None:
    policy = one("    mode: off\n    match: {role: no, model: 007, host: 1e3, name: null}\n")

    assert policy.mode is Mode.OFF
    assert [matcher.values for matcher in policy.match] == [{"no"}, {"007"}, {"1e3"}, {"null"}]


@pytest.mark.parametrize("key", ["name", "severity", "labels.team", "description"])
def test_a_list_for_a_word_is_refused_by_its_key(key: str) -> None:
    written = {
        "name": "  - name: [a]\n    when: age > 1s\n",
        "severity": "  - name: a\n    when: age > 1s\n    severity: [a]\n",
        "labels.team": "  - name: a\n    when: age > 1s\n    labels: {team: [a]}\n",
        "description": "  - name: a\n    when: age > 1s\n    description: [a]\n",
    }

    [problem] = of(HEAD + written[key]).problems

    assert problem.message == f"policies[0].{key} must be a word"
    assert problem.key_path == f"policies[0].{key}"


def test_names_are_unique_over_all_files() -> None:
    text = "version: 1\npolicies:\n  - {name: a, when: age > 1h}\n"

    loaded = of(text, text)

    [problem] = loaded.problems
    assert loaded.policy_set is None
    assert problem.file == "2.yaml"
    assert problem.message == 'the name "a" is already taken in 1.yaml:3'


def test_second_guards_are_refused_naming_both_places() -> None:
    text = "version: 1\nguards:\n  min_active: 2\n"

    loaded = of(text, "version: 1\npolicies: []\n", text)

    errors = [problem for problem in loaded.problems if problem.is_error]
    assert [problem.file for problem in errors] == ["3.yaml"]
    assert "here and in 1.yaml:3" in errors[0].message


def test_a_second_set_and_second_guards_are_refused_where_they_stand() -> None:
    text = "version: 1\nextends: builtin@1\nguards: {min_active: 2}\n"

    guards, extends = sorted(
        (
            problem
            for problem in of(text, HEAD + "  []\n", text).problems
            if problem.is_error and "second time" in problem.message
        ),
        key=lambda problem: -problem.line,
    )

    assert where(extends) == ("3.yaml", 2, 10, "extends")
    assert extends.message == "a set is extended a second time, here and in 1.yaml:2"
    assert extends.hint == "keep one of them, with all patches in its file"
    assert where(guards) == ("3.yaml", 3, 9, "guards")
    assert guards.message == "guards are given a second time, here and in 1.yaml:3"
    assert guards.hint == "keep one of them: guards hold for the whole workspace"


@pytest.mark.parametrize(
    ("texts", "place"),
    [
        ((FIRES,), ("1.yaml", 1, 1, "guards")),
        ((FIRES, GUARDS), ("2.yaml", 3, 9, "guards")),
    ],
    ids=["by default", "as written"],
)
def test_what_pools_may_lose_is_noted_where_the_guards_stand(
    texts: tuple[str, ...], place: tuple[str, int, int, str]
) -> None:
    known = Known(pools={"": 5, "tester": 1}, pool_label="role")

    nameless, tester = of(*texts, known=known).problems

    assert where(nameless) == where(tester) == place
    assert nameless.message.startswith("the pool of agents without a role has 5 agents: ")
    assert tester.message.startswith("pool tester has 1 agent: ")


def test_guards_not_written_keep_their_defaults() -> None:
    loaded = of("version: 1\nguards:\n  max_fired: {share: 5%}\n  pool: label.team\n")

    assert loaded.policy_set is not None
    guards = loaded.policy_set.guards
    assert guards.pool == "label.team"
    assert guards.max_fired.share == 0.05
    assert guards.max_fired.per_ms == Guards().max_fired.per_ms
    assert guards.panic == Guards().panic


def test_numbers_are_yaml_1_2() -> None:
    loaded = of("version: 1\nguards: {min_active: 010, max_fires: {count: 0x10}}\n")

    assert loaded.policy_set is not None
    assert loaded.policy_set.guards.min_active == 10
    assert loaded.policy_set.guards.max_fires.count == 16


def test_problems_of_all_files_come_at_once_in_order() -> None:
    loaded = of(
        "version: 1\npolices: []\n",
        "version: 1\npolicies: [{name: a, when: age > 3}, {name: b}]\n",
        "version: 1\npolicies:\n  - {name: c, when: age > 1h}\n",
        "[",
    )

    assert loaded.policy_set is None
    assert [(problem.file, problem.line) for problem in loaded.problems] == [
        ("1.yaml", 2),
        ("2.yaml", 2),
        ("2.yaml", 2),
        ("4.yaml", 1),
    ]


def with_conditions(*conditions: str) -> str:
    return HEAD + "".join(
        f"  - name: p{number}\n    when: {condition}\n"
        for number, condition in enumerate(conditions)
    )


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("age > 1s and agee > 2s", (4, 24, 4)),
        ("|\n      age > 1s\n      and agee > 2s", (6, 11, 4)),
        (">  # name: when\n      name > 1s", (5, 7, 4)),
        ("|\n      when > 1s\n\n\n", (5, 7, 4)),
        ('"  agee > 1s"', (4, 14, 4)),
        (r'"age \x3e 1s and agee < 2s"  # >', (4, 28, 4)),
        (r'"1s \x3c agee"  # <', (4, 20, 4)),
    ],
    ids=[
        "plain",
        "literal",
        "folded",
        "kept",
        "led by blanks",
        "escaped",
        "right after an escape",
    ],
)
def test_a_problem_in_a_condition_stands_where_its_word_stands(
    condition: str, expected: tuple[int, int, int]
) -> None:
    [problem] = of(with_conditions(condition)).problems

    assert marked(problem) == expected


LONG = f'"{"age > 1s".ljust(LENGTH_MAX)}"'
AS_MANY = CHARACTERS_MAX // LENGTH_MAX


def test_conditions_beyond_what_is_read_are_refused_once_where_they_begin() -> None:
    assert len(policies(with_conditions(*[LONG] * AS_MANY))) == AS_MANY

    [problem] = of(with_conditions(*[LONG] * AS_MANY, "age > 1s", "age > 2s")).problems

    assert marked(problem) == (4 + 2 * AS_MANY, 11, 8)
    assert (
        problem.message == "the conditions of one set hold more than 131072 characters together"
    )
    assert (problem.hint, problem.key_path) == ("load fewer policies", "policies[32].when")


def test_an_operators_own_reasons_may_be_given() -> None:
    text = "version: 1\npolicies: [{name: a, when: age > 1h, action: fire, reason: slow}]\n"

    assert of(text).policy_set is None
    loaded = of(text, extra_reasons=("slow",))

    assert loaded.policy_set is not None
    assert loaded.policy_set.policies[0].reason == "slow"
    assert loaded.policy_set.reasons == (
        "derailed",
        "obstinate",
        "dumb",
        "unresponsive",
        "corrupted",
        "slow",
    )


def test_reasons_are_shown_in_neutral_words() -> None:
    text = "version: 1\npolicies: [{name: a, when: age > 1h, action: fire, reason: too-slow}]\n"

    named = load([loading.Source("a", text)], extra_reasons=("too-slow",)).policy_set
    shown = load([loading.Source("a", text)], extra_reasons={"too-slow": "late"}).policy_set

    assert named is not None
    assert shown is not None
    assert dict(named.displays)["too-slow"] == "too slow"
    assert dict(shown.displays)["too-slow"] == "late"
    assert dict(shown.displays)["dumb"] == "underperforming"
    assert tuple(name for name, _ in shown.displays) == shown.reasons


@pytest.mark.parametrize(
    ("name", "shown"), [("too_slow", "too slow"), ("far-too_slow", "far too slow")]
)
def test_a_reason_is_shown_without_its_joints(name: str, shown: str) -> None:
    policy_set = of(FIRES, extra_reasons=(name,)).policy_set

    assert policy_set is not None
    assert dict(policy_set.displays)[name] == shown


def test_nothing_at_all_is_an_empty_set() -> None:
    loaded = of()

    assert loaded.policy_set is not None
    assert loaded.policy_set.policies == ()
    assert loaded.policy_set.guards == Guards()


def test_comments_layout_and_description_change_no_hash() -> None:
    plain = one("    for: 60s\n    match: {role: [a, b]}\n")
    other = one(
        "    # why\n    match:\n      role: ['b', a]\n\n    description: x\n    for: 1m\n",
        when='"(tasks[60m]  >  3)"',
    )

    assert plain.hash == other.hash


@pytest.mark.parametrize(
    "keys",
    [
        "    for: 1s\n",
        "    keep_for: 1s\n",
        "    clear_when: tasks[1h] < 2\n",
        "    match: {role: a}\n",
        "    faults: [agent, tool]\n",
        "    sources: judge\n",
        "    scope: lineage\n",
    ],
    ids=lambda keys: keys.strip(),
)
def test_what_an_episode_rests_on_starts_it_afresh(keys: str) -> None:
    assert one(keys).episode_hash != one("").episode_hash


@pytest.mark.parametrize(
    "keys",
    [
        "    mode: enforce\n",
        "    reason: dumb\n",
        "    action: fire\n    reason: dumb\n",
        "    action: quarantine 10m\n",
        "    ladder: [notify, probation]\n",
        "    ladder: [notify, probation 1d]\n",
        "    action: fire\n    reason: dumb\n    notice: 5m\n",
        "    action: fire\n    reason: dumb\n    approval: true\n",
        "    percent: 25%\n",
        "    percent: 0%\n",
    ],
    ids=lambda keys: keys.strip(),
)
def test_what_is_done_about_it_keeps_the_episode_and_changes_the_policy(keys: str) -> None:
    assert one(keys).episode_hash == one("").episode_hash
    assert one(keys).hash != one("").hash


@pytest.mark.parametrize(
    "keys",
    [
        "    severity: critical\n",
        "    labels: {team: red}\n",
        "    scope: agent\n",
        "    percent: 100%\n",
        "    notice: 0s\n",
        "    approval: false\n",
        "    action: notify\n",
    ],
    ids=lambda keys: keys.strip(),
)
def test_what_people_are_told_beside_and_what_is_so_anyway_change_no_hash(keys: str) -> None:
    assert one(keys).hash == one("").hash


def test_a_policy_without_the_newer_keys_has_the_hash_it_always_had() -> None:
    """Or every episode would start afresh with the upgrade that brought them."""
    assert one("").hash == "9762e6799510e97a-e17b91c63af9db44"


def test_a_ladder_is_read_rung_by_rung() -> None:
    policy = one(
        "    ladder: [notify, probation 1d, quarantine 1h30m, fire]\n    reason: dumb\n"
    )

    assert policy.ladder == (
        Rung(Action.NOTIFY),
        Rung(Action.PROBATION, 86_400_000),
        Rung(Action.QUARANTINE, 5_400_000),
        Rung(Action.FIRE),
    )
    assert policy.action is Action.FIRE
    assert policy.may_fire


@pytest.mark.parametrize(
    ("action", "ladder"),
    [
        ("notify", ()),
        ("fire", ()),
        ("probation", (Rung(Action.PROBATION),)),
        ("quarantine 10m", (Rung(Action.QUARANTINE, 600_000),)),
    ],
)
def test_an_action_that_lasts_is_a_ladder_of_one(action: str, ladder: tuple[Rung, ...]) -> None:
    policy = one(f"    action: {action}\n    reason: dumb\n")

    assert policy.ladder == ladder
    assert policy.rungs[0].action is policy.action


def test_what_a_fire_waits_for_and_what_people_are_told_are_read() -> None:
    policy = one(
        "    action: fire\n    reason: dumb\n    notice: 5m\n    approval: true\n    percent: 12.5%\n"
        "    scope: lineage\n    severity: critical\n    labels: {team: red, desk: 007}\n"
    )

    assert (policy.notice_ms, policy.approval, policy.percent) == (300_000, True, 0.125)
    assert policy.scope is Scope.LINEAGE
    assert policy.severity == "critical"
    assert policy.labels == (("desk", "007"), ("team", "red"))


def test_as_many_labels_as_allowed_are_taken_and_one_more_refuses_them() -> None:
    def labelled(count: int) -> str:
        labels = ", ".join(f"l{number:02}: x" for number in range(count))
        return f'{with_conditions("age > 1s")}    description: ""\n    labels: {{{labels}}}\n'

    [policy] = policies(labelled(20))

    assert len(policy.labels) == 20
    assert policy.description == ""
    [problem] = of(labelled(21)).problems
    assert problem.message == "policies[0].labels must be a mapping of at most 20 labels"


def test_every_guard_can_be_written() -> None:
    loaded = of(
        "version: 1\nguards:\n"
        "  common_cause: {factors: [model, label.version], at_least: 5, share: 60%, error: 0.1%}\n"
        "  mass_restart: {share: 40%, at_least: 4, per: 10m}\n"
        "  max_notices: {count: 5, per: 1h}\n"
        "  max_quarantined: {share: 5%, at_least: 2}\n"
        "  max_silenced: {share: 10%, at_least: 3}\n"
    )

    assert loaded.policy_set is not None
    guards = loaded.policy_set.guards
    assert guards.common_cause == CommonCause(
        factors=("model", "label.version"), at_least=5, share=0.6, error=0.001
    )
    assert guards.mass_restart == MassRestart(share=0.4, at_least=4, per_ms=600_000)
    assert guards.max_notices == MaxNotices(count=5, per_ms=3_600_000)
    assert guards.max_quarantined == MaxQuarantined(share=0.05, at_least=2)
    assert guards.max_silenced == MaxSilenced(share=0.1, at_least=3)


def test_some_guards_can_be_off() -> None:
    loaded = of("version: 1\nguards: {panic: off, common_cause: off, mass_restart: off}\n")

    assert loaded.policy_set is not None
    guards = loaded.policy_set.guards
    assert (guards.panic, guards.common_cause, guards.mass_restart) == (None, None, None)


def test_the_set_is_named_by_guards_and_policies_alone() -> None:
    text = "version: 1\npolicies:\n  - {name: a, when: tasks[1h] > 3}\n".replace(
        "tasks[1h] > 3", "'tasks[1h] > 3'"
    )
    guards = "version: 1\nguards: {min_active: 2}\n"

    plain, commented, guarded = of(text), of("# note\n" + text), of(text, guards)

    assert plain.policy_set is not None
    assert commented.policy_set is not None
    assert guarded.policy_set is not None
    assert plain.policy_set.hash == commented.policy_set.hash
    assert plain.policy_set.hash != guarded.policy_set.hash
    assert commented.policy_set.texts == (("1.yaml", "# note\n" + text),)


def test_needs_are_every_measure_once_with_its_filter() -> None:
    loaded = of(
        "version: 1\n"
        "policies:\n"
        "  - name: a\n"
        "    when: tasks[1h] > 3 and success_rate[50 tasks] < 70% and tasks[60m] < 9\n"
        "    clear_when: heartbeat_age < 9s\n"
        "  - name: b\n"
        "    when: tasks[1h] > 5\n"
        "    faults: [agent, tool]\n"
        "  - name: c\n"
        "    mode: off\n"
        "    when: cost[1h] > $5\n"
    )

    assert loaded.policy_set is not None
    hour = Window(WindowKind.TIME, 3_600_000)
    assert needs(loaded.policy_set) == [
        Need("tasks", hour),
        Need("success_rate", Window(WindowKind.TASKS, 50)),
        Need("heartbeat_age", None),
        Need("tasks", hour, Filter(frozenset({Fault.AGENT, Fault.TOOL}))),
    ]


def test_needs_of_evidence_are_its_measures_and_what_must_be_kept_up_for_decay() -> None:
    policy = one(
        "    scope: lineage\n    clear_when: outlier(score[7d]) < 1 and lower(success_rate[1d]) > 50%\n",
        when="'decayed(success, from=85%, to=60%) or proven(success < 70%, error=1%)"
        " or expected_ratio[7d] < peers(expected_ratio[1d])'",
    )
    week, day = (Window(WindowKind.TIME, days * 86_400_000) for days in (7, 1))

    assert needs(PolicySet(policies=(policy,), guards=Guards(), hash="")) == [
        Need("expected_ratio", week),
        Need("expected_ratio", day),
        Need("decayed", parameters=(0.85, 0.6), scope=Scope.LINEAGE),
        Need("score", week),
        Need("success_rate", day),
    ]


def test_evidence_of_decay_counts_the_outcomes_its_policy_does() -> None:
    policy_set = of(
        HEAD
        + "  - {name: a, when: 'decayed(success, from=85%, to=60%)', faults: [agent, tool]}\n"
    ).policy_set

    assert policy_set is not None
    assert needs(policy_set) == [
        Need(
            "decayed",
            outcomes=Filter(frozenset({Fault.AGENT, Fault.TOOL})),
            parameters=(0.85, 0.6),
        )
    ]


CASE = """\
tests:
  - name: told
    agents: [{agent: worker}]
    expect: nothing
"""


@pytest.mark.parametrize("beside", ["", "sort: x\n"], ids=["good", "refused"])
def test_tests_are_of_the_policies_of_their_own_file(beside: str) -> None:
    own = HEAD + "  - {name: a, when: age > 1d}\n" + CASE + beside

    loaded = of(own, HEAD + "  - {name: b, when: age > 1d}\n")

    [case] = loaded.cases
    assert case.policies == ("a",)


def test_tests_of_a_file_without_policies_are_of_all() -> None:
    [case] = of(FIRES, "version: 1\n" + CASE).cases

    assert case.policies == ("fires",)


def test_a_directory_is_read_in_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", ".hidden.yaml", "note.txt"):
        (tmp_path / name).write_text("version: 1\n", encoding="utf-8")
    (tmp_path / "c.yaml").mkdir()

    sources = read_sources(tmp_path)

    assert [Path(source.file).name for source in sources] == ["a.yml", "b.yaml"]


def test_a_single_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "any.name"
    file.write_bytes(b"\xef\xbb\xbfversion: 1\npolicies: [{name: a, when: age > 1h}]\n")

    loaded = load(read_sources(file))

    assert loaded.policy_set is not None


@pytest.mark.parametrize("missing", ["nowhere", "nowhere/policies.yaml"])
def test_a_path_without_policies_is_refused_by_name(tmp_path: Path, missing: str) -> None:
    with pytest.raises(Invalid, match="nowhere"):
        read_sources(tmp_path / missing)


def test_an_empty_directory_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"no \*.yaml file"):
        read_sources(tmp_path)


def misspelt(count: int) -> str:
    return "version: 1\n" + "".join(f"key{number}: x\n" for number in range(count))


def test_of_too_many_errors_the_last_says_how_many_are_not_listed() -> None:
    loaded = of(misspelt(199), misspelt(5))

    assert len(loaded.problems) == 201
    assert loaded.problems[-1].as_json() == {
        "file": "2.yaml",
        "line": 1,
        "column": 1,
        "severity": "error",
        "message": "4 problems more, not listed",
        "hint": "put these right first",
        "excerpt": "",
        "keyPath": "",
    }


def warned(first: int, count: int) -> str:
    """Policies that can never match."""
    return "".join(
        f"  - {{name: p{number}, when: 'tasks[1h] < 0'}}\n"
        for number in range(first, first + count)
    )


def test_too_many_warnings_are_no_error() -> None:
    text = HEAD + "".join(
        f"  - {{name: p{number}, when: 'tasks[1h] < 0'}}\n" for number in range(199)
    )

    loaded = of(text + "  - {name: last, when: 'tasks[1h] < 0', percent: 0%}\n")

    assert loaded.policy_set is not None
    assert loaded.problems[-1].message == "1 problem more, not listed"
    assert loaded.problems[-1].severity is Severity.WARNING


def test_beyond_any_number_of_warnings_every_policy_is_read() -> None:
    fatal = "  - {name: fatal, when: age > 1h, action: fire, reason: dumb}\n"

    loaded = of(HEAD + warned(0, 205), HEAD + warned(205, 1) + fatal)

    assert loaded.policy_set is not None
    assert len(loaded.policy_set.policies) == 207


@pytest.mark.parametrize(
    "broken",
    [
        "  - {name: last, when: 'nonsense > 3'}\n",
        "  - {name: p0, when: age > 1h}\n",
        "  - {name: last, when: age > 1h, action: fire}\n",
        "  - {name: last, when: age > 1h, reason: dumb, ladder: [fire, notify]}\n",
    ],
)
def test_beyond_any_number_of_warnings_an_error_refuses_the_set(broken: str) -> None:
    loaded = of(HEAD + warned(0, 205) + broken)

    assert loaded.policy_set is None
    assert [each.severity for each in loaded.problems].count(
        Severity.ERROR
    ) == 2  # and the last says more


@pytest.mark.parametrize("before", [200, 205])
def test_beyond_any_number_of_problems_a_test_without_a_name_is_one_more(before: int) -> None:
    nameless = "tests:\n" + "- {agents: [{agent: a}], expect: nothing}\n"

    assert of(HEAD + warned(0, before) + nameless).policy_set is None
    assert (
        of(
            "version: 1\n" + nameless + "- {agents: [{agent: a}], expect: nothing}\n" * before
        ).policy_set
        is None
    )


def test_a_problem_as_json_has_what_the_text_has() -> None:
    [problem] = of("version: 1\npolicies: [{name: a, when: age > 3}]\n").problems

    assert problem.as_json() == {
        "file": "1.yaml",
        "line": 2,
        "column": 28,
        "severity": "error",
        "message": '"age" is a duration and "3" is a plain number: they cannot be compared',
        "hint": "write 3s",
        "excerpt": "policies: [{name: a, when: age > 3}]",
        "keyPath": "policies[0].when",
    }


def test_control_characters_never_reach_a_terminal() -> None:
    loaded = of('version: 1\npolicies: [{name: "\\e[31mred", when: age > 1h}]\n')

    assert all(problem.render().replace("\n", "").isprintable() for problem in loaded.problems)


DAMAGE = (
    r"""- |: |[|]|{|}|'|"|>|#|  |&a |*a |!!x |~(a+)+|name|when|match:|guards:|999999999999999999999999""",
    "\n|\t|\x00|\ud800|\ufeff|\x85|\u2028|…",
)
pieces = st.sampled_from("|".join(DAMAGE).split("|"))


@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(FULL)), st.integers(0, 30), pieces), min_size=1, max_size=6
    )
)
def test_no_damage_to_a_file_does_worse_than_be_refused_with_a_place(
    edits: list[tuple[int, int, str]],
) -> None:
    text = FULL
    for at, length, piece in edits:
        text = text[:at] + piece + text[at + length :]

    loaded = of(text)

    assert (loaded.policy_set is None) == any(problem.is_error for problem in loaded.problems)
    for problem in loaded.problems:
        assert 1 <= problem.line <= len(re.split("\r\n|[\r\n\x85\u2028\u2029]", text))
        assert 0 <= problem.caret <= len(problem.excerpt)
        assert problem.render()


@given(data=st.binary(max_size=400))
def test_no_bytes_do_worse_than_be_refused(data: bytes) -> None:
    loaded = of(data.decode("utf-8", "surrogateescape"))

    assert (loaded.policy_set is None) == any(problem.is_error for problem in loaded.problems)
