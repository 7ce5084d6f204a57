"""The tests that mutants are tried with: fast ones, with few and always the same random examples.

A plugin of pytest. Laws look at a handful of examples here, always the same, and do not shrink what they find: a
mutant is to be noticed, not explained. Tests that take long, start processes or measure time are left out.
"""

import os
import warnings
from collections.abc import Iterator

import pytest
from _pytest.tmpdir import tmppath_result_key
from hypothesis import HealthCheck, Phase, settings

ROOMS = ("judge", "policies")
FOLDERS = ("tests/judge", "tests/policies", "tests/replay")
EXAMPLES_AT_MOST = int(os.environ.get("PINKSLIP_TEST_MUTATION_EXAMPLES", "8"))
LEFT_OUT = (
    "tests/policies/test_hostile.py",  # measures time
    "test_a_wheel_finds_the_packs_inside_itself",  # builds one
)
TELLING = "tests/judge/test_stories.py"
"""Looks at all that the judge says: tried before what is merely quick."""
HURRIED = settings(
    max_examples=EXAMPLES_AT_MOST,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=tuple(HealthCheck),
    report_multiple_bugs=False,
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow ones out, and hurry the laws."""
    left_out = [item for item in items if any(part in item.nodeid for part in LEFT_OUT)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    for law in _laws(items):
        stated = law._hypothesis_internal_use_settings  # type: ignore[attr-defined]
        law._hypothesis_internal_use_settings = settings(  # type: ignore[attr-defined]
            HURRIED, max_examples=min(stated.max_examples, EXAMPLES_AT_MOST)
        )


def fails(item: pytest.Item) -> bool:
    """Run one test as bare as it can be: nothing captured, nothing explained; warnings are errors."""
    setup = item.session._setupstate
    item.stash[tmppath_result_key] = {
        "setup": True,
        "call": True,
    }  # asked when its files are removed
    has_failed = False
    for step in (lambda: setup.setup(item), item.runtest, lambda: setup.teardown_exact(None)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                step()
        except pytest.skip.Exception:
            continue
        except BaseException:  # noqa: BLE001 - whatever else a test raises, it fails
            has_failed = True
    return has_failed


def _laws(items: list[pytest.Item]) -> Iterator[object]:
    seen = set()
    for item in items:
        law = getattr(item, "obj", None)
        law = getattr(law, "__func__", law)
        if getattr(law, "is_hypothesis_test", False) and id(law) not in seen:
            seen.add(id(law))
            yield law
