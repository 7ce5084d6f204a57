"""Fleets as hypothesis makes them, with names that try to break the page."""

from dataclasses import replace

from hypothesis import strategies as st
from tests.metrics.fleets import BUCKETS, NOW, Row, make_snapshot, make_totals

from pinkslip.metrics.inputs import (
    DecisionKind,
    Facts,
    FireKind,
    HeldKind,
    OwnFacts,
    PolicyFacts,
    ReversalKind,
    WorkspaceFacts,
)
from pinkslip.model.words import (
    SEED_REASONS,
    Action,
    ActorKind,
    DeliveryState,
    Fault,
    Guard,
    Mode,
    Standing,
    Status,
    Verdict,
)

HOSTILE = (
    'quo"te',
    "back\\slash",
    "trailing\\",
    "new\nline",
    "carriage\rreturn",
    'all\\"\n\\n"',
    "{}",
    '"} 1.0',
    "# EOF",
    "# TYPE pinkslip_agent_info gauge",
    "comma,equals=",
    "emoji 🙈",
    "combining e\u0301",
    "separator\u2028here\x85",
    "tab\tbell\x07",
    "lone \ud800 surrogate",
    "low \udfff first",
    "%s %d {0}",
    "",
    " ",
)
words = st.sampled_from(HOSTILE) | st.text(
    st.characters(codec=None, exclude_characters="\x00"), max_size=12
)
maybe = st.none() | words
roles = st.sampled_from(("developer", "researcher", None, "", *HOSTILE[:4]))
models = st.sampled_from(("glm-4.7", "ollama/llama3.1", None, HOSTILE[0]))
counts = st.integers(0, 20) | st.integers(0, 2**53)
small = st.integers(0, 5_000)
instants = st.integers(NOW - 90_000, NOW) | st.sampled_from(
    (NOW - NOW % 1000, NOW - NOW % 10**7)
)
floats = st.floats(allow_nan=True, allow_infinity=True)


def clean(text: str) -> str:
    """Two ids may not become one on the page."""
    return "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in text)


def rows_of(number: int, agent_id: str) -> st.SearchStrategy[Row]:
    """One agent with this number and id, the rest as it comes."""
    return st.builds(
        Row,
        number=st.just(number),
        agent_id=st.just(agent_id),
        name=maybe,
        model=models,
        role=roles,
        status=st.sampled_from(Status),
        standing=st.sampled_from(Standing),
        last_heartbeat=st.just(0) | instants,
        interval_ms=st.sampled_from((0, 1_000, 1_500, 30_000, 86_400_000)),
        is_stale=st.booleans(),
        progress=floats,
        progress_at=st.just(0) | instants,
        context_used=st.just(float("nan")) | st.floats(0, 1),
        finished_at=st.just(0) | st.just(NOW - 1_000),
        terminated_at=st.just(NOW - 2_000),
        tasks=counts,
        failed=st.tuples(*[counts] * len(Fault)),
        duration_ms_sum=counts,
        duration_buckets=st.tuples(*[small] * BUCKETS),
        tokens_in=counts,
        tokens_out=counts,
        cost_micros=counts,
        score_e6_sum=counts,
        score_count=small,
        error_count=small,
    )


@st.composite
def fleets(draw: st.DrawFn, *, max_size: int = 8) -> list[Row]:
    """Agents with distinct ids, in any order of numbers."""
    ids = draw(st.lists(words.filter(bool), max_size=max_size, unique_by=clean))
    numbers = draw(st.permutations(range(1, len(ids) + 1)))
    return [
        draw(rows_of(number, agent_id)) for number, agent_id in zip(numbers, ids, strict=True)
    ]


policies = st.lists(
    st.builds(
        PolicyFacts,
        name=words.filter(bool),
        mode=st.sampled_from(Mode),
        action=st.sampled_from(Action),
        reason=st.sampled_from((*SEED_REASONS, "rude")),
        actions=st.frozensets(st.sampled_from(Action)),
        waits=st.booleans(),
    ),
    max_size=3,
    unique_by=lambda policy: clean(policy.name),
).map(tuple)
policy_names = st.sampled_from(("unresponsive", "gone-policy"))
role_names = roles.map(lambda role: role or "")
tallies = {
    "fires": st.dictionaries(
        st.builds(
            FireKind,
            policy_names,
            st.sampled_from(SEED_REASONS),
            st.sampled_from(ActorKind),
            role_names,
        ),
        small,
        max_size=3,
    ),
    "decisions": st.dictionaries(
        st.builds(
            DecisionKind,
            policy_names,
            st.sampled_from(Verdict),
            st.sampled_from(Mode),
            role_names,
        ),
        small,
        max_size=3,
    ),
    "held": st.dictionaries(
        st.builds(HeldKind, policy_names, st.sampled_from(Guard), role_names), small, max_size=3
    ),
    "reversals": st.dictionaries(
        st.builds(ReversalKind, policy_names, role_names), small, max_size=3
    ),
    "zombies": st.dictionaries(role_names, small, max_size=2),
    "panic": st.frozensets(role_names, max_size=2),
    "evidence": st.dictionaries(st.integers(1, 12), st.floats(0, 1), max_size=4),
    "silenced": st.frozensets(st.integers(1, 12), max_size=3),
    "deliveries": st.dictionaries(st.sampled_from(DeliveryState), small, max_size=3),
    "demoted": st.frozensets(words, max_size=2),
    "noticed": small,
    "awaiting": small,
    "silences": small,
    "common_causes": small,
    "mass_restarts": small,
    "enforcement_enabled": st.booleans(),
    "evaluated_at": st.none() | instants,
    "policies": policies,
}
totals = st.builds(
    make_totals,
    role=role_names,
    model=models.map(lambda model: model or ""),
    tasks=counts,
    failed=st.tuples(*[counts] * len(Fault)),
    duration_ms_sum=counts,
    duration_buckets=st.tuples(*[small] * BUCKETS),
    tokens_in=counts,
    tokens_out=counts,
    cost_micros=counts,
    finished=small,
)


@st.composite
def workspaces(
    draw: st.DrawFn, *, workspace_id: int = 1, name: str = "default"
) -> WorkspaceFacts:
    """One workspace, everything in it as it comes."""
    role_totals = draw(st.lists(totals, max_size=3, unique_by=lambda it: (it.role, it.model)))
    snapshot = make_snapshot(draw(fleets()), workspace_id=workspace_id, role_totals=role_totals)
    facts = {key: draw(values) for key, values in tallies.items()}
    return WorkspaceFacts(name=name, snapshot=snapshot, **facts)


own_facts = st.builds(
    OwnFacts,
    leader=st.booleans(),
    lease_epoch=small,
    journal_queue_length=small,
    config_reload_successful=st.booleans(),
    config_reloaded_at=st.none() | instants,
    wall_offset_ms=st.sampled_from((0, 0, -3_600_000, 12_345)),
)
all_facts = st.builds(
    Facts,
    workspaces=st.tuples(workspaces(), workspaces(workspace_id=7, name='other "one"\\')),
    ourselves=own_facts,
)


def with_rows(facts: Facts, rows: list[Row], *, at: int = NOW) -> Facts:
    """The same facts about one workspace with other agents."""
    [workspace] = facts.workspaces
    snapshot = make_snapshot(rows, at=at, role_totals=workspace.snapshot.role_totals)
    return replace(facts, workspaces=(replace(workspace, snapshot=snapshot),))
