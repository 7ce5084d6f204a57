"""The tool that looks for gaps in the tests finds one, and only one, where there is one."""

from collections.abc import Callable
from pathlib import Path
from types import FunctionType

import pytest
from tests.mutation.making import Mutant, mutants_of
from tests.mutation.results import Results
from tests.mutation.survivors import explained, unexplained, written
from tests.mutation.trying import SOURCE, Bench, Choice, Job

MODULE = '''"""A module."""
from functools import cache

LIMIT = 3


def is_large(number, *, least=5):
    """Says what it does."""
    return number >= least


class Pair:
    """Two."""

    def __init__(self, one, other):
        self.one = one
        self.other = other

    @property
    def sum(self):
        return self.one + self.other
'''


@pytest.fixture
def mutants(tmp_path: Path) -> list[Mutant]:
    path = tmp_path / "sample.py"
    path.write_text(MODULE)
    return mutants_of(path, "sample.py")


def job(mutant: Mutant) -> Job:
    return Job(
        key=mutant.key,
        module=mutant.module,
        function=mutant.function,
        first_line=mutant.first_line,
        source=mutant.source,
        tests=Choice((), 0.0),
    )


def live() -> dict[str, FunctionType]:
    names: dict[str, object] = {}
    exec(compile(MODULE, f"{SOURCE}/sample.py", "exec"), names)
    pair = names["Pair"]
    functions: list[FunctionType] = [names["is_large"], pair.__init__, pair.sum.fget]  # type: ignore[list-item, attr-defined]
    return {function.__qualname__: function for function in functions}


def changed(mutant: Mutant, functions: dict[str, FunctionType]) -> bool:
    bench = Bench({}, {("sample.py", name): [function] for name, function in functions.items()})
    return bench.swap(job(mutant))


def test_every_function_is_changed_and_properties_too(mutants: list[Mutant]) -> None:
    assert [mutant.name for mutant in mutants] == [
        "sample.py is_large: - def is_large(number, *, least=5): + def is_large(number, *, least=6):",
        "sample.py is_large: - return number >= least + return number > least",
        "sample.py Pair.__init__: - self.one = one + self.one = None",
        "sample.py Pair.__init__: - self.other = other + self.other = None",
        "sample.py Pair.sum: - return self.one + self.other + return self.one - self.other",
    ]


@pytest.mark.parametrize(
    ("index", "asks", "before", "after"),
    [
        (0, lambda live: live["is_large"](5), True, False),
        (1, lambda live: live["is_large"](7, least=7), True, False),
    ],
    ids=["a default", "a comparison"],
)
def test_a_live_function_does_what_the_mutant_says(
    mutants: list[Mutant],
    index: int,
    asks: Callable[[dict[str, FunctionType]], object],
    before: object,
    after: object,
) -> None:
    functions = live()
    assert asks(functions) == before

    assert changed(mutants[index], functions)

    assert asks(functions) == after


def test_a_property_of_a_live_class_is_changed(mutants: list[Mutant]) -> None:
    functions = live()
    getter = functions["Pair.sum"]
    pair = type("Pair", (), {"one": 5, "other": 3})()

    assert changed(mutants[4], functions)

    assert getter(pair) == 2


def test_what_compiles_to_the_same_is_no_mutant(mutants: list[Mutant]) -> None:
    functions = live()

    assert changed(mutants[1], functions)
    assert not changed(mutants[1], functions)


def test_a_kill_is_believed_until_its_test_changes(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text("1")
    (tmp_path / "test_other.py").write_text("1")
    reaching = ["test_one.py::test_it", "test_other.py::test_it"]
    results = Results(tmp_path / "kept", tmp_path)
    results.learn("killed", "killed test_one.py::test_it", module="m.py", tests=reaching)
    results.learn("left", "survived", module="m.py", tests=reaching)
    more = [*reaching, "test_third.py::test_it"]

    again = Results.read(tmp_path / "kept", tmp_path)

    assert again.verdict("killed", module="m.py", tests=more) == "killed test_one.py::test_it"
    assert again.verdict("left", module="m.py", tests=reaching) == "survived"
    assert again.verdict("left", module="m.py", tests=more) is None
    assert again.verdict("unheard of", module="m.py", tests=reaching) is None
    richer = Results.read(tmp_path / "kept", tmp_path, budget="9")
    assert richer.verdict("killed", module="m.py", tests=reaching) is not None
    assert richer.verdict("left", module="m.py", tests=reaching) is None


def test_a_survivor_needs_a_reason(tmp_path: Path) -> None:
    reasons = {"a.py f: - 1 + 2": "Nobody can tell.", "a.py g: - 1 + 2": "Nobody can tell."}
    path = tmp_path / "list.txt"
    path.write_text(written(reasons))

    assert explained(path) == reasons
    assert unexplained(["a.py g: - 1 + 2", "a.py h: - 1 + 2"], reasons) == ["a.py h: - 1 + 2"]
