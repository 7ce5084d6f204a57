"""Every way a file can be wrong has a file named after it, and the words it is answered with beside it."""

from pathlib import Path

import pytest
from tests.policies.golden import bad_files, expected, expected_key_paths, key_paths, rendered


@pytest.mark.parametrize("file", bad_files(), ids=lambda file: file.stem)
def test_what_is_wrong_is_said_where_it_is_and_how_to_put_it_right(file: Path) -> None:
    assert rendered(file) == expected(file).read_text(encoding="utf-8")


@pytest.mark.parametrize("file", bad_files(), ids=lambda file: file.stem)
def test_a_problem_names_the_key_it_is_about(file: Path) -> None:
    assert key_paths(file) == expected_key_paths().get(file.name, [])


@pytest.mark.parametrize("file", bad_files(), ids=lambda file: file.stem)
def test_only_files_with_warnings_alone_are_loaded(file: Path) -> None:
    loads = rendered(file).endswith("\nloaded\n")

    assert loads == file.stem.startswith("warn-")


def test_no_expectation_is_left_without_its_file() -> None:
    files = {file.stem for file in bad_files()}

    assert {text.stem for text in bad_files()[0].parent.glob("*.txt")} == files
