"""What evidence, ladders and people's rulings need: places, acts, lineages, demotions, refusals, reviews as facts.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_columns()
    _make_reviews_anew()
    _create_acts()
    _create_ladders()
    _create_demotions()
    _create_lineages()
    _create_refusals()
    _carry_over()


def _carry_over() -> None:
    """A notification used to leave its episode `noticed`; that word now means a fire that waits.

    What was counted of lineages begins now: their rows are whole up to where the agents' are.
    """
    op.execute("UPDATE episodes SET state = 'acted' WHERE state = 'noticed'")
    op.execute(
        "UPDATE workspaces SET lineages_writer = folded_writer, lineages_seq = folded_seq"
    )


def _add_columns() -> None:
    for name in ("standing_until", "ordered_until", "released_at", "boot_changed_at"):
        op.add_column("agents", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column(
        "agents",
        sa.Column("evidence", sa.Text(), server_default=sa.text("''"), nullable=False),
    )
    op.add_column("episodes", sa.Column("until", sa.BigInteger(), nullable=True))
    op.add_column("episodes", sa.Column("ruled_by", sa.String(length=200), nullable=True))
    op.add_column("silences", sa.Column("ended_at", sa.BigInteger(), nullable=True))
    op.add_column("silences", sa.Column("ended_by", sa.String(length=200), nullable=True))
    op.create_index("ix_silences_ends", "silences", ["workspace_id", "ends_at"], unique=False)
    op.create_index(
        "ix_fires_reinstated",
        "fires",
        ["workspace_id", "reinstated_at"],
        unique=False,
        sqlite_where=sa.text("reinstated_at IS NOT NULL"),
        postgresql_where=sa.text("reinstated_at IS NOT NULL"),
    )
    for column in (
        sa.Column("lineages_writer", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("lineages_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    ):
        op.add_column("workspaces", column)


def _make_reviews_anew() -> None:
    """Nothing ever wrote one: there was no way to review."""
    op.drop_table("reviews")
    op.create_table(
        "reviews",
        _workspace(),
        *_place(),
        sa.Column("event_id", sa.LargeBinary(), nullable=False),
        sa.Column("agent_no", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("outcome_writer", sa.Integer(), nullable=False),
        sa.Column("outcome_seq", sa.BigInteger(), nullable=False),
        sa.Column("outcome_at", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("score_e6", sa.Integer(), nullable=False),
        sa.Column("before_e6", sa.Integer(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("source", sa.SmallInteger(), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        _of_workspace("reviews"),
        sa.PrimaryKeyConstraint("workspace_id", "writer", "seq", name="pk_reviews"),
    )
    op.create_index(
        "ix_reviews_event",
        "reviews",
        ["workspace_id", "event_id", "writer", "seq"],
        unique=False,
    )
    op.create_index(
        "ix_reviews_agent", "reviews", ["workspace_id", "agent_no", "at"], unique=False
    )


def _create_acts() -> None:
    op.create_table(
        "acts",
        _workspace(),
        *_place(),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        _of_workspace("acts"),
        sa.PrimaryKeyConstraint("workspace_id", "writer", "seq", name="pk_acts"),
    )
    op.create_index("ix_acts_subject", "acts", ["workspace_id", "subject"], unique=False)


def _create_ladders() -> None:
    op.create_table(
        "ladders",
        _workspace(),
        sa.Column("policy", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=220), nullable=False),
        sa.Column("episode_hash", sa.String(length=64), nullable=False),
        sa.Column("incarnation", sa.Integer(), nullable=False),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("standing", sa.String(length=20), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("passes", sa.Integer(), nullable=False),
        sa.Column("quarantines", sa.Integer(), nullable=False),
        sa.Column("quarantined_until", sa.BigInteger(), nullable=False),
        sa.Column("base_tasks", sa.BigInteger(), nullable=False),
        sa.Column("base_successes", sa.BigInteger(), nullable=False),
        sa.Column("false_since", sa.BigInteger(), nullable=True),
        sa.Column("is_shadow", sa.Boolean(), nullable=False),
        sa.Column("decision_id", sa.String(length=36), nullable=True),
        _of_workspace("ladders"),
        sa.PrimaryKeyConstraint("workspace_id", "policy", "subject", name="pk_ladders"),
    )


def _create_demotions() -> None:
    op.create_table(
        "demotions",
        _workspace(),
        sa.Column("policy", sa.String(length=100), nullable=False),
        sa.Column("policy_hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        _of_workspace("demotions"),
        sa.PrimaryKeyConstraint("workspace_id", "policy", name="pk_demotions"),
    )


def _create_lineages() -> None:
    op.create_table(
        "lineages",
        _workspace(),
        sa.Column("lineage", sa.String(length=200), nullable=False),
        sa.Column("evidence", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.Column("condemned_at", sa.BigInteger(), nullable=True),
        sa.Column("fire_id", sa.String(length=36), nullable=True),
        _of_workspace("lineages"),
        sa.PrimaryKeyConstraint("workspace_id", "lineage", name="pk_lineages"),
    )
    op.create_index(
        "ix_lineages_condemned",
        "lineages",
        ["workspace_id", "lineage"],
        unique=False,
        sqlite_where=sa.text("condemned_at IS NOT NULL"),
        postgresql_where=sa.text("condemned_at IS NOT NULL"),
    )


def _create_refusals() -> None:
    op.create_table(
        "refusals",
        _workspace(),
        sa.Column("lineage", sa.String(length=200), nullable=False),
        sa.Column("agent_id", sa.String(length=200), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("reports", sa.BigInteger(), nullable=False),
        _of_workspace("refusals"),
        sa.PrimaryKeyConstraint("workspace_id", "lineage", "agent_id", name="pk_refusals"),
    )
    op.create_index("ix_refusals_last", "refusals", ["workspace_id", "last_at"], unique=False)


def _workspace() -> "sa.Column[int]":
    return sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False)


def _place() -> "tuple[sa.Column[int], sa.Column[int]]":
    return (
        sa.Column("writer", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
    )


def _of_workspace(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace_id"],
        ["workspaces.id"],
        name=f"fk_{table}_workspace_id_workspaces",
        ondelete="CASCADE",
    )
