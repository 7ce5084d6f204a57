"""The way in: texts to one checked set of policies, or to all that is wrong with them at once.

A set with an error is no set: the caller keeps the one it has.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pinkslip.fleet.needs import Need
from pinkslip.model.errors import Invalid
from pinkslip.model.policy import Guards, Measured, Policy, PolicySet
from pinkslip.model.words import SEED_REASONS, Mode
from pinkslip.policies.document import SIZE_MAX, read
from pinkslip.policies.expressions import Budget
from pinkslip.policies.hashes import set_hash
from pinkslip.policies.language import parse_condition
from pinkslip.policies.problems import Problem, Severity, quoted
from pinkslip.policies.schema import Contents, measured, read_contents
from pinkslip.policies.text import Place, Report, Text
from pinkslip.policies.values import Values

__all__ = ["Loaded", "Source", "load", "needs", "parse_condition", "read_sources"]

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Source:
    """One file as read: its name for messages, and its text."""

    file: str
    text: str
    """Bytes that are not UTF-8 as lone surrogates (`surrogateescape`), so that they can be pointed at."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of the sources."""

    policy_set: PolicySet | None
    """None when any problem is an error."""
    problems: tuple[Problem, ...]
    """In the order of the files, then of their lines."""


def load(sources: Sequence[Source], *, extra_reasons: Sequence[str] = ()) -> Loaded:
    """All files as one workspace's policies. Never raises for what a file holds."""
    report = Report()
    reasons = tuple(dict.fromkeys((*SEED_REASONS, *extra_reasons)))
    budget = Budget()
    read_files = [_read(source, report, reasons, budget) for source in sources]
    _check_names(report, read_files)
    guards = _one_guards(report, read_files)
    problems = _sorted(sources, report)
    if report.has_errors:
        return Loaded(None, problems)
    policies = tuple(policy for _, contents in read_files for policy in contents.policies)
    policy_set = PolicySet(
        policies=policies,
        guards=guards,
        hash=set_hash(guards, policies),
        texts=tuple((source.file, source.text) for source in sources),
        reasons=reasons,
    )
    return Loaded(policy_set, problems)


def read_sources(path: Path) -> list[Source]:
    """A file, or every `*.yaml` and `*.yml` of a directory, sorted. Invalid when there is none to read."""
    try:
        files = [path] if not path.is_dir() else _policy_files(path)
        if not files:
            raise Invalid(f"{path}: no *.yaml file in this directory")
        return [Source(str(file), _text(file)) for file in files]
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise Invalid(
            f"{error.filename or path}: {reason.lower()}; name a policy file or a directory"
        ) from error


def needs(policy_set: PolicySet) -> list[Need]:
    """Every measure the policies read, once each; policies that are off read nothing."""
    found = {
        Need(measure.name, measure.window, policy.outcomes): None
        for policy in policy_set.policies
        if policy.mode is not Mode.OFF
        for measure in _read_by(policy)
    }
    return list(found)


def _read_by(policy: Policy) -> Iterator[Measured]:
    yield from measured(policy.when.tree)
    if policy.clear_when is not None:
        yield from measured(policy.clear_when.tree)


def _policy_files(directory: Path) -> list[Path]:
    """Hidden files are editors' and volume mounts' own."""
    return sorted(
        file
        for file in directory.iterdir()
        if file.suffix in SUFFIXES and not file.name.startswith(".") and file.is_file()
    )


def _text(file: Path) -> str:
    with file.open("rb") as opened:
        return opened.read(SIZE_MAX + 1).decode("utf-8", "surrogateescape")


def _read(
    source: Source, report: Report, reasons: tuple[str, ...], budget: Budget
) -> tuple[Text, Contents]:
    text = Text(source.file, source.text)
    root = read(text, report)
    if root is None:
        return text, Contents()
    return text, read_contents(Values(text, report), root, reasons=reasons, budget=budget)


def _check_names(report: Report, files: list[tuple[Text, Contents]]) -> None:
    first: dict[str, str] = {}
    for text, contents in files:
        for name, node, path in contents.names:
            where = f"{text.file}:{node.place.line + 1}"
            if name in first:
                report.add(
                    text,
                    node.place,
                    f"the name {quoted(name)} is already taken in {first[name]}",
                    hint="give one of them another name",
                    key_path=path,
                )
            first.setdefault(name, where)


def _one_guards(report: Report, files: list[tuple[Text, Contents]]) -> Guards:
    given = [(text, contents) for text, contents in files if contents.guards_node is not None]
    for text, contents in given[1:]:
        assert contents.guards_node is not None
        first_text, first = given[0]
        assert first.guards_node is not None
        where = f"{first_text.file}:{first.guards_node.place.line + 1}"
        report.add(
            text,
            contents.guards_node.place,
            f"guards are given a second time, here and in {where}",
            hint="keep one of them: guards hold for the whole workspace",
            key_path="guards",
        )
    return (given[0][1].guards if given else None) or Guards()


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
            f"{report.unlisted} more problems are not listed",
            hint="put these right first",
            severity=Severity.ERROR if report.has_errors else Severity.WARNING,
            key_path="",
        )
        problems.append(rest)
    return tuple(problems)
