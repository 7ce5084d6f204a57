"""Mutants: what mutmut would change in one module, as text, each with the function it is in.

mutmut finds what to change and how; its trampolines are not used, since code is swapped in a forked process
instead (`trying`). That lets properties and cached functions be mutated too, which mutmut leaves alone.
Left alone as it does: what runs at import (constants, fields, decorators), annotations, docstrings, arguments of
`len` and `isinstance`.
"""

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
from libcst.metadata import CodePosition, CodeRange, MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import get_ignored_lines


@dataclass(frozen=True, slots=True)
class Mutant:
    """One function, changed in one place."""

    module: str
    """Path below the package: `judge/kleene.py`."""

    function: str
    """Its qualified name, of the outermost function."""

    first_line: int
    """Of the function, decorators left out."""

    lines: tuple[int, int]
    """Of what was changed, in the file."""

    statement: tuple[int, int]
    """Of the statement that holds it."""

    source: str
    """Of the whole function, changed."""

    was: str
    """Hash of the function unchanged."""

    change: str
    """The lines that differ, on one line: for people, and for the list of survivors."""

    @property
    def key(self) -> str:
        """The same as long as function and change are."""
        digest = hashlib.sha256(
            f"{self.module}\0{self.function}\0{self.was}\0{self.source}".encode()
        )
        return digest.hexdigest()[:20]

    @property
    def name(self) -> str:
        """What the list of survivors calls it."""
        return f"{self.module} {self.function}: {self.change}"


def mutants_of(path: Path, module: str) -> list[Mutant]:
    """All of one file, in its order."""
    text = path.read_text()
    wrapper = MetadataWrapper(cst.parse_module(text))
    visitor = _Visitor(mutation_operators, get_ignored_lines(str(path), text, wrapper))
    wrapper.visit(visitor)
    positions = wrapper.resolve(PositionProvider)
    names = _qualified_names(wrapper.module)
    statements = _statements(text)
    lines = text.splitlines(keepends=True)
    made, seen = [], set()
    for mutation in visitor.mutations:
        function = mutation.contained_by_top_level_function
        if not isinstance(function, cst.FunctionDef):
            continue
        span, body = positions[mutation.original_node], positions[function]
        if span.start.line < body.start.line:
            continue
        source = _changed(
            lines, mutation.original_node, mutation.mutated_node, span=span, body=body
        )
        original = "".join(lines[body.start.line - 1 : body.end.line])
        if source in (None, original) or (names[function], source) in seen:
            continue
        seen.add((names[function], source))
        made.append(
            Mutant(
                module=module,
                function=names[function],
                first_line=body.start.line,
                lines=(span.start.line, span.end.line),
                statement=_innermost(statements, span.start.line),
                source=source,
                was=hashlib.sha256(original.encode()).hexdigest()[:16],
                change=_change(original, source),
            )
        )
    return made


class _Visitor(MutationVisitor):
    """mutmut's, but it goes into decorated functions: nothing is decorated twice when code is swapped."""

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        return not isinstance(node, cst.FunctionDef) and super()._skip_node_and_children(node)


def _changed(
    lines: list[str],
    original: cst.CSTNode,
    mutated: cst.CSTNode,
    *,
    span: CodeRange,
    body: CodeRange,
) -> str | None:
    """The function's lines with the new text put in the old one's place; nothing where that is no Python."""
    new = cst.Module([]).code_for_node(mutated)
    if isinstance(
        original, cst.BaseCompoundStatement
    ):  # comes with its own lines and indentation
        new = _indented(original, new, by=span.start.column)
    before = _text(lines, CodePosition(body.start.line, 0), span.start)
    last = lines[body.end.line - 1]
    after = _text(lines, span.end, CodePosition(body.end.line, len(last)))
    source = before + new + after
    try:
        ast.parse("class _:\n" + source if source[0] == " " else source)
    except SyntaxError:
        return None
    return source


def _indented(original: cst.BaseCompoundStatement, new: str, *, by: int) -> str:
    first = next(
        line for line in new.splitlines() if line.strip() and not line.strip().startswith("#")
    )
    kept = new[new.index(first) :].rstrip("\n").split("\n")
    return "\n".join(
        [kept[0], *((" " * by + line if line.strip() else line) for line in kept[1:])]
    )


def _text(lines: list[str], start: CodePosition, end: CodePosition) -> str:
    if start.line == end.line:
        return lines[start.line - 1][start.column : end.column]
    between = lines[start.line : end.line - 1]
    return "".join(
        [lines[start.line - 1][start.column :], *between, lines[end.line - 1][: end.column]]
    )


def _change(original: str, changed: str) -> str:
    """`- old + new` of the lines that differ."""
    old, new = original.splitlines(), changed.splitlines()
    while old and new and old[0] == new[0]:
        old, new = old[1:], new[1:]
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return (
        f"- {' '.join(line.strip() for line in old)} + {' '.join(line.strip() for line in new)}"
    )


def _qualified_names(module: cst.Module) -> dict[cst.FunctionDef, str]:
    names = {}
    for node in module.body:
        if isinstance(node, cst.FunctionDef):
            names[node] = node.name.value
        elif isinstance(node, cst.ClassDef):
            names |= {
                child: f"{node.name.value}.{child.name.value}"
                for child in node.body.body
                if isinstance(child, cst.FunctionDef)
            }
    return names


def _statements(text: str) -> list[tuple[int, int]]:
    """Lines of every statement; of a compound one its header alone."""
    return list(_spans(ast.parse(text)))


def _spans(tree: ast.Module) -> Iterator[tuple[int, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            inner = getattr(node, "body", None) or getattr(node, "cases", None)
            first = (
                getattr(inner[0], "lineno", None) or inner[0].pattern.lineno if inner else None
            )
            yield (
                node.lineno,
                max(node.lineno, first - 1) if first else node.end_lineno or node.lineno,
            )


def _innermost(statements: list[tuple[int, int]], line: int) -> tuple[int, int]:
    around = [span for span in statements if span[0] <= line <= span[1]]
    return min(around, key=lambda span: span[1] - span[0], default=(line, line))
