"""No session ends before it starts, whether both are told at once or one after the other."""

from msgspec import UNSET, UnsetType

from pinkslip.model.events import SessionReport
from pinkslip.model.time import from_rfc3339, rfc3339
from pinkslip.web.backend import Backend
from pinkslip.web.problems import Fault


class Spans:
    """When the sessions that one request tells of began and ended."""

    def __init__(self, backend: Backend, workspace_id: int) -> None:
        self._backend = backend
        self._workspace_id = workspace_id
        self._told: dict[str, tuple[int | None, int | None]] = {}
        """Start and end by key, as this request leaves them."""

    async def fault(self, key: str, report: SessionReport) -> Fault | None:
        """What is wrong with the times of `report`, which are instants; None when nothing is."""
        start, end = _instant(report.started_at), _instant(report.ended_at)
        if start is UNSET and end is UNSET:
            return None
        if start is UNSET or end is UNSET:
            known_start, known_end = self._told.get(key) or await self._stored(key)
            start = known_start if start is UNSET else start
            end = known_end if end is UNSET else end
        if (
            end is not None
            and (started := self._backend.now() if start is None else start) > end
        ):
            return _fault(report, start=started, end=end, is_assumed=start is None)
        self._told[key] = start, end
        return None

    async def _stored(self, key: str) -> tuple[int | None, int | None]:
        session = await self._backend.session(self._workspace_id, key)
        return (None, None) if session is None else (session.started_at, session.ended_at)


def _fault(report: SessionReport, *, start: int, end: int, is_assumed: bool) -> Fault:
    if is_assumed:
        return Fault(
            "/endedAt",
            "lies before the session's start, which is now where no startedAt is given; send it too",
        )
    if report.ended_at is UNSET:
        return Fault("/startedAt", f"lies after the session's end, {rfc3339(end)}")
    return Fault("/endedAt", f"lies before the session's start, {rfc3339(start)}")


def _instant(written: str | None | UnsetType) -> int | None | UnsetType:
    return from_rfc3339(written) if isinstance(written, str) else written
