"""mails as they came, how far each mailbox is fetched, where replies went, and switches for operators"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from base.database import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "desk_mailboxes",
        sa.Column("name", sa.String(length=64), primary_key=True),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("last_uid", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("held_until", UtcDateTime(), nullable=True),
    )
    op.create_table(
        "desk_mails",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("mailbox", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("message_id", sa.String(length=300), nullable=False),
        sa.Column("sender", sa.String(length=300), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("thread_id", sa.String(length=300), nullable=False),
        sa.Column("echo", sa.String(length=32), nullable=False),
        sa.Column("how", sa.String(length=40), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("mailbox", "digest"),
    )
    op.create_index("ix_desk_mails_claim", "desk_mails", ["state", "next_at", "id"])
    op.create_index("ix_desk_mails_message", "desk_mails", ["message_id"])
    op.create_index("ix_desk_mails_thread", "desk_mails", ["thread_id"])
    op.create_index("ix_desk_mails_sender", "desk_mails", ["sender", "received_at"])
    op.create_table(
        "desk_mail_threads",
        sa.Column("thread_id", sa.String(length=32), primary_key=True),
        sa.Column("mailbox", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False, index=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("follows", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "desk_switches",
        sa.Column("name", sa.String(length=40), primary_key=True),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
    op.add_column("desk_identities", sa.Column("unreachable_at", UtcDateTime(), nullable=True))
    op.add_column("desk_outbox", sa.Column("recipient", sa.String(length=300), nullable=False, server_default=""))
    op.create_index("ix_desk_outbox_recipient", "desk_outbox", ["recipient", "sent_at"])
    op.create_index("ix_desk_outbox_channel_message", "desk_outbox", ["channel_message_id"])
    op.execute("UPDATE desk_outbox SET state = 'bounced' WHERE state = 'dead'")


def downgrade() -> None:
    op.drop_index("ix_desk_outbox_channel_message", "desk_outbox")
    op.drop_index("ix_desk_outbox_recipient", "desk_outbox")
    op.drop_column("desk_outbox", "recipient")
    op.drop_column("desk_identities", "unreachable_at")
    for table in ("desk_switches", "desk_mail_threads", "desk_mails", "desk_mailboxes"):
        op.drop_table(table)
