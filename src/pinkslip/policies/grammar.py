"""The grammar of conditions: an LALR table built once, and syntax errors turned into findings.

What the grammar lets through and the compiler then refuses, it lets through so that the refusal can say
what to write instead: chained comparisons, windows on anything, named arguments, quoted text.
"""

from collections.abc import Container
from functools import cache

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from pinkslip.model.policy import Span
from pinkslip.policies.problems import ExpressionError, Finding, quoted

LENGTH_MAX = 4_096
NESTING_MAX = 50
"""Parentheses within parentheses."""
DEPTH_MAX = 100
"""Operations within operations: whoever walks the tree may recurse."""

_GRAMMAR = r"""
?start: disjunction
?disjunction: conjunction (_OR conjunction)*
?conjunction: negation (_AND negation)*
?negation: comparison | _NOT negation -> inverted
?comparison: sum (COMPARE sum)*
?sum: product ((PLUS | MINUS) product)*
?product: factor ((TIMES | OVER) factor)*
?factor: atom | MINUS factor -> negative
?atom: QUANTITY -> quantity
     | TEXT -> text
     | NAME [window] -> measure
     | NAME "(" [argument ("," argument)*] ")" -> call
     | "(" disjunction ")"
window: "[" (QUANTITY | NAME)* "]"
?argument: disjunction | NAME "=" disjunction -> named

_OR: "or"
_AND: "and"
_NOT: "not"
COMPARE: "<=" | ">=" | "==" | "!=" | "<" | ">"
PLUS: "+"
MINUS: "-"
TIMES: "*"
OVER: "/"
NAME: /[A-Za-z_][A-Za-z0-9_]*/
QUANTITY: /\$?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[A-Za-z0-9_.]*(?:[ \t]*%)?/
TEXT: /"[^"\n]*"/ | /'[^'\n]*'/
%ignore /[ \t\r\n]+/
"""

_INSTEAD = {
    "&&": "write and", "||": "write or", "&": "write and", "|": "write or", "!": "write not",
    "=>": "write >=", "=<": "write <=", "<>": "write !=", "=": "write == to compare",
    "%": "write a share as 70%", "^": "there are no powers; multiply", "**": "there are no powers; multiply",
    "{": "use ( and )", "}": "use ( and )", "$": "write an amount as $5",
    ".": "labels and fields are matched by `match`, not in a condition",
    "~": "patterns are matched by `match`, not in a condition",
    "AND": "write and", "OR": "write or", "NOT": "write not",
}  # fmt: skip

_OPERANDS = ("NAME", "QUANTITY", "LPAR", "TEXT")


def parse(text: str) -> "Tree[Token]":
    """The syntax tree of a condition, bounded in depth. ExpressionError when there is none."""
    _guard_length(text)
    _guard_nesting(text)
    try:
        tree = _parser().parse(text)
    except UnexpectedCharacters as error:
        at: int = error.pos_in_stream  # type: ignore[assignment]  # declared None, always set
        raise _unexpected(text, at, text[at]) from None
    except UnexpectedToken as error:
        raise _misplaced(text, error) from None
    _guard_depth(text, tree)
    return tree


def span_of(node: "Tree[Token] | Token") -> Span:
    """Where a node stands in the text."""
    if isinstance(node, Token):
        return Span(node.start_pos or 0, node.end_pos or 0)
    return Span(node.meta.start_pos, node.meta.end_pos)


def end_of(node: "Tree[Token] | Token") -> int:
    """Where a node ends in the text, with the parentheses around it."""
    if isinstance(node, Token):
        return span_of(node).end
    end: int = node.meta.container_end_pos  # type: ignore[attr-defined]  # lark sets it where it propagates positions
    return end


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", propagate_positions=True, maybe_placeholders=True)


def _guard_length(text: str) -> None:
    if not text.strip():
        raise ExpressionError(
            text,
            [
                Finding(
                    Span(0, 1),
                    "the condition is empty",
                    "write for example heartbeat_age > 90s",
                )
            ],
        )
    if len(text) > LENGTH_MAX:
        raise ExpressionError(
            text,
            [
                Finding(
                    Span(LENGTH_MAX, LENGTH_MAX + 1),
                    f"the condition has {len(text)} characters; at most {LENGTH_MAX} are read",
                    "split it into several policies",
                )
            ],
        )


def _guard_nesting(text: str) -> None:
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth > NESTING_MAX:
            raise ExpressionError(
                text,
                [Finding(Span(at, at + 1), f"nested deeper than {NESTING_MAX} parentheses")],
            )


def _guard_depth(text: str, tree: "Tree[Token]") -> None:
    """Long sums lean to the left when folded, so each of their terms is a level."""
    waiting: list[tuple[Tree[Token] | Token | None, int]] = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        if not isinstance(node, Tree):
            continue
        if node.data in ("sum", "product"):
            depth += len(node.children) // 2
        if depth > DEPTH_MAX:
            finding = Finding(
                span_of(node),
                f"more than {DEPTH_MAX} operations within one another",
                "split it into several policies",
            )
            raise ExpressionError(text, [finding])
        waiting.extend((child, depth + 1) for child in node.children)


def _unexpected(text: str, at: int, found: str) -> ExpressionError:
    pair = text[at : at + 2]
    token = pair if pair in _INSTEAD else found
    message = f"{quoted(token)} is not part of the language"
    if found in "\"'":
        message = "the quote is not closed"
    return ExpressionError(
        text, [Finding(Span(at, at + len(token)), message, _INSTEAD.get(token, ""))]
    )


def _misplaced(text: str, error: UnexpectedToken) -> ExpressionError:
    token = error.token
    ends = token.type == "$END"
    at = max(len(text.rstrip()) - 1, 0) if ends else token.start_pos or 0
    before = text[: at + 1] if ends else text[:at]
    wanted = _wanted(before, error.expected)
    if ends:
        finding = Finding(Span(at, at + 1), f"the condition ends where {wanted} is expected")
        return ExpressionError(text, [finding])
    if text[at : at + 2] in _INSTEAD:
        return _unexpected(text, at, text[at : at + 2])
    hint = _INSTEAD.get(str(token), "")
    if not hint and token.type in _OPERANDS and "QUANTITY" not in error.expected:
        hint = "put <, and, or, + or another operator between the two"
    message = f"{quoted(str(token))} where {wanted} is expected"
    return ExpressionError(text, [Finding(Span(at, at + len(token)), message, hint)])


def _wanted(before: str, expected: Container[str]) -> str:
    if "RSQB" in expected:
        return '"]"'
    if "QUANTITY" in expected:
        return "a value"
    is_open = before.count("(") > before.count(")")
    return 'an operator or ")"' if is_open else "an operator or the end"
