"""The way in: texts to one checked set of policies, or to all that is wrong with them at once.

A set with an error is no set: the caller keeps the one it has.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pinkslip.fleet.needs import Need
from pinkslip.judge.guards.envelope import limit_of
from pinkslip.judge.phrases import counted
from pinkslip.model.policy import Expression, Guards, Policy, PolicySet
from pinkslip.model.words import SEED_DISPLAY, SEED_REASONS, Mode
from pinkslip.policies.advice import Advice
from pinkslip.policies.case_reader import read_cases
from pinkslip.policies.cases import Case
from pinkslip.policies.document import read
from pinkslip.policies.entries import EntryReader
from pinkslip.policies.expressions import Budget
from pinkslip.policies.hashes import set_hash
from pinkslip.policies.known import Known
from pinkslip.policies.language import parse_condition
from pinkslip.policies.problems import Problem, Severity, quoted
from pinkslip.policies.schema import Contents, read_contents
from pinkslip.policies.sources import Source, read_sources
from pinkslip.policies.text import Place, Report, Text
from pinkslip.policies.trees import calls, conditions, measured
from pinkslip.policies.values import Values

__all__ = ["Known", "Loaded", "Source", "load", "needs", "parse_condition", "read_sources"]

POOLS_NOTED_AT_MOST = 20

Reasons = Sequence[str] | Mapping[str, str]
"""An operator's own reasons, by name; in a mapping with how each is shown."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of the sources."""

    policy_set: PolicySet | None
    """None when any problem is an error."""
    problems: tuple[Problem, ...]
    """In the order of the files, then of their lines."""
    cases: tuple[Case, ...] = ()
    """The `tests:` of all files, as far as they can be used."""


@dataclass(frozen=True, slots=True)
class _File:
    values: Values
    contents: Contents

    @property
    def names(self) -> list[str]:
        """Of its policies, also of those that cannot be used."""
        return [named.name for named in self.contents.names]


def load(
    sources: Sequence[Source], *, extra_reasons: Reasons = (), known: Known | None = None
) -> Loaded:
    """All files as one workspace's policies. Never raises for what a file holds.

    `known`: a fleet as it was seen, to warn of policies that can find nobody in it.
    """
    report = Report()
    displays = _displays(extra_reasons)
    reasons, budget, advice = tuple(displays), Budget(), Advice(known)
    files = [_read(source, report, reasons, budget, advice) for source in sources]
    _check_names(report, files)
    _check_extends(report, files)
    guards = _one_guards(report, files)
    cases = _cases(files)
    if known is not None and not report.has_errors:
        _note_pools(report, files, guards, known)
    problems = _sorted(sources, report)
    if report.has_errors:
        return Loaded(None, problems, cases)
    policies = tuple(policy for file in files for policy in file.contents.policies)
    policy_set = PolicySet(
        policies=policies,
        guards=guards,
        hash=set_hash(guards, policies),
        texts=tuple((source.file, source.text) for source in sources),
        reasons=reasons,
        displays=tuple(displays.items()),
    )
    return Loaded(policy_set, problems, cases)


def needs(policy_set: PolicySet) -> list[Need]:
    """Everything the policies ask the fleet to keep up, once each; policies that are off ask nothing."""
    found = {
        need: None
        for policy in policy_set.policies
        if policy.mode is not Mode.OFF
        for tree in conditions(policy)
        for need in _needs_of(policy, tree)
    }
    return list(found)


def _needs_of(policy: Policy, tree: Expression) -> Iterator[Need]:
    for each in measured(tree):
        yield Need(each.name, each.window, policy.outcomes)
    for call in calls(tree, "decayed"):
        named = dict(call.named)
        yield Need(
            "decayed",
            outcomes=policy.outcomes,
            parameters=(named["from"], named["to"]),
            scope=policy.scope,
        )


def _displays(extra: Reasons) -> dict[str, str]:
    """Every reason a fire may give, with how it is shown: the seed's first."""
    own = extra if isinstance(extra, Mapping) else {name: _shown(name) for name in extra}
    return {**{name: SEED_DISPLAY[name] for name in SEED_REASONS}, **own}


