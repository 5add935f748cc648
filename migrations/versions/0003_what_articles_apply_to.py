"""what articles apply to: product, version, service package, days; and what keyword tokens were cut by

Empty means no limit, so that what is there stays visible to everybody it was visible to.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from base.database import Json
from base.text import TOKENIZER

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LIMITS = ("products", "versions", "packages", "valid_from", "valid_until")


def upgrade() -> None:
    for table in ("kb_articles", "kb_versions"):
        op.add_column(table, sa.Column("applies", Json, nullable=False, server_default="{}"))
    for name in LIMITS[:3]:
        op.add_column("kb_chunks", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("kb_chunks", sa.Column("valid_from", sa.String(length=10), nullable=False, server_default=""))
    op.add_column(
        "kb_chunks", sa.Column("valid_until", sa.String(length=10), nullable=False, server_default="9999-12-31")
    )
    op.add_column("kb_generation", sa.Column("tokenizer", sa.String(length=40), nullable=False, server_default=""))
    # Where there is nothing yet, nothing has to be cut anew.
    empty = "UPDATE kb_generation SET tokenizer = :now WHERE NOT EXISTS (SELECT 1 FROM kb_chunks)"
    op.get_bind().execute(sa.text(empty), {"now": TOKENIZER})
    op.drop_index("ix_kb_chunks_live", "kb_chunks")
    columns = ["live", "spec", "collection", "audience", "lang", *LIMITS]
    op.create_index("ix_kb_chunks_live", "kb_chunks", columns)
