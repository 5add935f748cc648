"""Rows by which somebody proves who they are."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Table, UtcDateTime


class LinkRow(Table):
    """A one-time link of a page on which a customer is signed in. Gone once it was used, or is too old."""

    __tablename__ = "desk_links"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256 of the token
    customer_id: Mapped[int] = mapped_column(ForeignKey("desk_customers.id"), index=True)
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("desk_conversations.id"))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
