"""Agents whose uuid is written in another case than ours.

An agentId may be anything and is taken as it comes. One that nobody has may be an agent's uuid in capitals, as
some tools write them: then that agent is meant, in questions, acts and reports alike.
"""

import re

from msgspec.structs import replace

from pinkslip.model.events import Report, SessionReport
from pinkslip.web.backend import Backend

REMEMBERED_MAX = 10_000

_LENGTH = 36
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def in_capitals(ident: str) -> bool:
    """Written as a uuid, and not as ours are."""
    return (
        len(ident) == _LENGTH and ident != ident.lower() and _UUID.fullmatch(ident) is not None
    )


class Names:
    """Who is meant by what. Everything but a uuid in capitals means itself, and costs nothing."""

    def __init__(self) -> None:
        self._own: set[tuple[int, str]] = set()
        """Uuids in capitals that are agentIds, so that their agents' reports wait for no look-up."""

    async def of(self, backend: Backend, workspace_id: int, ident: str) -> str:
        """The agentId behind `ident`; `ident` itself where nobody is behind it."""
        if not in_capitals(ident) or (workspace_id, ident) in self._own:
            return ident
        if await backend.agent(workspace_id, ident) is not None:
            if len(self._own) < REMEMBERED_MAX:
                self._own.add((workspace_id, ident))
            return ident
        uuid = ident.lower()
        view = await backend.agent(workspace_id, uuid)
        return view.agent_id if view is not None and view.uuid == uuid else ident

    async def renamed(self, backend: Backend, report: Report) -> Report:
        """The report, of the agent that is meant."""
        name = await self.of(backend, report.workspace_id, report.agent_id)
        if name == report.agent_id:
            return report
        event = report.event
        if isinstance(event, SessionReport):
            event = replace(event, agent_id=name)
        return replace(report, agent_id=name, event=event)
