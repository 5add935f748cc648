"""A case put to the assistant as a new customer would, and what came of it. Nothing of it reaches the desk."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from base.messages import Channel, Inbound
from bot.facts import Facts, facts, squeezed
from bot.ground import MARKER
from bot.models import Citation, OutcomeKind
from bot.thought import Thought
from desk.conversations import Thread
from evals.cases import Case
from evals.gold import same_article
from kb import store
from kb.models import Audience, Scope
from web.wiring import Services

NOBODY = Thread(None, None, ())
EVERYTHING = Scope((Audience.PUBLIC, Audience.INTERNAL))
_LIST_NUMBER = re.compile(r"^\s*\d{1,3}[.)、]\s", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one case."""

    case: Case
    outcome: OutcomeKind
    text: str  # the answer, "" when none was given
    lang: str  # in which the customer was answered
    confidence: float  # 0..1
    cited: tuple[str, ...]  # sources of the citations, in order
    cited_lang: str  # of the first citation
    right: bool  # answered from a right article, with the words the case asks for
    best_right: bool  # the best passage is from a right article: what an answer would have rested on
    false_facts: tuple[str, ...]  # numbers, dates, codes, addresses in the answer that stand in no cited passage
    milliseconds: float

    @property
    def answered(self) -> bool:
        """A quotation or text with sources was given: as the answer, or as first aid beside a ticket."""
        return bool(self.cited)

    @property
    def wrong(self) -> bool:
        return self.answered and not self.right


def ask(services: Services, case: Case) -> Asked:
    """Put a case to the assistant. The same message on the same knowledge gives the same."""
    unique = uuid.uuid4().hex
    message = Inbound(Channel.CONSOLE, unique, unique, unique, case.text, datetime.now(UTC))
    started = time.perf_counter()
    thought = services.thinker.think(message, NOBODY)
    return judge(services, case, thought, (time.perf_counter() - started) * 1000)


def judge(services: Services, case: Case, thought: Thought, milliseconds: float) -> Asked:
    """What a decision is worth, held against the case."""
    answer = thought.decision.answer
    cited = tuple(citation.source for citation in answer.citations) if answer else ()
    text = answer.text if answer else ""
    right = case.to_be_answered and bool(cited) and any(same_article(source, case.sources) for source in cited)
    best = thought.passages[0].source if thought.passages else ""
    return Asked(
        case=case,
        outcome=thought.decision.kind,
        text=text,
        lang=thought.triage.lang,
        confidence=thought.confidence,
        cited=cited,
        cited_lang=answer.citations[0].lang if answer and answer.citations else "",
        right=right and all(part.casefold() in text.casefold() for part in case.contains),
        best_right=case.to_be_answered and bool(best) and same_article(best, case.sources),
        false_facts=_false_facts(services, text, answer.citations) if answer else (),
        milliseconds=milliseconds,
    )


def unsupported(text: str, source: str) -> tuple[str, ...]:
    """The hard facts of a text that its source does not state: addresses, codes, numbers, dates, times."""
    plain = _LIST_NUMBER.sub("", MARKER.sub("", text))
    said, known = facts(plain), facts(source)
    bare = squeezed(source).replace(",", "")
    values = {quantity.value for quantity in known.quantities} | {str(part) for date in known.dates for part in date}
    hosts = {address.partition("/")[0] for address in known.addresses}
    found = [address for address in said.addresses if address not in known.addresses | hosts and address not in bare]
    found += [code for code in said.codes if code not in known.codes and squeezed(code) not in bare]
    found += [
        quantity.value for quantity in said.quantities
        if quantity.value not in values and not re.search(rf"(?<![\d.]){re.escape(quantity.value)}(?![\d])", bare)
    ]  # fmt: skip
    found += ["-".join(map(str, date)) for date in said.dates if not _date_stands(date, known)]
    found += [f"{minutes // 60:02}:{minutes % 60:02}" for minutes in said.times - known.times]
    return tuple(sorted(found))


def _date_stands(date: tuple[int, int, int], known: Facts) -> bool:
    return any(all(a in (0, b) for a, b in zip(date, other, strict=True)) for other in known.dates)


def _false_facts(services: Services, text: str, citations: Sequence[Citation]) -> tuple[str, ...]:
    chunks = list(dict.fromkeys(citation.chunk_id for citation in citations))
    with services.database.read() as session:
        passages = store.passages(session, chunks, EVERYTHING)
    known = [f"{p.title}\n{p.section}\n{p.text}" for p in passages.values()]
    return unsupported(text, "\n".join((*known, *(citation.quote for citation in citations))))
