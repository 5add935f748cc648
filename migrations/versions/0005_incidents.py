"""what customers report, window by window, and the incidents it adds up to"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from base.database import Json, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "desk_incidents",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("public_id", sa.String(length=32), nullable=False, unique=True),
        sa.Column("state", sa.String(length=16), nullable=False, index=True),
        sa.Column("title", Json, nullable=False),
        sa.Column("notice", Json, nullable=False),
        sa.Column("objects", Json, nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=True),
        sa.Column("merged_into", sa.Integer(), nullable=True, index=True),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
    )
    op.create_table(
        "desk_incident_members",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("incident_id", sa.Integer(), sa.ForeignKey("desk_incidents.id"), nullable=False),
        sa.Column("conversation_id", sa.Integer(), sa.ForeignKey("desk_conversations.id"), nullable=False, index=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.UniqueConstraint("incident_id", "conversation_id"),
    )
    op.create_table(
        "desk_incident_updates",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("incident_id", sa.Integer(), sa.ForeignKey("desk_incidents.id"), nullable=False, index=True),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("text", Json, nullable=False),
        sa.Column("resolves", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("told_all_at", UtcDateTime(), nullable=True, index=True),
    )
    op.create_table(
        "desk_symptoms",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", UtcDateTime(), nullable=False, index=True),
        sa.Column("turn_id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), sa.ForeignKey("desk_conversations.id"), nullable=False, index=True),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("lang", sa.String(length=8), nullable=False),
        sa.Column("category", sa.String(length=32), nullable=False),
        sa.Column("urgency", sa.String(length=16), nullable=False),
        sa.Column("objects", Json, nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
    )


def downgrade() -> None:
    for table in ("desk_symptoms", "desk_incident_updates", "desk_incident_members", "desk_incidents"):
        op.drop_table(table)
