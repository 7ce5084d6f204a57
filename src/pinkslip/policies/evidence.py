"""The evidence functions as they are written: `proven(success < 70%, error=1%)` and its kin.

They do not take values as `min` does, but a claim about success or a measure, and named arguments. What each
takes stands in `SIGNATURES`; every way to get it wrong is answered with the text that would be right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Protocol

from lark import Token, Tree

from pinkslip.fleet.catalogue import MEASURES
from pinkslip.model.policy import Call, Expression, Measured, Span, Unit
from pinkslip.policies.grammar import span_of
from pinkslip.policies.problems import did_you_mean, quoted
from pinkslip.policies.quantities import BadQuantity, parse_quantity, written_quantity
from pinkslip.policies.trees import measured

SUCCESS = "success"
"""What a claim is about: the outcomes of every task since the evidence began, not a rate over a window."""

_Syntax = Tree[Token] | Token
_Subject = tuple[tuple[Measured, ...], tuple[tuple[str, float], ...]]
"""The measures a call is about, and the target of its claim."""


class Subject(Enum):
    """What stands before the named arguments, by an example."""

    BELOW = "success < 70%"
    SUCCESS = "success"
    RATE = "success_rate[7d]"
    MEASURE = "cost_per_success[7d]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One named argument. Its value lies strictly above `above`, and below `below` or at most `most`."""

    name: str
    unit: Unit
    example: float
    above: float = 0.0
    below: float | None = None
    most: float | None = None
    default: float | None = None
    """None: it must be written."""

    def written(self, value: float | None = None) -> str:
        """`error=1%`."""
        return f"{self.name}={written_quantity(self.example if value is None else value, self.unit)}"

    def admits(self, value: float) -> bool:
        """Whether `value` lies within the bounds."""
        within = self.below is None or value < self.below
        return self.above < value and within and (self.most is None or value <= self.most)

    @property
    def said(self) -> str:
        """Its name in a sentence; the target has none where it is written."""
        return "the target" if self is TARGET else self.name

    @property
    def bounds(self) -> str:
        """As a message says them."""
        low = f"above {written_quantity(self.above, self.unit)}"
        if self.below is not None:
            return f"{low} and below {written_quantity(self.below, self.unit)}"
        assert self.most is not None
        return f"{low} and at most {written_quantity(self.most, self.unit)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What one function takes and gives."""

    subject: Subject
    named: tuple[Named, ...] = ()
    is_choice: bool = False
    """Exactly one of `named` is given."""
    unit: Unit | None
    """None: the measure's own."""
    is_advanced: bool = False

    def example(self, function: str, subject: str | None = None) -> str:
        """A call that is right."""
        shown = self.named[:1] if self.is_choice else self.named
        parts = [subject or self.subject.value, *(named.written() for named in shown)]
        return f"{function}({', '.join(parts)})"


TARGET = Named(name="target", unit=Unit.RATIO, example=0.7, below=1.0)
"""The share in `success < 70%`. At 100% the first failure of anybody would be proof, at 0% nothing."""

_CONFIDENCE = Named(
    name="confidence", unit=Unit.RATIO, example=0.95, above=0.5, below=1.0, default=0.95
)

SIGNATURES: Mapping[str, Signature] = MappingProxyType(
    {
        "proven": Signature(
            subject=Subject.BELOW,
            named=(
                Named(name="error", unit=Unit.RATIO, example=0.01, most=0.5),
                Named(name="fdr", unit=Unit.RATIO, example=0.05, most=0.5),
            ),
            is_choice=True,
            unit=Unit.TRUTH,
        ),
        "decayed": Signature(
            subject=Subject.SUCCESS,
            named=(
                Named(name="from", unit=Unit.RATIO, example=0.85, below=1.0),
                Named(name="to", unit=Unit.RATIO, example=0.6, below=1.0),
                Named(name="limit", unit=Unit.NUMBER, example=9.0, most=1000.0, default=9.0),
            ),
            unit=Unit.TRUTH,
        ),
        "upper": Signature(subject=Subject.RATE, named=(_CONFIDENCE,), unit=Unit.RATIO),
        "lower": Signature(subject=Subject.RATE, named=(_CONFIDENCE,), unit=Unit.RATIO),
        "posterior": Signature(subject=Subject.BELOW, unit=Unit.RATIO, is_advanced=True),
        "peers": Signature(subject=Subject.MEASURE, unit=None),
        "outlier": Signature(subject=Subject.MEASURE, unit=Unit.NUMBER, is_advanced=True),
    }
)
"""Every evidence function by its name, in the order the docs show them."""

