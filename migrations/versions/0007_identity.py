"""other doors of a conversation, one-time codes, merged customers, ratings"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from base.database import Json, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "desk_doors",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("conversation_id", sa.Integer(), sa.ForeignKey("desk_conversations.id"), nullable=False, index=True),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("thread_id", sa.String(length=300), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("channel", "thread_id"),
    )
    op.create_table(
        "desk_codes",
        sa.Column("purpose", sa.String(length=320), primary_key=True),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "desk_merges",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("kept_id", sa.Integer(), sa.ForeignKey("desk_customers.id"), nullable=False, index=True),
        sa.Column("merged_id", sa.Integer(), sa.ForeignKey("desk_customers.id"), nullable=False, index=True),
        sa.Column("proof", sa.String(length=40), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("moved", Json, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
    )
    op.create_table(
        "desk_ratings",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("ticket_id", sa.Integer(), sa.ForeignKey("desk_tickets.id"), nullable=False, unique=True),
        sa.Column("conversation_id", sa.Integer(), sa.ForeignKey("desk_conversations.id"), nullable=False, index=True),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
    )


def downgrade() -> None:
    for table in ("desk_ratings", "desk_merges", "desk_codes", "desk_doors"):
        op.drop_table(table)
