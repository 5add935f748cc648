"""one-time links of a page on which a customer is signed in"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from base.database import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "desk_links",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("digest", sa.String(length=64), nullable=False, unique=True),
        sa.Column("customer_id", sa.Integer(), sa.ForeignKey("desk_customers.id"), nullable=False, index=True),
        sa.Column("conversation_id", sa.Integer(), sa.ForeignKey("desk_conversations.id"), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False, index=True),
    )


def downgrade() -> None:
    op.drop_table("desk_links")
