"""Who puts an answer into words: the contract, and QuotingWriter, which needs no model.

An answer is a quotation: the blocks of the best passages that answer, steps kept whole, framed in the customer's language.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from base.i18n import N_, translate
from base.text import shorten
from bot.boilerplate import without_links
from bot.excerpts import Excerpt, excerpts
from bot.models import Answer, Citation
from kb.models import Passage

OnText = Callable[[str], None]
_MARKER = re.compile(r"\[(\d{1,2})\]")
_APPLIES = re.compile(
    r"^[\s>*_]*(?:applies to|适用(?:于|产品|范围|版本))[\s_*]*[:：][\s_*]*(\S.*)$", re.IGNORECASE | re.MULTILINE
)
HEAD = 800  # characters of an article in which it says what it applies to


@dataclass(frozen=True, slots=True)
class Request:
    """What a writer is asked: the question, what was found (best first), and for whom."""

    question: str
    passages: tuple[Passage, ...]
    lang: str
    max_chars: int
    history: tuple[tuple[str, str], ...] = ()  # (author, text) of the latest turns, oldest first
    article: tuple[Passage, ...] = ()  # all passages of the first one's article, in order


class AnswerWriter(Protocol):
    name: str

    def write(self, request: Request, on_text: OnText | None = None) -> Answer | None:
        """An answer, or None when the passages do not support one. `on_text` gets the text as it grows, checked.

        Raises ModelUnavailable when it could not be written at all.
        """
        ...


class QuotingWriter:
    """Answers with the passages themselves. Deterministic."""

    name = "quoting/2"

    def write(self, request: Request, on_text: OnText | None = None) -> Answer | None:
        found = excerpts(request.question, request.passages, request.article, request.max_chars)
        if not found:
            return None
        text = "\n\n".join(_paragraphs(found, request.lang))
        filed = filed_under([excerpt.passage for excerpt in found], request.lang)
        if applies := filed or applies_to((*request.article[:1], found[0].passage)):
            text += "\n\n" + translate(N_("Applies to: {products}"), request.lang, products=applies)
        if any(excerpt.quote.cut for excerpt in found):
            text += "\n\n" + translate(N_("The article says more about it."), request.lang)
        if on_text is not None:
            on_text(text)
        cited = tuple(cite(e.passage, n, e.quote.cited, e.quote.heading) for n, e in enumerate(found, start=1))
        return Answer(text, cited, request.lang, self.name)


def _paragraphs(found: Sequence[Excerpt], lang: str) -> list[str]:
    """Frames and quotations, each with its marker; an article that is quoted twice is introduced once."""
    paragraphs: list[str] = []
    introduced = ""
    for n, excerpt in enumerate(found, start=1):
        passage, quote = excerpt.passage, excerpt.quote
        section = quote.heading or passage.section
        if passage.article_public_id != introduced:
            same = [e for e in found if e.passage.article_public_id == passage.article_public_id]
            paragraphs.append(frame(passage, section if len(same) == 1 else "", lang))
            introduced = passage.article_public_id if len(same) > 1 else ""
        if introduced and section:
            paragraphs.append(f"**{section}**")
        shown = without_links(quote.text)
        apart = shown.rsplit("\n", 1)[-1].lstrip().startswith(("|", "`"))  # a marker would break a table or a fence
        paragraphs.append(shown + (f"\n\n[{n}]" if apart else f" [{n}]"))
    return paragraphs


def frame(passage: Passage, section: str, lang: str) -> str:
    """The sentence before a quotation, in the customer's language; it says so when the quotation is in another one."""
    title = f"{passage.title} › {section}" if section else passage.title
    if passage.lang == lang:
        return translate(N_("From our article “{title}”:"), lang, title=title)
    if passage.lang == "zh":
        return translate(N_("We only have this in Chinese. From the article “{title}”:"), lang, title=title)
    return translate(N_("We only have this in English. From the article “{title}”:"), lang, title=title)


def filed_under(passages: Sequence[Passage], lang: str) -> str:
    """The products and versions that the articles of these passages are filed under, each once; "" when none is."""
    labels = []
    for applies in dict.fromkeys(passage.applies for passage in passages):
        versions = ", ".join(applies.versions)
        if applies.products:
            labels.append(f"{', '.join(applies.products)} {versions}".rstrip())
        elif versions:
            labels.append(translate(N_("version {versions}"), lang, versions=versions))
    return "; ".join(dict.fromkeys(labels))


def applies_to(passages: Sequence[Passage]) -> str:
    """What the article says in its head that it applies to; "" when it says nothing."""
    for passage in passages:
        if passage.start < HEAD and (match := _APPLIES.search(passage.text[:HEAD])):
            return shorten(html.unescape(without_links(match[1])).replace("\u00a0", " ").strip(" _*.。"), 160)
    return ""


def cite(passage: Passage, n: int, quote: str, heading: str = "") -> Citation:
    """The citation of a passage under number `n`; `heading`: the one inside the passage that the quote stands under."""
    return Citation(
        n=n, chunk_id=passage.chunk_id, article_id=passage.article_public_id, version=passage.version_number,
        source=passage.source, title=passage.title, section=heading or passage.section, quote=quote, lang=passage.lang,
        audience=passage.audience, linked=not passage.applies.packages,
    )  # fmt: skip


def merge(parts: Sequence[tuple[str, Answer | None]], lang: str) -> Answer | None:
    """One reply to several questions: numbered parts, citations numbered on; None when no part has an answer.

    parts: each question with its answer, or None where nothing supports one: the reply says so.
    """
    answered = [answer for _, answer in parts if answer is not None]
    if not answered:
        return None
    lines: list[str] = []
    cited: list[Citation] = []
    for number, (question, answer) in enumerate(parts, start=1):
        lines.append(f"**{number}. {shorten(' '.join(question.split()), 120)}**")
        if answer is None:
            lines.append(translate(N_("I have no reliable answer to this part."), lang))
            continue
        offset = len(cited)
        numbers = {citation.n: place for place, citation in enumerate(answer.citations, start=offset + 1)}
        lines.append(_renumbered(answer.text, numbers))
        cited += [replace(citation, n=numbers[citation.n]) for citation in answer.citations]
    unsaid = tuple(one for answer in answered for one in answer.unsaid)
    instead_of = next((answer.instead_of for answer in answered if answer.instead_of), "")
    return Answer("\n\n".join(lines), tuple(cited), lang, answered[0].writer, unsaid, instead_of)


def _renumbered(text: str, numbers: dict[int, int]) -> str:
    return _MARKER.sub(lambda match: f"[{numbers[int(match[1])]}]" if int(match[1]) in numbers else match[0], text)
