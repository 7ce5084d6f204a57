"""The condition language: text to a compiled `Condition`, with everything wrong said at once.

The grammar gives a syntax tree; here names are looked up, windows and units checked, and the nodes of
`model.policy` built. A part that is wrong is reported once and stays silent above.
"""

from functools import lru_cache

from lark import Token, Tree

from pinkslip.fleet.catalogue import MeasureKind
from pinkslip.model.policy import (
    Arithmetic,
    Call,
    Comparison,
    Condition,
    Constant,
    Expression,
    Logic,
    Measured,
    Negative,
    Not,
    Span,
    Unit,
    Window,
    WindowKind,
)
from pinkslip.model.time import DAY_MS, SECOND_MS
from pinkslip.policies import evidence, floors, grammar, ranges, units, vocabulary
from pinkslip.policies.printing import written
from pinkslip.policies.problems import (
    ExpressionError,
    Finding,
    Severity,
    did_you_mean,
    quoted,
)
from pinkslip.policies.quantities import BadQuantity, parse_quantity, parse_span_ms
from pinkslip.policies.vocabulary import FIELDS

WINDOW_MS_MIN = SECOND_MS
WINDOW_MS_MAX = 30 * DAY_MS
WINDOW_TASKS_MAX = 10_000
_FINDINGS_MAX = 50

_NO_WORDS = (
    "a condition has no words in quotes",
    "status, role and other words are matched by `match`",
)

_Syntax = Tree[Token] | Token


@lru_cache(maxsize=512)
def compile_condition(
    text: str, *, acts: bool = True
) -> tuple[Condition | None, tuple[Finding, ...]]:
    """The compiled condition, or None with the errors that prevent it; warnings come with either.

    `acts`: something is done to an agent because it holds, so `outlier` needs a floor beside it. Remembered,
    since a reload finds most conditions as they were.
    """
    try:
        tree = grammar.parse(text)
    except ExpressionError as error:
        return None, error.findings
    compiler = _Compiler(text)
    compiled = compiler.condition(tree)
    if compiled is None:
        return None, tuple(compiler.findings)
    if acts and (bare := floors.findings(compiled)):
        return None, tuple(bare)
    return Condition(text, compiled), tuple(ranges.findings(compiled))


def parse_condition(text: str) -> Condition:
    """The compiled condition; ExpressionError with every error and its span."""
    condition, findings = compile_condition(text)
    if condition is None:
        raise ExpressionError(text, findings)
    return condition


