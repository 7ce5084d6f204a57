"""Every table, as the migrations make it. `workspace_id` leads every primary and unique key.

Times are integer milliseconds since 1970; JSON is text we write and read byte for byte; money is in
micro-dollars. No foreign key ties audit rows (decisions, fires, transitions, ticks) to what they are about:
they survive it.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

DEFAULT_WORKSPACE = 1


def _workspace(*, primary_key: bool = True) -> "Column[int]":
    return Column(
        "workspace_id",
        BigInteger,
        ForeignKey("workspaces.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
        autoincrement=False,
    )


def _audited_workspace() -> "Column[int]":
    """Audit rows outlive their workspace."""
    return Column(
        "workspace_id", BigInteger, primary_key=True, nullable=False, autoincrement=False
    )


def _place() -> tuple["Column[int]", "Column[int]"]:
    """Where a journal row stands: which process start wrote it, and its number there."""
    return (
        Column("writer", Integer, primary_key=True, nullable=False, autoincrement=False),
        Column("seq", BigInteger, primary_key=True, nullable=False, autoincrement=False),
    )


workspaces = Table(
    "workspaces",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("uuid", String(36), nullable=False, unique=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("next_agent_no", BigInteger, nullable=False, server_default=text("1")),
    # the head of the decisions' hash chain; locked by whoever appends
    Column("decisions", BigInteger, nullable=False, server_default=text("0")),
    Column("decisions_head", LargeBinary, nullable=False),
    # every agents row includes the journal up to here; a rebuild folds what came after
    Column("folded_writer", Integer, nullable=False, server_default=text("0")),
    Column("folded_seq", BigInteger, nullable=False, server_default=text("0")),
    # and every row of `lineages` up to here: one that did not change is not written again to say so
    Column("lineages_writer", Integer, nullable=False, server_default=text("0")),
    Column("lineages_seq", BigInteger, nullable=False, server_default=text("0")),
)

users = Table(
    "users",
    metadata,
    _workspace(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("uuid", String(36), nullable=False),
    Column("name", String(200), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("workspace_id", "uuid"),
    UniqueConstraint("workspace_id", "name"),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    _workspace(),
    Column("id", String(32), primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("name", String(200), nullable=False),
    Column("user_id", BigInteger, nullable=True),
    Column("scopes", Text, nullable=False),
    Column("source", String(20), nullable=False),
    Column("agent_no", BigInteger, nullable=True),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=True),
    Column("revoked_at", BigInteger, nullable=True),
    Column("last_used_at", BigInteger, nullable=True),
    ForeignKeyConstraint(
        ["workspace_id", "user_id"], ["users.workspace_id", "users.id"], ondelete="CASCADE"
    ),
)

agents = Table(
    "agents",
    metadata,
    _workspace(),
    # `agent_no` is ours, small and dense; `id` is the seed's uuid, `agent_id` the agent's own name for itself
    Column("agent_no", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String(36), nullable=False),
    Column("agent_id", String(200), nullable=False),
    Column("name", String(200)),
    Column("model", String(200)),
    Column("role", String(100)),
    Column("host", String(200)),
    Column("lineage", String(200)),
    Column("labels", Text, nullable=False, server_default=text("'{}'")),
    Column("boot_id", String(64)),
    Column("boot_seq", BigInteger),
    Column("session_key", String(200)),
    Column("status", String(20), nullable=False),
    Column("standing", String(20), nullable=False),
    Column("incarnation", Integer, nullable=False, server_default=text("1")),
    Column("incarnation_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("last_heartbeat", BigInteger),
    Column("interval_ms", BigInteger),
    Column("status_since", BigInteger, nullable=False),
    Column("current_task", String(500)),
    Column("task_since", BigInteger),
    Column("progress", Float),
    Column("progress_at", BigInteger),
    Column("context_used", Float),
    Column("finished_at", BigInteger),
    Column("finish_context", Text),
    Column("terminated_at", BigInteger),
    # the later of finished_at and terminated_at, as of the checkpoint; null while the agent is among us
    Column("left_at", BigInteger),
    Column("protected_until", BigInteger),
    Column("fired_count", Integer, nullable=False, server_default=text("0")),
    # the newest fire, reinstated or not, and the policy that did it (null: a person): the envelope counts it
    Column("last_fired_at", BigInteger),
    Column("last_fired_policy", String(100)),
    # cumulative, so that pruning moves no counter
    Column("tasks", BigInteger, nullable=False, server_default=text("0")),
    Column("successes", BigInteger, nullable=False, server_default=text("0")),
    Column("failed_agent", BigInteger, nullable=False, server_default=text("0")),
    Column("failed_provider", BigInteger, nullable=False, server_default=text("0")),
    Column("failed_tool", BigInteger, nullable=False, server_default=text("0")),
    Column("failed_infra", BigInteger, nullable=False, server_default=text("0")),
    Column("failed_user", BigInteger, nullable=False, server_default=text("0")),
    Column("failed_unknown", BigInteger, nullable=False, server_default=text("0")),
    Column("duration_ms_sum", BigInteger, nullable=False, server_default=text("0")),
    Column("duration_count", BigInteger, nullable=False, server_default=text("0")),
    Column("duration_buckets", Text, nullable=False, server_default=text("'[]'")),
    Column("tokens_in", BigInteger, nullable=False, server_default=text("0")),
    Column("tokens_out", BigInteger, nullable=False, server_default=text("0")),
    Column("cost_micros", BigInteger, nullable=False, server_default=text("0")),
    Column("score_e6_sum", BigInteger, nullable=False, server_default=text("0")),
    Column("score_count", BigInteger, nullable=False, server_default=text("0")),
    Column("error_count", BigInteger, nullable=False, server_default=text("0")),
    Column("last_error", Text),
    Column("streak", BigInteger, nullable=False, server_default=text("0")),
    # of `tasks`, those of former incarnations
    Column("tasks_before", BigInteger, nullable=False, server_default=text("0")),
    # the row is a checkpoint of the fold: it includes every fact up to here, and none after
    Column("folded_writer", Integer, nullable=False, server_default=text("0")),
    Column("folded_seq", BigInteger, nullable=False, server_default=text("0")),
    # until when the standing holds, of that a person's quarantine, and when a person released it last
    Column("standing_until", BigInteger),
    Column("ordered_until", BigInteger),
    Column("released_at", BigInteger),
    Column("boot_changed_at", BigInteger),
    # what the fleet keeps for evidence functions, as it writes it
    Column("evidence", Text, nullable=False, server_default=text("''")),
    UniqueConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "agent_id"),
    # a start loads the living without reading the millions that have left
    Index("ix_agents_left", "workspace_id", "left_at"),
    # the fired ones, page by page
    Index("ix_agents_standing", "workspace_id", "standing", "agent_no"),
)

role_totals = Table(
    "role_totals",
    metadata,
    _workspace(),
    Column("role", String(100), primary_key=True),
    Column("model", String(200), primary_key=True),
    Column("totals", Text, nullable=False),
    Column("folded_writer", Integer, nullable=False),
    Column("folded_seq", BigInteger, nullable=False),
)

lineages = Table(
    "lineages",
    metadata,
    _workspace(),
    Column("lineage", String(200), primary_key=True),
    # as of the workspace's lineages_writer and lineages_seq; empty: nothing was counted yet
    Column("evidence", Text, nullable=False, server_default=text("''")),
    Column("written_at", BigInteger, nullable=False),
    # as of now: written by the act itself, since reports are refused by it
    Column("condemned_at", BigInteger),
    Column("fire_id", String(36)),
    # the few that are turned away, among many that are only counted
    Index(
        "ix_lineages_condemned",
        "workspace_id",
        "lineage",
        sqlite_where=text("condemned_at IS NOT NULL"),
        postgresql_where=text("condemned_at IS NOT NULL"),
    ),
)

refusals = Table(
    "refusals",
    metadata,
    _workspace(),
    # who was turned away, because its worker was fired under another id
    Column("lineage", String(200), primary_key=True),
    Column("agent_id", String(200), primary_key=True),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("reports", BigInteger, nullable=False),
    # whom people must be told of
    Index("ix_refusals_last", "workspace_id", "last_at"),
)

agent_sessions = Table(
    "agent_sessions",
    metadata,
    _workspace(),
    Column("session_key", String(200), primary_key=True),
    Column("id", String(36), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    # set null when the agent's row goes: by the store, since a composite SET NULL would clear the workspace too
    Column("agent_no", BigInteger),
    Column("label", String(200)),
    Column("channel", String(100)),
    Column("context_summary", Text),
    Column("message_count", BigInteger, nullable=False, server_default=text("0")),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("started_at", BigInteger, nullable=False),
    Column("last_message_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("metadata", Text, nullable=False, server_default=text("'{}'")),
    ForeignKeyConstraint(
        ["workspace_id", "user_id"], ["users.workspace_id", "users.id"], ondelete="CASCADE"
    ),
    UniqueConstraint("workspace_id", "id"),
    # an agent's sessions, newest first
    Index("ix_agent_sessions_agent", "workspace_id", "agent_no", "started_at"),
)

beat_runs = Table(
    "beat_runs",
    metadata,
    _workspace(),
    Column("agent_no", BigInteger, primary_key=True, autoincrement=False),
    Column("started_at", BigInteger, primary_key=True, autoincrement=False),
    Column("last_at", BigInteger, nullable=False),
    Column("beats", Integer, nullable=False),
    # milliseconds between neighbours as LEB128 varints: beats - 1 of them
    Column("gaps", LargeBinary, nullable=False),
    Column("sealed", Boolean, nullable=False),
    # an extension takes a new number and leaves the old one empty
    Column("writer", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    # a start folds what came after the checkpoint
    Index("ix_beat_runs_place", "workspace_id", "writer", "seq"),
)

IS_MOVE = "kind IN ('Finished', 'Revived', 'Fired', 'Reinstated', 'Stood', 'Released')"
"""Whether a change makes an agent active or not: spelled as its index is, or the index is not used."""

agent_changes = Table(
    "agent_changes",
    metadata,
    _workspace(),
    *_place(),
    Column("agent_no", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    # what changed, as JSON of the fact's fields: Registered, Changed, Finished, Revived, Fired, Reinstated,
    # Protected, Stood, Released
    Column("kind", String(20), nullable=False),
    Column("changes", Text, nullable=False),
    Index("ix_agent_changes_agent", "workspace_id", "agent_no", "at"),
    # who came and went lately
    Index(
        "ix_agent_changes_moves",
        "workspace_id",
        "at",
        sqlite_where=text(IS_MOVE),
        postgresql_where=text(IS_MOVE),
    ),
)

acts = Table(
    "acts",
    metadata,
    _workspace(),
    *_place(),
    Column("at", BigInteger, nullable=False),
    # what is about no single agent, as JSON of the fact's fields: Silenced, Unsilenced, Ruled, Demoted, Promoted,
    # Condemned, Absolved
    Column("kind", String(20), nullable=False),
    # the silence, decision, policy or lineage it is about
    Column("subject", String(200), nullable=False),
    Column("body", Text, nullable=False),
    # what people said of a decision
    Index("ix_acts_subject", "workspace_id", "subject"),
)

outcomes = Table(
    "outcomes",
    metadata,
    _workspace(),
    *_place(),
    Column("event_id", LargeBinary, nullable=False),
    Column("agent_no", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    # codes of Result, Fault, Source
    Column("result", SmallInteger, nullable=False),
    Column("fault", SmallInteger, nullable=False),
    Column("source", SmallInteger, nullable=False),
    Column("counted", Boolean, nullable=False),
    Column("kind", String(100)),
    Column("duration_ms", BigInteger),
    Column("started_at", BigInteger),
    Column("tokens_in", BigInteger),
    Column("tokens_out", BigInteger),
    Column("cost_micros", BigInteger),
    Column("score_e6", Integer),
    Column("error", Text),
    Column("session_key", String(200)),
    Column("task_id", String(200)),
    UniqueConstraint("workspace_id", "event_id"),
    # one agent's newest outcomes: post-mortem, explain, rebuild of task windows
    Index("ix_outcomes_agent", "workspace_id", "agent_no", "at"),
    sqlite_with_rowid=False,
)

reviews = Table(
    "reviews",
    metadata,
    _workspace(),
    *_place(),
    Column("event_id", LargeBinary, nullable=False),
    Column("agent_no", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    # where the outcome stands in the journal, and whether it counts anywhere
    Column("outcome_writer", Integer, nullable=False),
    Column("outcome_seq", BigInteger, nullable=False),
    Column("outcome_at", BigInteger, nullable=False),
    Column("counted", Boolean, nullable=False),
    Column("score_e6", Integer, nullable=False),
    # the score it had until then
    Column("before_e6", Integer),
    Column("comment", Text),
    Column("source", SmallInteger, nullable=False),
    Column("who", String(200), nullable=False),
    # the newest review of an outcome, by which its score is read back
    Index("ix_reviews_event", "workspace_id", "event_id", "writer", "seq"),
    Index("ix_reviews_agent", "workspace_id", "agent_no", "at"),
)

transitions = Table(
    "transitions",
    metadata,
    _audited_workspace(),
    *_place(),
    Column("agent_no", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    # status, standing, protection; enforcement with agent_no 0
    Column("subject", String(20), nullable=False),
    Column("old", String(20)),
    Column("new", String(20), nullable=False),
    Column("actor_kind", String(20), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("why", Text, nullable=False),
    Index("ix_transitions_agent", "workspace_id", "agent_no", "at"),
)

episodes = Table(
    "episodes",
    metadata,
    _workspace(),
    Column("policy", String(100), primary_key=True),
    Column("agent_no", BigInteger, primary_key=True, autoincrement=False),
    Column("episode_hash", String(64), nullable=False),
    Column("incarnation", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("began_at", BigInteger, nullable=False),
    Column("true_since", BigInteger),
    Column("false_since", BigInteger),
    Column("guard", String(40)),
    Column("guard_detail", Text, nullable=False),
    Column("decision_id", String(36)),
    # while a fire was announced: when it comes; and who ruled on it
    Column("until", BigInteger),
    Column("ruled_by", String(200)),
)

ladders = Table(
    "ladders",
    metadata,
    _workspace(),
    Column("policy", String(100), primary_key=True),
    # agent:<number> or lineage:<key>
    Column("subject", String(220), primary_key=True),
    Column("episode_hash", String(64), nullable=False),
    Column("incarnation", Integer, nullable=False),
    Column("rung", Integer, nullable=False),
    Column("standing", String(20), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger),
    Column("passes", Integer, nullable=False),
    Column("quarantines", Integer, nullable=False),
    Column("quarantined_until", BigInteger, nullable=False),
    Column("base_tasks", BigInteger, nullable=False),
    Column("base_successes", BigInteger, nullable=False),
    Column("false_since", BigInteger),
    Column("is_shadow", Boolean, nullable=False),
    Column("decision_id", String(36)),
)

demotions = Table(
    "demotions",
    metadata,
    _workspace(),
    # in shadow since people overruled it twice, until one restores it or its hash changes
    Column("policy", String(100), primary_key=True),
    Column("policy_hash", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
)

ticks = Table(
    "ticks",
    metadata,
    _audited_workspace(),
    # the place is the watermark's: the tick saw everything of `writer` up to `seq`
    *_place(),
    Column("now", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    Column("policy_set_hash", String(64), nullable=False),
    Column("folded", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("wall_offset_ms", BigInteger, nullable=False),
    Index("ix_ticks_now", "workspace_id", "now"),
)

blind = Table(
    "blind",
    metadata,
    _audited_workspace(),
    *_place(),
    Column("at", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, nullable=False),
    Column("cause", String(20), nullable=False),
    Column("wall_offset_ms", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
)

policy_sets = Table(
    "policy_sets",
    metadata,
    _audited_workspace(),
    Column("hash", String(64), primary_key=True),
    Column("first_loaded_at", BigInteger, nullable=False),
    # a JSON list of pairs: file, text
    Column("texts", Text, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    _audited_workspace(),
    Column("id", String(36), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("writer", Integer, nullable=False),
    Column("watermark", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("policy", String(100), nullable=False),
    Column("policy_hash", String(64), nullable=False),
    Column("policy_set_hash", String(64), nullable=False),
    Column("agent_no", BigInteger, nullable=False),
    Column("agent_id", String(200), nullable=False),
    # the agent's role then, for counters after a restart; empty when it had none
    Column("role", String(100), nullable=False, server_default=text("''")),
    Column("incarnation", Integer, nullable=False),
    Column("verdict", String(20), nullable=False),
    Column("mode", String(20), nullable=False),
    Column("action", String(20), nullable=False),
    Column("reason", String(100)),
    Column("guard", String(40)),
    Column("guard_detail", Text, nullable=False),
    Column("actor_kind", String(20), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("evidence", Text, nullable=False),
    Column("context", Text, nullable=False),
    # the chain runs over digests, so that erasing the personal fields later (agent_id, actor, guard_detail,
    # context, and the salt with them) does not break it
    Column("personal_salt", LargeBinary, nullable=True),
    Column("personal_digest", LargeBinary, nullable=False),
    Column("content_digest", LargeBinary, nullable=False),
    Column("chain_digest", LargeBinary, nullable=False),
    UniqueConstraint("workspace_id", "number"),
    # newest first: of one agent, of one policy, since an instant
    Index("ix_decisions_agent", "workspace_id", "agent_no", "number"),
    Index("ix_decisions_policy", "workspace_id", "policy", "number"),
    Index("ix_decisions_at", "workspace_id", "at"),
)

fires = Table(
    "fires",
    metadata,
    _audited_workspace(),
    Column("id", String(36), primary_key=True),
    Column("agent_no", BigInteger, nullable=False),
    Column("agent_id", String(200), nullable=False),
    Column("role", String(100), nullable=False, server_default=text("''")),
    Column("incarnation", Integer, nullable=False),
    Column("decision_id", String(36), nullable=False),
    Column("fired_at", BigInteger, nullable=False),
    Column("reason", String(100), nullable=False),
    Column("context", Text, nullable=False),
    Column("policy", String(100)),
    Column("actor_kind", String(20), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("post_mortem", Text, nullable=False),
    Column("reinstated_at", BigInteger),
    Column("reinstated_by", String(200)),
    Column("reinstate_context", Text),
    Column("was_wrong", Boolean),
    # one fire per agent and incarnation, whatever happens
    UniqueConstraint("workspace_id", "agent_no", "incarnation"),
    # the newest fires of a workspace
    Index("ix_fires_at", "workspace_id", "fired_at"),
    # the few that were taken back, newest first: reversals are counted by the day
    Index(
        "ix_fires_reinstated",
        "workspace_id",
        "reinstated_at",
        sqlite_where=text("reinstated_at IS NOT NULL"),
        postgresql_where=text("reinstated_at IS NOT NULL"),
    ),
)

deliveries = Table(
    "deliveries",
    metadata,
    _workspace(),
    Column("fire_id", String(36), primary_key=True),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("agent_no", BigInteger, nullable=False),
    Column("agent_id", String(200), nullable=False),
    Column("executor", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("delivered_at", BigInteger),
    Column("last_report_at", BigInteger),
    Column("was_silent", Boolean, nullable=False),
    Column("last_word", Boolean, nullable=False),
    Column("settled_at", BigInteger),
    Column("detail", Text, nullable=False),
    # what is still open, for the loop; the open ones of an agent, for the journal
    Index("ix_deliveries_open", "workspace_id", "state"),
    Index("ix_deliveries_agent", "workspace_id", "agent_no"),
)

silences = Table(
    "silences",
    metadata,
    _workspace(),
    Column("id", String(36), primary_key=True),
    Column("matchers", Text, nullable=False),
    Column("owner", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    # when a person ended it before its time
    Column("ended_at", BigInteger),
    Column("ended_by", String(200)),
    # those that are not over yet
    Index("ix_silences_ends", "workspace_id", "ends_at"),
)

enforcement = Table(
    "enforcement",
    metadata,
    # no foreign key: words.EVERYWHERE is no workspace
    _audited_workspace(),
    Column("stopped_at", BigInteger),
    Column("actor", String(200), nullable=False),
    Column("reason", Text, nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    _workspace(),
    Column("key", String(200), primary_key=True),
    Column("request_digest", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    # what is older than a day goes
    Index("ix_idempotency_keys_at", "workspace_id", "at"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("holder", String(200), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

writers = Table(
    "writers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("started_at", BigInteger, nullable=False),
    Column("holder", String(200), nullable=False),
    Column("version", String(40), nullable=False),
)

__all__ = [name for name, value in globals().items() if isinstance(value, Table)]
