"""Files to a usable set, or everything that is wrong with them: all or nothing."""

from pathlib import Path

import pytest

from pinkslip.app.policy_files import (
    PACKAGED,
    BadPolicies,
    as_problem,
    check_texts,
    load_policies,
)
from pinkslip.model.errors import Invalid

POLICY = (
    "version: 1\npolicies:\n  - {name: %s, when: 'tasks[1h] > 1', action: notify, mode: %s}\n"
)


def test_without_paths_the_packaged_pack_is_loaded_all_in_shadow() -> None:
    loaded = load_policies((), reasons=())

    assert loaded.places == (PACKAGED,)
    assert len(loaded.policy_set.policies) == 5
    assert loaded.enforcing == 0


def test_files_and_directories_make_one_set(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(POLICY % ("one", "enforce"))
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "two.yml").write_text(POLICY % ("two", "shadow"))

    loaded = load_policies((tmp_path / "one.yaml", tmp_path / "more"), reasons=())

    assert [policy.name for policy in loaded.policy_set.policies] == ["one", "two"]
    assert loaded.enforcing == 1
    assert loaded.places == (str(tmp_path / "one.yaml"), str(tmp_path / "more"))


@pytest.mark.parametrize(("count", "said"), [(1, "1 error in"), (2, "2 errors in")])
def test_one_bad_file_is_enough_and_every_error_is_told(
    tmp_path: Path, count: int, said: str
) -> None:
    (tmp_path / "good.yaml").write_text(POLICY % ("good", "enforce"))
    for number in range(count):
        (tmp_path / f"bad{number}.yaml").write_text(POLICY % (f"bad-{number}", "sometimes"))

    with pytest.raises(BadPolicies, match=said) as refused:
        load_policies((tmp_path,), reasons=())

    assert [Path(problem.file).name for problem in refused.value.problems] == [
        f"bad{number}.yaml" for number in range(count)
    ]


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_nothing_to_load_names_the_path(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(Invalid, match=name) as refused:
        load_policies((tmp_path / name,), reasons=())

    assert not isinstance(refused.value, BadPolicies)


def test_texts_are_checked_as_files_are() -> None:
    good = check_texts([("a.yaml", POLICY % ("a", "shadow"))], reasons=())
    bad = check_texts([("a.yaml", "version: 9")], reasons=())

    assert good.policy_set is not None
    assert bad.policy_set is None
    assert bad.problems[0].file == "a.yaml"


def test_a_path_that_cannot_be_read_is_told_like_every_other_problem() -> None:
    problem = as_problem(Invalid("nowhere: no such file"), file="pinkslip.yaml")

    assert problem.is_error
    assert problem.render() == "pinkslip.yaml:1:1: error: nowhere: no such file"
