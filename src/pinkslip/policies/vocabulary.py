"""The words the language and the files know, and those that are known but belong to later versions."""

from pinkslip.fleet.catalogue import MEASURES, MeasureKind
from pinkslip.policies.evidence import SIGNATURES

FIELDS = ("agent", "name", "role", "model", "host", "status", "standing", "lineage")
"""What `match` reads, besides label.<name>."""

FUNCTIONS = ("min", "max", "abs", *SIGNATURES)
"""Of values, and of evidence."""

LATER = frozenset({"alert"})
"""Functions that a later version brings: refused by name."""

NOT_BUILT = "is known, but not built in this version"


def measure(name: str) -> MeasureKind | None:
    """The measure of that name."""
    return MEASURES.get(name)


def is_later(name: str) -> bool:
    """Whether `name` is a function that a later version brings."""
    return name in LATER


def measures() -> list[str]:
    """Every measure."""
    return list(MEASURES)
