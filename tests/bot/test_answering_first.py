"""Which part of the best article is read out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.excerpts import answering_first
from bot.quote import quote_from
from kb.models import Audience, Passage

PLAIN = Passage(
    chunk_id=1, article_id=1, article_public_id="a1", version_id=1, version_number=1, collection="c", source="s.md",
    title="Outlook keeps asking for the password", breadcrumb=(), text="", lang="en", audience=Audience.PUBLIC,
    translation_key="", score=1.0, similarity=0.5, keyword=0.5,
)  # fmt: skip


def passage(chunk_id: int, text: str, *breadcrumb: str, **values: object) -> Passage:
    return replace(PLAIN, chunk_id=chunk_id, text=text, breadcrumb=breadcrumb, start=chunk_id * 100, **values)  # type: ignore[arg-type]


def first(question: str, best: Passage, article: Sequence[Passage]) -> int:
    return answering_first(question, [best], article)[0].chunk_id


def test_a_symptom_is_answered_by_its_resolution() -> None:
    symptom = passage(1, "The password prompt comes back.", "Symptoms")
    cause = passage(2, "An old token.", "Cause")
    fix = passage(3, "Delete the token in the credential manager.", "Resolution")
    assert first("password prompt comes back", symptom, [symptom, cause, fix]) == 3


def test_without_a_resolution_the_cause_is_said() -> None:
    symptom = passage(1, "The password prompt comes back.", "Symptoms")
    cause = passage(2, "An old token.", "Cause")
    assert first("password prompt comes back", symptom, [symptom, cause]) == 2


def test_a_passage_that_holds_its_solution_stays() -> None:
    both = passage(1, "## Symptoms\n\nIt asks again.\n\n## Resolution\n\nDelete the token.")
    assert first("it asks again", both, [both, passage(2, "Other.", "Resolution")]) == 1


def test_a_passage_of_boilerplate_gives_way() -> None:
    empty = passage(1, "Still need help? Go to the community.", "More information")
    fix = passage(2, "Delete the token.", "Resolution")
    assert first("outlook password", empty, [empty, fix]) == 2


def test_a_question_the_title_answers_to_is_answered_by_the_opening() -> None:
    opening = replace(passage(1, "Sign out of Office and in again."), start=0)
    aside = passage(2, "Deleted tokens come back after a restart.", "Deleted by mistake")
    assert first("outlook password?", aside, [opening, aside]) == 1


def test_a_question_with_words_of_the_passage_keeps_it() -> None:
    opening = replace(passage(1, "Sign out of Office and in again."), start=0)
    detail = passage(2, "After a restart the token is new.", "After a restart")
    assert first("outlook asks for the password after restart", detail, [opening, detail]) == 2


def test_the_section_with_the_error_code_is_quoted_not_its_neighbours() -> None:
    text = "## 691\n\nWait 15 minutes.\n\n## 809\n\nChoose TCP 443 mode.\n\n## Still no connection\n\nCall 8000."
    quote = quote_from(passage(1, text), "VPN error 809, still no connection", 600)
    assert (quote.text, quote.heading) == ("Choose TCP 443 mode.", "809")


def test_a_solution_is_quoted_before_the_description_of_the_problem() -> None:
    text = "## Symptoms\n\nOutlook asks for the password again and again.\n\n## Resolution\n\nDelete the token."
    assert quote_from(passage(1, text), "outlook asks for password again", 600).text == "Delete the token."


def test_a_quotation_that_leaves_something_out_says_so() -> None:
    text = "\n\n".join(f"Paragraph {n} about the printer tray number {n}." * 6 for n in range(8))
    assert quote_from(passage(1, text), "printer tray", 300).cut
