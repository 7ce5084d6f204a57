"""How the exposition formats spell things: label values, numbers, family headers.

Numbers read as prometheus-client (and Go) write them: `3.0`, `1.5e+06`, `NaN`. The vector functions take whole
columns and give one text per value, newline included, ready to be joined behind a line's labels.
"""

import math
import re
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.snapshot import Integers
from pinkslip.metrics.catalogue import Kind, Series

Texts = NDArray[np.object_]

_SURROGATE = re.compile("[\ud800-\udfff]")
_SPECIAL = re.compile('[\\\\\n"\ud800-\udfff]')

SMALL = 4096
_COUNTS: Texts = np.array([f"{count}.0\n" for count in range(SMALL)], dtype=object)
_MILLISECONDS: Texts = np.array(
    [f".{f'{ms:03d}'.rstrip('0') or '0'}\n" for ms in range(1000)], dtype=object
)
_EPOCH_MILLISECONDS: Texts = np.array(
    [f"{f'{ms:03d}'.rstrip('0')}e+09\n" for ms in range(1000)], dtype=object
)
_PLAIN_DIGITS = 6
"""With more digits before the point, Go writes an exponent."""
_PLAIN_END = 10**_PLAIN_DIGITS
_EXACT_END = 10**15
"""Up to here a float's shortest text is the integer's own digits."""


class Exposition(StrEnum):
    """What a page can be written in. The two text formats differ only for names we do not use."""

    TEXT_0_0_4 = "text 0.0.4"
    TEXT_1_0_0 = "text 1.0.0"
    OPENMETRICS_1_0_0 = "OpenMetrics 1.0.0"

    @property
    def is_openmetrics(self) -> bool:
        return self is Exposition.OPENMETRICS_1_0_0


def valid(text: str) -> str:
    """`text` as UTF-8 can carry it: half a surrogate pair becomes U+FFFD."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def label_value(text: str | None) -> str:
    """A value as it stands between the quotes; None is the empty value, which means no label."""
    if text is None:
        return ""
    if _SPECIAL.search(text) is None:
        return text
    return valid(text).replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def label_set(labels: dict[str, str]) -> str:
    """`{a="1",b="2"}` in the alphabet's order, or nothing."""
    if not labels:
        return ""
    inside = ",".join(f'{name}="{label_value(labels[name])}"' for name in sorted(labels))
    return f"{{{inside}}}"


def header(series: Series, *, openmetrics: bool) -> str:
    """The HELP, TYPE and, in OpenMetrics, UNIT lines of a family."""
    if openmetrics:
        words = series.help.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
        unit = f"# UNIT {series.family} {series.unit}\n" if series.unit else ""
        return f"# HELP {series.family} {words}\n# TYPE {series.family} {series.kind}\n{unit}"
    words = series.help.replace("\\", "\\\\").replace("\n", "\\n")
    kind = Kind.GAUGE if series.kind is Kind.INFO else series.kind
    return f"# HELP {series.name} {words}\n# TYPE {series.name} {kind}\n"


def number(value: float) -> str:
    """One value as every format writes it: Go's shortest, which takes to exponents sooner than Python."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    digits = repr(float(value))
    point = digits.find(".")
    if value <= 0 or point <= _PLAIN_DIGITS:
        return digits
    mantissa = f"{digits[0]}.{digits[1:point]}{digits[point + 1 :]}".rstrip("0").rstrip(".")
    return f"{mantissa}e+{point - 1:02d}"


def counts(values: Integers) -> Texts:
    """Integers, as the floats they are on the wire."""
    if values.size == 0 or (int(values.min()) >= 0 and int(values.max()) < SMALL):
        return _COUNTS[values]
    return _objects([_count(value) for value in values.tolist()])


def seconds(values: Integers) -> Texts:
    """Spans in ms, written in seconds."""
    whole, rest = np.divmod(values, 1000)
    if values.size and not 0 <= int(values.min()) <= int(values.max()) < _PLAIN_END * 1000:
        return _objects([f"{number(value / 1000)}\n" for value in values.tolist()])
    fractions = _MILLISECONDS.tolist()
    pairs = zip(whole.tolist(), rest.tolist(), strict=True)
    return _objects([f"{second}{fractions[ms]}" for second, ms in pairs])


def instants(values: Integers) -> Texts:
    """Times in ms since 1970, written in seconds: many agents share few seconds, so those are spelled once."""
    whole, rest = np.divmod(values, 1000)
    if values.size and not 10**9 <= int(whole.min()) <= int(whole.max()) < 10**10:
        return _objects([f"{number(value / 1000)}\n" for value in values.tolist()])
    distinct, place = np.unique(whole, return_inverse=True)
    digits = [str(second) for second in distinct.tolist()]
    spelled = _objects([f"{digit[0]}.{digit[1:]}" for digit in digits])
    texts: Texts = spelled[place] + _EPOCH_MILLISECONDS[rest]
    round_ones = np.flatnonzero(rest == 0)
    texts[round_ones] = [f"{number(float(value))}\n" for value in whole[round_ones].tolist()]
    return texts


def millionths(values: Integers) -> Texts:
    """Micro-dollars or scores x 1e6, written in whole units."""
    return floats(values / 1e6)


def floats(values: NDArray[np.float64]) -> Texts:
    """Any numbers, NaN and the infinities included; what many agents share is spelled once."""
    bits, place = np.unique(values.view(np.int64), return_inverse=True)
    distinct = bits.view(np.float64).tolist()
    shared: Texts = _objects([f"{number(value)}\n" for value in distinct])[place]
    return shared


def _count(value: int) -> str:
    if 0 <= value < _PLAIN_END:
        return f"{value}.0\n"
    if _PLAIN_END <= value < _EXACT_END:
        digits = str(value)
        fraction = digits[1:].rstrip("0")
        point = "." if fraction else ""
        return f"{digits[0]}{point}{fraction}e+{len(digits) - 1:02d}\n"
    return f"{number(value)}\n"


def _objects(texts: list[str]) -> Texts:
    return np.array(texts, dtype=object)
