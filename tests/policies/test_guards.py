"""`guards:` at their very bounds, and which key is named just beyond."""

from dataclasses import replace

import pytest

from pinkslip.model.policy import CommonCause, Guards, MassRestart, Panic
from pinkslip.policies.load import Source, load
from pinkslip.policies.problems import Problem


def said_of(guards: str) -> tuple[Problem, ...]:
    return load([Source("a.yaml", f"version: 1\nguards: {guards}\n")]).problems


def read(guards: str) -> Guards:
    loaded = load([Source("a.yaml", f"version: 1\nguards: {guards}\n")])
    assert loaded.policy_set is not None, [problem.render() for problem in loaded.problems]
    return loaded.policy_set.guards


FACTORS = [f"label.l{number}" for number in range(20)]


@pytest.mark.parametrize(
    ("written", "factors"),
    [
        ("model", ("model",)),
        ("[model]", ("model",)),
        (f"[{', '.join(FACTORS)}]", tuple(FACTORS)),
    ],
    ids=["alone", "one in a list", "as many as there may be"],
)
def test_common_causes_are_sought_in_one_factor_or_many(
    written: str, factors: tuple[str, ...]
) -> None:
    assert read(f"{{common_cause: {{factors: {written}}}}}").common_cause == CommonCause(
        factors=factors
    )


def test_a_factor_too_many_is_refused() -> None:
    [problem] = said_of(f"{{common_cause: {{factors: [{', '.join(FACTORS)}, model]}}}}")

    assert problem.message == "guards.common_cause.factors must name between 1 and 20 factors"


def test_chance_is_allowed_half_at_most_and_never_nothing() -> None:
    [none], [more] = (
        said_of(f"{{common_cause: {{error: {error}}}}}") for error in ("0%", "50.1%")
    )

    half = read("{common_cause: {error: 50%}}").common_cause
    assert half is not None
    assert half.error == 0.5
    assert none.message == more.message
    assert none.message == "guards.common_cause.error must be above 0% and at most 50%"


def test_a_panic_and_a_deploy_are_as_large_and_quick_as_written() -> None:
    guards = read(
        "{panic: {share: 40%, at_least: 1, per: 10m}, mass_restart: {share: 1%, at_least: 1, per: 1s}}"
    )

    assert guards.panic == Panic(share=0.4, at_least=1, per_ms=600_000)
    assert guards.mass_restart == MassRestart(share=0.01, at_least=1, per_ms=1_000)


@pytest.mark.parametrize("guard", ["panic", "mass_restart", "common_cause"])
def test_nobody_at_all_is_no_group(guard: str) -> None:
    [problem] = said_of(f"{{{guard}: {{at_least: 0}}}}")

    assert problem.message == f"guards.{guard}.at_least must be between 1 and 1000000"


def test_counts_may_be_nothing_elsewhere() -> None:
    guards = read(
        "{min_active: 0, max_fires: {count: 0}, max_quarantined: {at_least: 0}, newborn: {tasks: 0}}"
    )

    assert (guards.min_active, guards.max_fires.count) == (0, 0)
    assert (guards.max_quarantined.at_least, guards.newborn.tasks) == (0, 0)


@pytest.mark.parametrize("pool", ["weather", "label.", "labels.team"])
def test_a_pool_is_one_of_some_fields_or_a_label_with_a_name(pool: str) -> None:
    [problem] = said_of(f"{{pool: {pool}}}")

    assert problem.message == f'guards.pool cannot be "{pool}"'


def test_the_fields_to_pool_by_are_listed() -> None:
    [problem] = said_of("{pool: weather}")

    assert problem.hint == "one of role, model, host, lineage, label.<name>"


KEYS = {
    "max_fired": "share per at_least",
    "max_fires": "count per",
    "panic": "share at_least per",
    "newborn": "age tasks",
    "common_cause": "factors[0] at_least share error",
    "mass_restart": "share at_least per",
    "max_notices": "count per",
    "max_quarantined": "share at_least",
    "max_silenced": "share at_least",
}


@pytest.mark.parametrize(("guard", "keys"), KEYS.items())
def test_a_value_that_is_none_is_refused_under_its_own_key(guard: str, keys: str) -> None:
    written = ", ".join(f"{key.removesuffix('[0]')}: [[x]]" for key in keys.split())

    problems = said_of(f"{{{guard}: {{{written}, sort: x}}}}")

    paths = [f"guards.{guard}.{key}" for key in (*keys.split(), "sort")]
    assert sorted(problem.key_path for problem in problems) == sorted(paths)
    assert all(
        problem.message.startswith((problem.key_path, 'unknown key "sort"'))
        for problem in problems
    )


def test_a_pool_of_two_fields_is_refused_under_its_key() -> None:
    [problem] = said_of("{pool: [role]}")

    assert (problem.message, problem.key_path) == ("guards.pool must be a word", "guards.pool")


@pytest.mark.parametrize(("guard", "keys"), KEYS.items())
def test_only_a_guard_that_may_be_off_is_said_to(guard: str, keys: str) -> None:
    [problem] = said_of(f"{{{guard}: 5}}")

    listed = ", ".join(keys.replace("[0]", "").split())
    may_be_off = guard in ("panic", "common_cause", "mass_restart")
    assert problem.hint == (
        f"write {guard}: off, or its keys: {listed}"
        if may_be_off
        else f"give it keys: {listed}"
    )


NOBODY = ["these guards let no policy ever fire"]
EVERYBODY = ["these guards let policies fire everybody"]


@pytest.mark.parametrize(
    ("guards", "warned"),
    [
        ("{max_fires: {count: 0}}", NOBODY),
        ("{max_fires: {count: 1}}", []),
        ("{max_fired: {share: 0%, at_least: 0}}", NOBODY),
        ("{max_fired: {share: 0%, at_least: 1}}", []),
        ("{max_fired: {share: 10%, at_least: 0}}", []),
        ("{max_fired: {share: 100%, at_least: 0}}", []),
        ("{max_fired: {share: 100%}, min_active: 0}", EVERYBODY),
        ("{max_fired: {share: 100%}}", []),
        ("{max_fired: {share: 99%}, min_active: 0}", []),
    ],
)
def test_guards_are_warned_of_where_they_spare_everybody_or_nobody(
    guards: str, warned: list[str]
) -> None:
    assert [problem.message for problem in said_of(guards)] == warned


@pytest.mark.parametrize("guards", ["{pool: model}", "{pool: model, panic: off}"])
def test_guards_that_are_not_written_are_the_default_ones(guards: str) -> None:
    written = read(guards)

    assert replace(written, pool="role", panic=Guards().panic) == Guards()
