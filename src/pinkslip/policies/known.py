"""What is known of the fleet that policies will judge: enough to say which of them can never find anybody."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pinkslip.model.words import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A fleet as a running service has seen it. What is None or left out is not known, and nothing is said of it;
    a field without any value is known: nobody gives it."""

    results: frozenset[Result] | None = None
    """Every result that any agent ever reported."""
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Per field that `match` reads (role, model, host, lineage, label.team, ...), every value that an agent has."""
    labels: frozenset[str] | None = None
    """The name of every label that an agent has, without `label.`. One with too many values is not in `fields`."""
    pools: Mapping[str, int] = field(default_factory=dict)
    """Active agents per pool, by the label that the guards in force pool by."""
    pool_label: str | None = None
    """That label."""
    min_tasks: int | None = None
    """The setting."""
    retention_ms: int | None = None
    """How far back outcomes are kept."""
