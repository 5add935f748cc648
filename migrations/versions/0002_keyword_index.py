"""keyword index: FTS5 over our own tokens, or a tsvector column

The tokens come separated by blanks: the index must not cut them again at their marks ("prn-3f", "v2.1").
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("INSERT INTO kb_generation (id, number) VALUES (1, 0)")
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE kb_keywords USING fts5(tokens, content='kb_chunks', content_rowid='id', "
            "tokenize=\"ascii tokenchars '-_.+#/:@'''\")"
        )
        op.execute("CREATE VIRTUAL TABLE kb_keyword_terms USING fts5vocab('kb_keywords', 'row')")
        return
    op.execute("ALTER TABLE kb_chunks ADD COLUMN keywords tsvector")
    op.execute("CREATE INDEX ix_kb_chunks_keywords ON kb_chunks USING gin (keywords)")
