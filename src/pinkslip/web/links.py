"""Addresses as a reader's browser must use them: behind a proxy, under a prefix, or plainly here."""

from dataclasses import dataclass
from urllib.parse import quote, urlsplit


@dataclass(frozen=True, slots=True)
class Links:
    """`base` is what stands before every path of ours in a link; empty at the root."""

    base: str = ""
    external_url: str | None = None

    @classmethod
    def of(cls, *, external_url: str | None, route_prefix: str) -> "Links":
        """The path of `external_url` where one is given, since a proxy may strip it; else our prefix."""
        if external_url:
            return cls(urlsplit(external_url).path.rstrip("/"), external_url.rstrip("/"))
        return cls(prefix(route_prefix))

    def to(self, path: str) -> str:
        """A link to one of our paths."""
        return self.base + path

    def agent(self, agent_id: str) -> str:
        """A link to one agent's answer."""
        return self.to(f"/api/agents/{quote(agent_id, safe='')}")

    def decision(self, decision_id: str) -> str:
        """A link to the page of one decision."""
        return self.to(f"/decisions/{quote(decision_id, safe='')}")


def prefix(route_prefix: str) -> str:
    """`/` and the empty string mean no prefix; `pinkslip/` means `/pinkslip`."""
    stripped = route_prefix.strip("/")
    return f"/{stripped}" if stripped else ""
