"""The row of a merge of two conversations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Json, Table, UtcDateTime


class TalkMergeRow(Table):
    """Two conversations that were made one: what stood before, so that it can be undone. Kept after that."""

    __tablename__ = "desk_talk_merges"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("desk_conversations.id"), index=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("desk_conversations.id"), index=True)
    by: Mapped[str] = mapped_column(String(80))
    before: Mapped[dict[str, Any]] = mapped_column(Json)  # a merges.Before
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_by: Mapped[str] = mapped_column(String(80), default="")
