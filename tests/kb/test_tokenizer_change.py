"""An installation whose chunks were cut by an earlier tokenizer notices it, and cuts and embeds them anew."""

from __future__ import annotations

from sqlalchemy import select, text, update

from base.database import Database
from base.text import TOKENIZER
from kb import audit
from kb.generation import note_tokenizer, tokenizer
from kb.tables import ChunkRow
from tests.kb.library import Library, draft

TRADITIONAL = "印表機夾紙時，請先關閉電源，再打開後蓋。"
SIMPLIFIED = "显示器没有图像时，请检查电源线。"


def _as_it_was(library: Library) -> None:
    """The state an earlier release left: tokens in traditional characters, no tokenizer noted."""
    with library.database.begin() as session:
        ids = list(session.scalars(select(ChunkRow.id).where(ChunkRow.text == TRADITIONAL)))
        library.keywords.remove(session, ids)
        session.execute(update(ChunkRow).where(ChunkRow.id.in_(ids)).values(tokens="印表 表機 機夾 夾紙"))
        library.keywords.add(session, ids)
        note_tokenizer(session, "")


def _filled(database: Database) -> Library:
    library = Library(database)
    library.save(draft("jam.md", TRADITIONAL, lang="zh"))
    library.save(draft("screen.md", SIMPLIFIED, lang="zh"))
    return library


def test_a_new_installation_has_nothing_to_cut_anew(database: Database) -> None:
    library = _filled(database)
    report = audit.check(database, library.embedder, library.exact(), library.keywords)
    assert (report.stale_tokens, report.ok) == (False, True)


def test_old_tokens_are_noticed_cut_anew_and_embedded_anew(database: Database) -> None:
    library = _filled(database)
    _as_it_was(library)
    exact = library.exact()
    assert audit.check(database, library.embedder, exact, library.keywords).stale_tokens
    report = audit.repair(database, library.embedder, exact, library.keywords)
    assert (report.ok, report.stale_vectors) == (True, 0)
    with database.read() as session:
        assert tokenizer(session) == TOKENIZER
        kept = session.scalars(select(ChunkRow.tokens).where(ChunkRow.text == TRADITIONAL)).one()
    assert "打印" in kept.split()
    assert library.found("打印机夹纸")[0] == TRADITIONAL


def test_what_the_new_tokenizer_cuts_alike_is_not_embedded_again(database: Database) -> None:
    library = _filled(database)
    _as_it_was(library)
    assert audit.renew_tokens(database, library.keywords, batch=1) == 1
    with database.read() as session:
        stale = session.execute(text("SELECT text FROM kb_chunks WHERE spec = ''")).scalars().all()
    assert stale == [TRADITIONAL]
    assert audit.renew_tokens(database, library.keywords) == 0


def test_tokens_of_another_cut_leave_the_vectors_of_what_is_folded_alike(database: Database) -> None:
    library = _filled(database)
    _as_it_was(library)
    with library.database.begin() as session:
        note_tokenizer(session, "tokens/2")
    assert audit.renew_tokens(database, library.keywords) == 1
    with database.read() as session:
        assert not session.scalar(select(ChunkRow.id).where(ChunkRow.spec == ""))
        assert tokenizer(session) == TOKENIZER


def test_a_question_in_either_script_finds_the_article_in_the_other(database: Database) -> None:
    library = _filled(database)
    assert library.found("印表機夾紙怎麼辦")[0] == TRADITIONAL
    assert library.found("打印机夹纸怎么办")[0] == TRADITIONAL
    assert library.found("顯示器沒有圖像")[0] == SIMPLIFIED