def _shown(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")


def _read(
    source: Source, report: Report, reasons: tuple[str, ...], budget: Budget, advice: Advice
) -> _File:
    values = Values(Text(source.file, source.text), report)
    root = read(values.text, report)
    if root is None:
        return _File(values, Contents())
    reader = EntryReader(values, reasons, budget)
    return _File(values, read_contents(values, root, reader=reader, advice=advice))


def _cases(files: list[_File]) -> tuple[Case, ...]:
    everything = [name for file in files for name in file.names]
    return tuple(
        case
        for file in files
        if file.contents.tests_node is not None
        for case in read_cases(
            file.values, file.contents.tests_node, policies=everything, own=file.names
        )
    )


def _check_names(report: Report, files: list[_File]) -> None:
    first: dict[str, str] = {}
    for file in files:
        for named in file.contents.names:
            where = f"{file.values.text.file}:{named.node.place.line + 1}"
            if named.name in first:
                report.add(
                    file.values.text,
                    named.node.place,
                    f"the name {quoted(named.name)} is already taken in {first[named.name]}",
                    hint="give one of them another name",
                    key_path=named.path,
                )
            first.setdefault(named.name, where)


def _check_extends(report: Report, files: list[_File]) -> None:
    given = [file for file in files if file.contents.extends_node is not None]
    for file in given[1:]:
        node, first = file.contents.extends_node, given[0]
        assert node is not None
        assert first.contents.extends_node is not None
        where = f"{first.values.text.file}:{first.contents.extends_node.place.line + 1}"
        report.add(
            file.values.text,
            node.place,
            f"a set is extended a second time, here and in {where}",
            hint="keep one of them, with all patches in its file",
            key_path="extends",
        )


def _one_guards(report: Report, files: list[_File]) -> Guards:
    given = [file for file in files if file.contents.guards_node is not None]
    for file in given[1:]:
        node, first = file.contents.guards_node, given[0]
        assert node is not None
        assert first.contents.guards_node is not None
        where = f"{first.values.text.file}:{first.contents.guards_node.place.line + 1}"
        report.add(
            file.values.text,
            node.place,
            f"guards are given a second time, here and in {where}",
            hint="keep one of them: guards hold for the whole workspace",
            key_path="guards",
        )
    extended = [file.contents.guards for file in files if file.contents.base is not None]
    return next((guards for file in given if (guards := file.contents.guards)), None) or next(
        (guards for guards in extended if guards), Guards()
    )


def _note_pools(report: Report, files: list[_File], guards: Guards, known: Known) -> None:
    """How many each pool may lose, where it can be told of the fleet as it is."""
    policies = [policy for file in files for policy in file.contents.policies]
    may_fire = any(policy.may_fire and policy.mode is not Mode.OFF for policy in policies)
    if not may_fire or known.pool_label != guards.pool:
        return
    given = [file for file in files if file.contents.guards_node is not None]
    file = given[0] if given else files[0]
    node = file.contents.guards_node
    for pool, agents in sorted(known.pools.items())[:POOLS_NOTED_AT_MOST]:
        spoken = f"pool {pool}" if pool else f"the pool of agents without a {guards.pool}"
        limit = limit_of(pool, spoken=spoken, agents=agents, guards=guards)
        report.add(
            file.values.text,
            Place(0, 0) if node is None else node.place,
            limit.words,
            severity=Severity.NOTE,
            key_path="guards",
        )


def _sorted(sources: Sequence[Source], report: Report) -> tuple[Problem, ...]:
    order = {source.file: index for index, source in enumerate(reversed(sources))}
    problems = sorted(
        report.problems,
        key=lambda problem: (-order[problem.file], problem.line, problem.column),
    )
    if report.unlisted:
        last = problems[-1]
        rest = Text(last.file, "").problem(
            Place(0, 0),
            f"{counted(report.unlisted, 'problem')} more, not listed",
            hint="put these right first",
            severity=Severity.ERROR if report.has_errors else Severity.WARNING,
            key_path="",
        )
        problems.append(rest)
    return tuple(problems)
