"""conversations that were merged, and what stood before"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from base.database import Json, UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("desk_conversations", sa.Column("merged_into", sa.Integer(), nullable=True))
    op.create_index("ix_desk_conversations_merged_into", "desk_conversations", ["merged_into"])
    op.create_table(
        "desk_talk_merges",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("source_id", sa.Integer(), sa.ForeignKey("desk_conversations.id"), nullable=False, index=True),
        sa.Column("target_id", sa.Integer(), sa.ForeignKey("desk_conversations.id"), nullable=False, index=True),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("before", Json, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.Column("undone_by", sa.String(length=80), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("desk_talk_merges")
    op.drop_index("ix_desk_conversations_merged_into", "desk_conversations")
    op.drop_column("desk_conversations", "merged_into")
