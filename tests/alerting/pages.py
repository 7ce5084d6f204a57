"""Pages in Prometheus' text format that a test writes by hand: agents, and what Pinkslip says of itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

WORKSPACE = "default"
LONG_AGO = 1_000_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One agent's core series. `silent_s`: seconds since its last heartbeat; None: it never sent one."""

    name: str
    role: str = "developer"
    silent_s: float | None = 0.0
    interval_s: float = 30.0
    is_exempt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A page. Ages stay what they are however often `text(now)` is served; `watching_since` is an instant."""

    agents: tuple[Agent, ...] = ()
    watching_since: float = LONG_AGO
    judged_s: float = 0.0
    stale: Mapping[str, int] = field(default_factory=dict)
    """By role; what the service itself counts."""
    panic: frozenset[str] = frozenset()
    zombies: Mapping[str, int] = field(default_factory=dict)

    def text(self, now: float) -> str:
        lines = [
            *self._ourselves(now),
            *(line for role in self._roles() for line in self._role(role)),
            *(line for agent in self.agents for line in _agent(agent, now)),
        ]
        return "\n".join(lines) + "\n"

    def _roles(self) -> list[str]:
        return sorted({*(agent.role for agent in self.agents), *self.stale, *self.panic})

    def _ourselves(self, now: float) -> Iterable[str]:
        yield _sample("pinkslip_leader", 1)
        yield _sample("pinkslip_config_last_reload_successful", 1)
        yield _sample("pinkslip_journal_queue_length", 0)
        yield _sample("pinkslip_enforcement_enabled", 1, workspace=WORKSPACE)
        yield _sample("pinkslip_agents_without_series", 0, workspace=WORKSPACE)
        yield _sample(
            "pinkslip_evaluation_last_timestamp_seconds",
            now - self.judged_s,
            workspace=WORKSPACE,
        )
        yield _sample(
            "pinkslip_observing_since_timestamp_seconds",
            self.watching_since,
            workspace=WORKSPACE,
        )

    def _role(self, role: str) -> Iterable[str]:
        labels = {"workspace": WORKSPACE, "role": role}
        members = sum(agent.role == role for agent in self.agents)
        yield _sample("pinkslip_agents", members, status="WORKING", **labels)
        yield _sample("pinkslip_agents_stale", self.stale.get(role, 0), **labels)
        yield _sample("pinkslip_panic", float(role in self.panic), **labels)
        yield _sample("pinkslip_zombies", self.zombies.get(role, 0), **labels)


def _agent(agent: Agent, now: float) -> Iterable[str]:
    labels = {"workspace": WORKSPACE, "agent": agent.name}
    about = {"name": agent.name.title(), "model": "zai/glm-4.7", "role": agent.role}
    yield _sample("pinkslip_agent_info", 1, **labels, **about)
    yield _sample("pinkslip_agent_exempt", float(agent.is_exempt), **labels)
    yield _sample("pinkslip_agent_heartbeat_interval_seconds", agent.interval_s, **labels)
    if agent.silent_s is not None:
        last = now - agent.silent_s
        yield _sample("pinkslip_agent_last_heartbeat_timestamp_seconds", last, **labels)


def _sample(metric: str, value: float, /, **labels: str) -> str:
    inside = ",".join(f'{label}="{text}"' for label, text in sorted(labels.items()))
    return f"{metric}{{{inside}}} {value!r}"
