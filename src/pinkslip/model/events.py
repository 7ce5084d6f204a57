"""What agents report, as the wire spells it. The same types validate, document and travel to the journal.

A field that is absent is `UNSET` and keeps its value; `None` clears it, and is as good as absent where there
is nothing to clear. Limits are in characters.
"""

from typing import TYPE_CHECKING, Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import force_setattr

from pinkslip.model.words import Fault, Result, Source, Status

Text64 = Annotated[str, Meta(max_length=64)]
Text100 = Annotated[str, Meta(max_length=100)]
Text200 = Annotated[str, Meta(max_length=200)]
Name64 = Annotated[str, Meta(min_length=1, max_length=64)]
Name200 = Annotated[str, Meta(min_length=1, max_length=200)]
Text500 = Annotated[str, Meta(max_length=500)]
Text4000 = Annotated[str, Meta(max_length=4000)]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Milliseconds = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Seconds = Annotated[float, Meta(ge=1, le=86_400)]
Ratio = Annotated[float, Meta(ge=0, le=1)]
Dollars = Annotated[float, Meta(ge=0, le=1_000_000_000)]
Timestamp = Annotated[
    str, Meta(max_length=40, description="RFC 3339, for example 2026-11-23T09:30:00Z")
]
Labels = Annotated[
    dict[Annotated[str, Meta(min_length=1, max_length=64)], Text200], Meta(max_length=20)
]
if TYPE_CHECKING:  # whoever reads a heartbeat never meets the null that the wire may hold
    Seq = Count | UnsetType
    Leaving = bool
else:
    Seq = Count | None | UnsetType
    Leaving = bool | None


class Heartbeat(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", gc=False
):
    """My loop is alive. Everything is optional; an empty object is a heartbeat."""

    status: Status | UnsetType = UNSET
    current_task: Text500 | None | UnsetType = UNSET
    progress: float | None | UnsetType = UNSET
    interval: Seconds | None | UnsetType = UNSET
    context_used: Ratio | None | UnsetType = UNSET
    boot_id: Text64 | None | UnsetType = UNSET
    seq: Seq = UNSET
    sent_at: Timestamp | UnsetType = UNSET
    leaving: Leaving = False
    name: Text200 | None | UnsetType = UNSET
    model: Text200 | None | UnsetType = UNSET
    role: Text100 | None | UnsetType = UNSET
    host: Text200 | None | UnsetType = UNSET
    lineage: Text200 | None | UnsetType = UNSET
    labels: Labels | None | UnsetType = UNSET
    session_key: Text200 | None | UnsetType = UNSET
    last_error: Text4000 | None | UnsetType = UNSET

    def __post_init__(self) -> None:
        """A null has nothing to clear in `seq` and `leaving`."""
        if None in (self.seq, self.leaving):
            for name, absent in (("seq", UNSET), ("leaving", False)):
                if getattr(self, name) is None:
                    force_setattr(self, name, absent)


class Outcome(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", gc=False
):
    """How one task ended."""

    result: Result
    event_id: Name64 | None = None
    fault: Fault | None = None
    kind: Text100 | None = None
    duration_ms: Milliseconds | None = None
    started_at: Timestamp | None = None
    tokens_in: Count | None = None
    tokens_out: Count | None = None
    cost_usd: Dollars | None = None
    score: Ratio | None = None
    error: Text4000 | None = None
    session_key: Text200 | None = None
    task_id: Text200 | None = None


class Finish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The agent ended as planned."""

    context: Text4000 | None = None
    boot_id: Text64 | None = None


class SessionReport(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """One conversation of an agent. Absent keeps, null clears."""

    agent_id: Name200 | None | UnsetType = UNSET
    user_id: Name64 | UnsetType = UNSET
    started_at: Timestamp | UnsetType = UNSET
    label: Text200 | None | UnsetType = UNSET
    channel: Text100 | None | UnsetType = UNSET
    context_summary: Text4000 | None | UnsetType = UNSET
    message_count: Count | UnsetType = UNSET
    last_message_at: Timestamp | None | UnsetType = UNSET
    ended_at: Timestamp | None | UnsetType = UNSET
    metadata: dict[str, object] | None | UnsetType = UNSET


class Report(Struct, frozen=True, gc=False):
    """One event as it reached the journal: whose, what, and by whom it was told."""

    workspace_id: int
    agent_id: str
    event: Heartbeat | Outcome | Finish | SessionReport
    source: Source = Source.SELF
    session_key: str = ""
    """Set for a `SessionReport` only."""