class _Compiler:
    """One walk over one syntax tree. Every method answers None when it has reported an error."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.findings: list[Finding] = []

    def condition(self, tree: _Syntax) -> Expression | None:
        compiled = self._truth(tree)
        return compiled if not self.findings else None

    def refuse(self, span: Span, message: str, hint: str = "") -> None:
        """Note an error."""
        if len(self.findings) < _FINDINGS_MAX:
            self.findings.append(Finding(span, message, hint, Severity.ERROR))

    def _shown(self, node: Expression) -> str:
        return quoted(self.text[node.span.start : node.span.end])

    # conditions

    def _truth(self, node: _Syntax) -> Expression | None:
        """A node that must be true, false or unknown."""
        compiled = self.expression(node)
        if compiled is None or compiled.unit is Unit.TRUTH:
            return compiled
        self.refuse(
            compiled.span,
            f"{self._shown(compiled)} is {units.ARTICLED[compiled.unit]} where a condition is needed",
            f"compare it, for example {_example(compiled)}",
        )
        return None

    def expression(self, node: _Syntax) -> Expression | None:
        """A node of any unit."""
        assert isinstance(node, Tree)
        match node.data:
            case "disjunction":
                return self._logic("or", node)
            case "conjunction":
                return self._logic("and", node)
            case "inverted":
                operand = self._truth(node.children[0])
                return None if operand is None else Not(operand, grammar.span_of(node))
            case "comparison":
                return self._comparison(node)
            case "sum" | "product":
                return self._arithmetic(node)
            case "negative":
                return self._negative(node)
            case "quantity":
                return self._quantity(node)
            case "measure":
                return self._measure(node)
            case "call":
                return self._call(node)
            case "named":
                name = quoted(str(node.children[0]))
                message = f"{name} is an argument of no function here"
                self.refuse(grammar.span_of(node), message, "write == to compare")
                return None
            case _:
                self.refuse(grammar.span_of(node), *_NO_WORDS)
                return None

    def _logic(self, operator: str, node: "Tree[Token]") -> Expression | None:
        operands = [self._truth(child) for child in node.children]
        known = tuple(operand for operand in operands if operand is not None)
        return (
            Logic(operator, known, grammar.span_of(node))
            if len(known) == len(operands)
            else None
        )

    def _comparison(self, node: "Tree[Token]") -> Expression | None:
        sides = [self.expression(child) for child in node.children[::2]]
        operators = [str(child) for child in node.children[1::2]]
        if len(operators) > 1:
            self._refuse_chain(node, operators)
            return None
        left, right = sides
        if left is None or right is None:
            return None
        if not units.are_alike(left, right):
            self._refuse_unlike(left, right, "compared", grammar.span_of(node))
            return None
        return Comparison(operators[0], left, right, grammar.span_of(node))

    def _refuse_chain(self, node: "Tree[Token]", operators: list[str]) -> None:
        spans = [grammar.span_of(child) for child in node.children[::2]]
        texts = [self.text[span.start : span.end] for span in spans]
        pairs = zip(texts, operators, texts[1:], strict=False)
        hint = " and ".join(f"{left} {operator} {right}" for left, operator, right in pairs)
        self.refuse(
            grammar.span_of(node),
            "comparisons cannot be chained",
            f"write {hint}" if len(hint) <= 200 else "join them with and",
        )

    # numbers

    def _arithmetic(self, node: "Tree[Token]") -> Expression | None:
        left = self.expression(node.children[0])
        start = grammar.span_of(node).start
        for sign, child in zip(node.children[1::2], node.children[2::2], strict=True):
            right = self.expression(child)
            span = Span(start, grammar.end_of(child))
            left = self._combined(str(sign), left, right, span)
        return left

    def _combined(
        self, operator: str, left: Expression | None, right: Expression | None, span: Span
    ) -> Expression | None:
        if left is None or right is None:
            return None
        if operator in ("+", "-"):
            if not units.are_alike(left, right):
                verb = "added" if operator == "+" else "subtracted"
                self._refuse_unlike(left, right, verb, span)
                return None
            return Arithmetic(operator, left, right, units.common(left, right), span)
        unit = units.product(left, right) if operator == "*" else units.quotient(left, right)
        if unit is None:
            verb = "multiplied by" if operator == "*" else "divided by"
            self.refuse(
                span,
                f"{units.ARTICLED[left.unit]} cannot be {verb} {units.ARTICLED[right.unit]}:"
                f" {self._shown(left)}, {self._shown(right)}",
            )
            return None
        return Arithmetic(operator, left, right, unit, span)

    def _negative(self, node: "Tree[Token]") -> Expression | None:
        operand = self.expression(node.children[-1])
        if operand is None:
            return None
        if operand.unit is Unit.TRUTH:
            self.refuse(operand.span, "a condition has no negative", "write not")
            return None
        return Negative(operand, operand.unit, grammar.span_of(node))

    def _quantity(self, node: "Tree[Token]") -> Expression | None:
        span = grammar.span_of(node)
        try:
            value, unit = parse_quantity(str(node.children[0]))
        except BadQuantity as error:
            self.refuse(span, str(error), error.hint)
            return None
        return Constant(value, unit, span)

    def _refuse_unlike(
        self, left: Expression, right: Expression, verb: str, span: Span
    ) -> None:
        message = (
            f"{self._shown(left)} is {units.ARTICLED[left.unit]} and {self._shown(right)} is"
            f" {units.ARTICLED[right.unit]}: they cannot be {verb}"
        )
        hint = _unit_hint(left, right) or _unit_hint(right, left)
        if Unit.TRUTH in (left.unit, right.unit):
            hint = "join conditions with and, or"
        self.refuse(span, message, hint)

    # names

    def _measure(self, node: "Tree[Token]") -> Expression | None:
        name = str(node.children[0])
        window_node: object = node.children[1]  # None where no window was written
        span, name_span = grammar.span_of(node), grammar.span_of(node.children[0])
        if vocabulary.is_later(name):
            self.refuse(name_span, f"{quoted(name)} {vocabulary.NOT_BUILT}")
            return None
        kind = vocabulary.measure(name)
        if kind is None:
            self._refuse_name(name, name_span, "measure", vocabulary.measures())
            return None
        if window_node is None:
            return self._unwindowed(kind, span)
        assert isinstance(window_node, Tree)
        window = self._window(window_node)
        if not kind.windowed:
            self.refuse(
                grammar.span_of(window_node), f"{quoted(name)} has no window", f"write {name}"
            )
            return None
        return None if window is None else Measured(name, window, kind.unit, span)

    def _unwindowed(self, kind: MeasureKind, span: Span) -> Expression | None:
        if kind.windowed:
            self.refuse(
                span,
                f"{quoted(kind.name)} needs a window",
                f"write {kind.name}[1h] or {kind.name}[50 tasks]",
            )
            return None
        return Measured(kind.name, None, kind.unit, span)

    def _window(self, node: "Tree[Token]") -> Window | None:
        words = [str(child) for child in node.children]
        span = grammar.span_of(node)
        if len(words) == 2 and words[1] in ("task", "tasks") and words[0].isdigit():
            return self._task_window(words[0], span)
        if len(words) != 1:
            self.refuse(span, "not a window", "write for example [1h] or [50 tasks]")
            return None
        try:
            length = parse_span_ms(words[0])
        except BadQuantity as error:
            hint = (
                f"write [{words[0]} tasks] or [{words[0]}s]"
                if words[0].isdigit()
                else error.hint
            )
            self.refuse(span, str(error), hint or "write for example [1h] or [50 tasks]")
            return None
        if not WINDOW_MS_MIN <= length <= WINDOW_MS_MAX:
            self.refuse(span, "a window is between 1s and 30d long")
            return None
        return Window(WindowKind.TIME, length)

    def _task_window(self, digits: str, span: Span) -> Window | None:
        if len(digits) > len(str(WINDOW_TASKS_MAX)) or not 1 <= int(digits) <= WINDOW_TASKS_MAX:
            self.refuse(span, f"a window holds between 1 and {WINDOW_TASKS_MAX} tasks")
            return None
        return Window(WindowKind.TASKS, int(digits))

    def _call(self, node: "Tree[Token]") -> Expression | None:
        name, span = str(node.children[0]), grammar.span_of(node)
        name_span = grammar.span_of(node.children[0])
        if vocabulary.is_later(name):
            self.refuse(name_span, f"{quoted(name)} {vocabulary.NOT_BUILT}")
            return None
        if name not in vocabulary.FUNCTIONS:
            if vocabulary.measure(name) is not None:
                self.refuse(
                    name_span, f"{quoted(name)} is a measure, not a function", f"write {name}"
                )
            else:
                self._refuse_name(name, name_span, "function", list(vocabulary.FUNCTIONS))
            return None
        if name in evidence.SIGNATURES:
            return evidence.read_call(self, node)
        written: list[_Syntax | None] = list(node.children[1:])  # one None for ()
        arguments = [self.expression(child) for child in written if child is not None]
        known = tuple(argument for argument in arguments if argument is not None)
        if len(known) < len(arguments) or not self._fits(name, known, span):
            return None
        unit = known[0].unit
        for argument in known[1:]:
            unit = unit if unit is argument.unit else Unit.RATIO
        return Call(name, known, (), unit, span)

    def _fits(self, name: str, arguments: tuple[Expression, ...], span: Span) -> bool:
        if name == "abs" and len(arguments) != 1:
            self.refuse(span, f"abs takes one value, here are {len(arguments)}")
            return False
        if name != "abs" and len(arguments) < 2:
            self.refuse(span, f"{name} takes two values or more, here are {len(arguments)}")
            return False
        for argument in arguments:
            if argument.unit is Unit.TRUTH:
                self.refuse(argument.span, f"{name} takes values, not conditions")
                return False
            if not units.are_alike(arguments[0], argument):
                self._refuse_unlike(arguments[0], argument, f"given to one {name}", span)
                return False
        return True

    def _refuse_name(self, name: str, span: Span, sort: str, known: list[str]) -> None:
        guesses = len(self.findings) < 10
        other = vocabulary.FUNCTIONS if sort == "measure" else vocabulary.measures()
        if name in other:
            known_call = evidence.SIGNATURES.get(name)
            shown = f"{name}(…)" if known_call is None else known_call.example(name)
            self.refuse(span, f"{quoted(name)} is a function", f"write {shown}")
            return
        hint = did_you_mean(name, known) if guesses else ""
        if name == evidence.SUCCESS:
            hint = "write success_rate[1h]; success stands inside proven, decayed and posterior"
        if name in FIELDS:
            hint = f"write match: {{{name}: …}} beside when"
        self.refuse(span, f"there is no {sort} {quoted(name)}", hint)


def _unit_hint(valued: Expression, bare: Expression) -> str:
    """What to write for a plain number that stands against something with a unit."""
    if not isinstance(bare, Constant) or bare.unit is not Unit.NUMBER:
        return ""
    number = f"{bare.value:g}"
    match valued.unit:
        case Unit.RATIO:
            return f"write {bare.value if bare.value > 1 else bare.value * 100:g}%"
        case Unit.SECONDS:
            return f"write {number}s"
        case Unit.DOLLARS:
            return f"write ${number}"
        case Unit.NUMBER | Unit.TRUTH:
            return ""


def _example(tree: Expression) -> str:
    limit = {
        Unit.SECONDS: "> 90s",
        Unit.RATIO: "< 70%",
        Unit.DOLLARS: "> $5",
        Unit.NUMBER: ">= 20",
        Unit.TRUTH: "",
    }[tree.unit]
    if isinstance(tree, Call) and tree.function == "posterior":
        return f"{written(tree)} > 99%"
    if isinstance(tree, Measured | Call):
        return f"{written(tree)} {limit}"
    return "success_rate[1h] < 70%"
