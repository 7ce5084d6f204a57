"""The words the language and the files know, and those that are known but belong to later versions."""

from pinkslip.fleet.catalogue import MEASURES, MeasureKind
from pinkslip.policies.evidence import SIGNATURES

FIELDS = ("agent", "name", "role", "model", "host", "status", "standing", "lineage")
"""What `match` reads, besides label.<name>."""

FUNCTIONS = ("min", "max", "abs", *SIGNATURES)
"""Of values, and of evidence."""

LATER_FUNCTIONS = frozenset({"alert"})

NOT_BUILT = "is known, but not built in this version"


def measure(name: str) -> MeasureKind | None:
    """The measure of that name, when this version has it."""
    kind = MEASURES.get(name)
    return None if kind is None or is_later(name) else kind


def is_later(name: str) -> bool:
    """Whether `name` is a function that a later version brings."""
    return name in LATER_FUNCTIONS


def measures() -> list[str]:
    """Every measure this version has."""
    return [name for name in MEASURES if not is_later(name)]
