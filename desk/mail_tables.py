"""Rows of mail: mailboxes, mails as they came, threads."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Table, UtcDateTime


class MailboxRow(Table):
    """How far a mailbox has been fetched, and how it is. Moves in the transaction that stores the mail (promise 1)."""

    __tablename__ = "desk_mailboxes"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    uidvalidity: Mapped[int] = mapped_column(BigInteger, default=0)
    last_uid: Mapped[int] = mapped_column(BigInteger, default=0)
    state: Mapped[str] = mapped_column(String(24), default="")  # what the connection last said of itself
    detail: Mapped[str] = mapped_column(Text, default="")
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)  # first connected: older mail is left alone
    holder: Mapped[str] = mapped_column(String(80), default="")  # the process that is connected
    held_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MailRow(Table):
    """A mail as it came, byte by byte, and what became of it. Unique per mailbox and content."""

    __tablename__ = "desk_mails"
    __table_args__ = (
        UniqueConstraint("mailbox", "digest"),
        Index("ix_desk_mails_claim", "state", "next_at", "id"),
        Index("ix_desk_mails_message", "message_id"),
        Index("ix_desk_mails_thread", "thread_id"),
        Index("ix_desk_mails_sender", "sender", "received_at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    mailbox: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of the bytes
    source: Mapped[str] = mapped_column(String(80))  # "imap:<uidvalidity>:<uid>", "hook"
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    size_bytes: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(16))  # a MailState
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(Text, default="")
    kind: Mapped[str] = mapped_column(String(16), default="")
    message_id: Mapped[str] = mapped_column(String(300), default="")
    sender: Mapped[str] = mapped_column(String(300), default="")
    subject: Mapped[str] = mapped_column(Text, default="")
    thread_id: Mapped[str] = mapped_column(String(300), default="")
    echo: Mapped[str] = mapped_column(String(32), default="")  # digest of its words: a machine says the same again
    how: Mapped[str] = mapped_column(String(40), default="")  # why it belongs to that thread, or to a new one
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MailMentionRow(Table):
    """A message id that a mail of a conversation mentions: the mail with this id may come later than the one that answers it."""

    __tablename__ = "desk_mail_mentions"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("desk_mails.id", ondelete="CASCADE"), index=True)
    message_id: Mapped[str] = mapped_column(String(300), index=True)


class MailThreadRow(Table):
    """A thread of mails: where its answers go. The thread id is the conversation's."""

    __tablename__ = "desk_mail_threads"

    thread_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    mailbox: Mapped[str] = mapped_column(String(64))  # answers leave by the mailbox that was written to
    address: Mapped[str] = mapped_column(String(300), index=True)  # of the customer; nobody else is ever written to
    name: Mapped[str] = mapped_column(String(200), default="")
    subject: Mapped[str] = mapped_column(Text, default="")
    follows: Mapped[str] = mapped_column(String(32), default="")  # an earlier thread, when that one was over
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
