"""A passage is judged by its article and, where the section is known, by its text."""

from __future__ import annotations

from evals.cases import Case, Kind
from evals.gold import overlaps, rank_of_article, rank_of_section, same_article
from kb.models import Audience, Passage

SECTION = "Open HS Connect, choose Settings > Connection and select TCP 443 mode. Then connect again."
OTHER = "The queue continues by itself after thirty seconds when the tray has been filled."


def passage(source: str, text: str = "") -> Passage:
    return Passage(
        chunk_id=1, article_id=1, article_public_id="a", version_id=1, version_number=1, collection="c", source=source,
        title="t", breadcrumb=(), text=text, lang="en", audience=Audience.PUBLIC, translation_key="", score=1.0,
        similarity=1.0, keyword=1.0,
    )  # fmt: skip


def case(*sources: str, sections: tuple[str, ...] = ()) -> Case:
    return Case("1", "?", "en", Kind.ANSWERABLE, frozenset(sources), sections=sections)


def test_both_language_versions_of_an_article_are_right() -> None:
    assert same_article("zh/net/vpn.md", ["en/net/vpn.md"])
    assert not same_article("en/net/wifi.md", ["en/net/vpn.md"])


def test_articles_are_counted_once_each() -> None:
    found = [passage("x.md"), passage("x.md"), passage("gold.md")]
    assert rank_of_article(found, case("gold.md")) == 2
    assert rank_of_article(found, case("none.md")) == 0
    assert rank_of_article([], case("gold.md")) == 0


def test_a_passage_is_of_a_section_when_they_share_half_of_the_shorter() -> None:
    assert overlaps(SECTION, f"{SECTION}\n\n{OTHER}")  # one piece of a long section
    assert overlaps(f"## Joined\n\n**{SECTION}**\n\n## Next\n\n{OTHER}", SECTION)  # a short section joined with others
    assert not overlaps(OTHER, SECTION)
    assert not overlaps("", SECTION)


def test_marks_width_and_case_do_not_matter_and_short_texts_are_looked_up() -> None:
    assert overlaps("ＯＰＥＮ hs connect， choose *Settings* → Connection", SECTION)
    assert overlaps("是的。", "是的")
    assert not overlaps("否", "是的")


def test_the_right_text_in_another_article_is_no_hit() -> None:
    found = [passage("x.md", SECTION), passage("gold.md", OTHER), passage("gold.md", SECTION)]
    assert rank_of_section(found, case("gold.md", sections=(SECTION,))) == 3