QUANTILES = {"duration_p50": "duration_mean", "duration_p95": "duration_mean"}
"""Measures worked out agent by agent, which no comparison with all the others can afford; and what to take."""


class Compiler(Protocol):
    """What is asked of the walk over the rest of the expression."""

    @property
    def text(self) -> str: ...
    def refuse(self, span: Span, message: str, hint: str = "") -> None: ...
    def expression(self, node: _Syntax) -> Expression | None: ...


def read_call(compiler: Compiler, node: "Tree[Token]") -> Call | None:
    """The call of an evidence function; None when something in it was refused."""
    return _Reader(compiler, str(node.children[0]), node).call()


class _Reader:
    """Reads one call. Every method answers None when it has reported what is wrong."""

    def __init__(self, compiler: Compiler, function: str, node: "Tree[Token]") -> None:
        self._compiler = compiler
        self._function = function
        self._signature = SIGNATURES[function]
        self._span = span_of(node)
        written: list[_Syntax | None] = list(node.children[1:])  # one None for ()
        given = [child for child in written if child is not None]
        self._named = [child for child in given if _is_named(child)]
        self._plain = [child for child in given if not _is_named(child)]

    def call(self) -> Call | None:
        if not self._plain:
            self._refuse(self._span, f"{self._function} is not told what it is about")
            return None
        subject = self._subject()
        named = self._arguments()
        if subject is None or named is None or not self._order(named):
            return None
        measures, target = subject
        unit = self._signature.unit or measures[0].unit
        return Call(self._function, measures, (*target, *named), unit, self._span)

    # what it is about

    def _subject(self) -> _Subject | None:
        first, *more = self._plain
        for extra in more:
            self._refuse_plain(extra)
        subject = self._read_subject(first)
        return subject if not more else None

    def _read_subject(self, node: _Syntax) -> _Subject | None:
        match self._signature.subject:
            case Subject.BELOW:
                target = self._claim(node)
                return None if target is None else ((), (("target", target),))
            case Subject.SUCCESS:
                return ((), ()) if self._is_success(node) else None
            case Subject.RATE | Subject.MEASURE:
                measure = self._measure(node)
                return None if measure is None else ((measure,), ())

    def _refuse_plain(self, node: _Syntax) -> None:
        """A value without a name: say which name it may have been meant for."""
        shown = self._text(node)
        if not self._signature.named:
            self._refuse(span_of(node), f"{self._function} takes nothing more")
            return
        hints = [f"{named.name}={shown}" for named in self._signature.named]
        self._compiler.refuse(
            span_of(node),
            f"{quoted(shown)} has no name: {self._function} takes its other arguments by name",
            f"write {' or '.join(hints[: 2 if self._signature.is_choice else 1])}",
        )

    def _claim(self, node: _Syntax) -> float | None:
        """The share in `success < 70%`."""
        if not isinstance(node, Tree) or node.data != "comparison" or len(node.children) != 3:
            if self._names_success(node):
                self._refuse(span_of(node), "success is compared with no share")
            else:
                self._refuse(span_of(node), f"{self._function} takes a claim about success")
            return None
        left, operator, right = node.children
        if self._names_success(right) and not self._names_success(left):
            self._refuse_turned(node, left)
            return None
        if not self._is_success(left):
            return None
        share = self._share(right, TARGET, f"{SUCCESS} < ")
        if share is not None and str(operator) != "<":
            self._refuse_direction(node, str(operator), share)
            return None
        return share

    def _refuse_turned(self, node: "Tree[Token]", share: _Syntax) -> None:
        self._compiler.refuse(
            span_of(node),
            f"{self._function} reads the comparison from success on",
            f"write {self._function}(success < {self._text(share)}{self._rest()})",
        )

    def _refuse_direction(self, node: "Tree[Token]", operator: str, share: float) -> None:
        right = f"success < {written_quantity(share, Unit.RATIO)}"
        shows = "weighs" if self._function == "posterior" else "shows"
        message = f"{self._function} {shows} that success is below a share"
        if operator in (">", ">="):
            message += ": evidence that an agent is good enough fires nobody"
        else:
            message += f", which is written with <, not {operator}"
        self._compiler.refuse(
            span_of(node), message, f"write {self._function}({right}{self._rest()})"
        )

    def _is_success(self, node: _Syntax) -> bool:
        """Whether `node` is the bare word; refused when it is not."""
        if self._names_success(node):
            window = node.children[1] if isinstance(node, Tree) else None
            if window is None:
                return True
            self._refuse(
                span_of(window),
                f"success has no window: {self._function} counts every task since the evidence began",
            )
            return False
        shown = quoted(self._text(node))
        if self._name(node) in ("success_rate", "successes", "failures", "score", "tasks"):
            message = (
                f"{self._function} counts every task since the evidence began and reads"
                f" success, not {shown}"
            )
        else:
            message = f"{self._function} reads success, not {shown}"
        self._refuse(span_of(node), message)
        return False

    def _measure(self, node: _Syntax) -> Measured | None:
        if self._names_success(node) or (isinstance(node, Tree) and node.data == "comparison"):
            self._refuse(span_of(node), f"{self._function} takes a measure")
            return None
        compiled = self._compiler.expression(node)
        if compiled is None:
            return None
        if not isinstance(compiled, Measured):
            self._refuse(
                compiled.span,
                f"{self._function} takes one measure, not {quoted(self._text(node))}",
                next((each.key for each in measured(compiled)), None),
            )
            return None
        if self._signature.subject is Subject.RATE and compiled.name != "success_rate":
            self._refuse(
                compiled.span,
                f"{self._function} bounds success_rate alone, which is successes over tasks",
            )
            return None
        if compiled.name in QUANTILES:
            self._compiler.refuse(
                compiled.span,
                f"{self._function} cannot compare {compiled.name}: it is worked out agent by agent",
                f"write {self._function}({QUANTILES[compiled.name]}{compiled.window})",
            )
            return None
        if self._function == "outlier" and not MEASURES[compiled.name].worse:
            self._compiler.refuse(
                compiled.span,
                f"neither more nor less of {compiled.name} is worse: nobody is an outlier in it",
                "take a measure that says how well an agent works, or compare it with peers(…)",
            )
            return None
        return compiled

    # named arguments

    def _arguments(self) -> tuple[tuple[str, float], ...] | None:
        known = {named.name: named for named in self._signature.named}
        values: dict[str, float] = {}
        is_good = True
        for node in self._named:
            assert isinstance(node, Tree)
            name = str(node.children[0])
            if name not in known:
                is_good = self._refuse_named(node, name)
            elif name in values:
                self._compiler.refuse(span_of(node), f"{name} is given twice", "remove one")
                is_good = False
            else:
                value = self._share(node.children[1], known[name], f"{name}=")
                is_good = is_good and value is not None
                values[name] = known[name].example if value is None else value
        return self._complete(values) if is_good else None

    def _refuse_named(self, node: "Tree[Token]", name: str) -> bool:
        known = [named.name for named in self._signature.named]
        guess = did_you_mean(name, known)
        self._compiler.refuse(
            span_of(node.children[0]),
            f"{self._function} has no argument {quoted(name)}",
            guess or f"write {self._signature.example(self._function)}",
        )
        return False

    def _complete(self, values: dict[str, float]) -> tuple[tuple[str, float], ...] | None:
        """The values with the defaults of those not written."""
        if self._signature.is_choice:
            return self._chosen(values)
        missing = [
            named
            for named in self._signature.named
            if named.name not in values and named.default is None
        ]
        if missing:
            self._refuse_missing(" and ".join(named.name for named in missing))
            return None
        return tuple(
            (named.name, values.get(named.name, named.default or 0.0))
            for named in self._signature.named
        )

    def _chosen(self, values: dict[str, float]) -> tuple[tuple[str, float], ...] | None:
        names = [named.name for named in self._signature.named]
        if len(values) > 1:
            self._compiler.refuse(
                self._span,
                f"{self._function} takes {' or '.join(names)}, not both",
                "error is for each agent by itself; fdr is over the whole fleet",
            )
            return None
        if not values:
            self._refuse_missing(names[0])
            return None
        return tuple(values.items())

    def _refuse_missing(self, names: str) -> None:
        if len(self._plain) > 1:  # said already: the value is there, without its name
            return
        self._refuse(self._span, f"{self._function} is not told its {names}")

    def _order(self, named: tuple[tuple[str, float], ...]) -> bool:
        """Decay goes down."""
        values = dict(named)
        if self._function != "decayed" or values["from"] > values["to"]:
            return True
        low, high = sorted((values["from"], values["to"]))
        hint = f"write from={written_quantity(high, Unit.RATIO)}, to={written_quantity(low, Unit.RATIO)}"
        same = low == high
        self._compiler.refuse(
            self._span,
            "from and to are the same" if same else "to is above from: that is no decay",
            "give to the rate that is no longer good enough" if same else hint,
        )
        return False

    def _share(self, node: _Syntax, named: Named, before: str) -> float | None:
        """A literal within the bounds of `named`."""
        if not isinstance(node, Tree) or node.data != "quantity":
            self._compiler.refuse(
                span_of(node),
                f"{quoted(self._text(node))} is not written out: evidence is asked at a fixed value",
                f"write {before}{written_quantity(named.example, named.unit)}",
            )
            return None
        try:
            value, unit = parse_quantity(str(node.children[0]))
        except BadQuantity as error:
            self._compiler.refuse(span_of(node), str(error), error.hint)
            return None
        if unit is not named.unit:
            self._refuse_unit(node, named, before, value, unit)
            return None
        if not named.admits(value):
            self._compiler.refuse(
                span_of(node),
                f"{named.said} must be {named.bounds}",
                f"write for example {before}{written_quantity(named.example, named.unit)}",
            )
            return None
        return value

    def _refuse_unit(
        self, node: _Syntax, named: Named, before: str, value: float, unit: Unit
    ) -> None:
        shown = written_quantity(named.example, named.unit)
        if named.unit is Unit.RATIO and unit is Unit.NUMBER:
            percent = value if value >= 1 else round(value * 100, 9)
            if named.admits(percent / 100):
                shown = f"{percent:g}%"
        sort = "a share" if named.unit is Unit.RATIO else "a plain number"
        self._compiler.refuse(
            span_of(node),
            f"{named.said} must be {sort}, not {quoted(self._text(node))}",
            f"write {before}{shown}",
        )

    # words

    def _refuse(self, span: Span, message: str, subject: str | None = None) -> None:
        """With a whole call that is right as the hint."""
        shown = self._signature.example(self._function, subject)
        self._compiler.refuse(span, message, f"write {shown}")

    def _rest(self) -> str:
        """The named arguments as they were written."""
        return "".join(f", {self._text(node)}" for node in self._named)

    def _text(self, node: _Syntax) -> str:
        span = span_of(node)
        return self._compiler.text[span.start : span.end]

    @staticmethod
    def _name(node: _Syntax) -> str:
        if isinstance(node, Tree) and node.data == "measure":
            return str(node.children[0])
        return ""

    def _names_success(self, node: _Syntax) -> bool:
        return self._name(node) == SUCCESS


def _is_named(node: _Syntax) -> bool:
    return isinstance(node, Tree) and node.data == "named"


def written_call(call: Call, arguments: list[str]) -> str:
    """The call as text; `arguments` are its measures as text."""
    signature = SIGNATURES[call.function]
    values = dict(call.named)
    parts = list(arguments)
    if signature.subject is Subject.BELOW:
        parts.append(f"{SUCCESS} < {written_quantity(values['target'], Unit.RATIO)}")
    if signature.subject is Subject.SUCCESS:
        parts.append(SUCCESS)
    parts += [
        named.written(values[named.name]) for named in signature.named if named.name in values
    ]
    return f"{call.function}({', '.join(parts)})"
