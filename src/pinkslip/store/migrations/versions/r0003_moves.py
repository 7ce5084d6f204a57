"""An index to find who came and went lately, without reading everything that was reported since.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_move = sa.text(
        "kind IN ('Finished', 'Revived', 'Fired', 'Reinstated', 'Stood', 'Released')"
    )
    op.create_index(
        "ix_agent_changes_moves",
        "agent_changes",
        ["workspace_id", "at"],
        unique=False,
        sqlite_where=is_move,
        postgresql_where=is_move,
    )
