"""The policies in force, and what became of the newest attempt to load others. All or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from pinkslip.model.errors import Invalid
from pinkslip.model.policy import PolicySet
from pinkslip.model.words import Mode
from pinkslip.policies.known import Known
from pinkslip.policies.load import Loaded, Source, load, read_sources
from pinkslip.policies.packaged import packaged_sources
from pinkslip.policies.problems import Problem, Severity

log = structlog.get_logger(__name__)
PACKAGED = "the packaged default pack"


class BadPolicies(Invalid):
    """The set cannot be used; `problems` says everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        errors = sum(problem.is_error for problem in problems)
        super().__init__(f"{errors} error{'s' if errors != 1 else ''} in the policies")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPolicies:
    """A usable set with where it came from."""

    policy_set: PolicySet
    places: tuple[str, ...]
    problems: tuple[Problem, ...]
    """Warnings."""

    @property
    def enforcing(self) -> int:
        """How many may act."""
        return sum(policy.mode is Mode.ENFORCE for policy in self.policy_set.policies)


def load_policies(paths: Sequence[Path], *, reasons: Mapping[str, str]) -> LoadedPolicies:
    """Read and check everything under `paths`, or the packaged default pack. BadPolicies, or Invalid for a path."""
    sources = _sources(paths)
    loaded = load(sources, extra_reasons=reasons)
    if loaded.policy_set is None:
        raise BadPolicies(loaded.problems)
    return LoadedPolicies(
        policy_set=loaded.policy_set,
        places=tuple(str(path) for path in paths) or (PACKAGED,),
        problems=loaded.problems,
    )


def check_texts(
    texts: Sequence[tuple[str, str]], *, reasons: Mapping[str, str], known: Known | None = None
) -> Loaded:
    """What loading (file, text) pairs would give, and what could never match the fleet that is `known`."""
    sources = [Source(file, text) for file, text in texts]
    return load(sources, extra_reasons=reasons, known=known)


def as_problem(error: Invalid, *, file: str) -> Problem:
    """A path that cannot be read, told like every other problem."""
    return Problem(file=file, line=1, column=1, severity=Severity.ERROR, message=str(error))


def _sources(paths: Sequence[Path]) -> list[Source]:
    if not paths:
        return packaged_sources()
    sources = [source for path in paths for source in read_sources(path)]
    if not sources:
        raise Invalid(
            f"no policy files under {', '.join(map(str, paths))}; put a .yaml file there"
        )
    return sources
