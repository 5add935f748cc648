"""what a mail mentions: the one it answers may come later"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "desk_mail_mentions",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column(
            "mail_id", sa.Integer(), sa.ForeignKey("desk_mails.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("message_id", sa.String(length=300), nullable=False, index=True),
    )


def downgrade() -> None:
    op.drop_table("desk_mail_mentions")
