"""From what was found to what can be said: one answer for each question of a message, put together as one reply."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from base.log import get_logger
from bot.confidence import Fit, confidence
from bot.excerpts import answering_first, without_conflict
from bot.facets import parts
from bot.model_writer import NotGrounded
from bot.models import Answer
from bot.support import about_code_first, asked
from bot.writer import AnswerWriter, OnText, QuotingWriter, Request, merge
from kb.models import Passage

log = get_logger(__name__)
ArticleOf = Callable[[Passage], tuple[Passage, ...]]
History = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One question with what was found for it, and what can be said."""

    question: str
    passages: tuple[Passage, ...]
    article: tuple[Passage, ...]  # all passages of the best one's article, in order
    confidence: float
    answer: Answer | None = None
    chosen: bool = False  # the customer picked this article: it is shown even where it lacks what was asked


def prepare(question: str) -> None:
    """Work out what a question asks for, ahead of its search: it is remembered (about 0.5 ms)."""
    asked(question)
    parts(question)


def unanswered(findings: Sequence[Finding]) -> int:
    """How many parts of a message got no answer, where it has several."""
    return sum(finding.answer is None for finding in findings) if len(findings) > 1 else 0


@dataclass(frozen=True, slots=True)
class Answering:
    """Answers findings with a writer, and quotes when that fails. Deterministic as far as the writer is."""

    writer: AnswerWriter
    threshold: float
    max_chars: int
    article_of: ArticleOf
    fit: Fit

    def found(self, question: str, lang: str, passages: tuple[Passage, ...], article: tuple[Passage, ...]) -> Finding:
        """What a search found, with how sure it is that it answers."""
        ordered = about_code_first(question, passages)
        if ordered and ordered[0].article_id != passages[0].article_id:
            article = self.article_of(ordered[0])
        return Finding(question, ordered, article, confidence(question, lang, ordered, self.fit))

    def answered(self, finding: Finding, lang: str, history: History = (), on_text: OnText | None = None) -> Finding:
        """The finding with its answer; without one where the confidence or the passages do not suffice."""
        if not finding.passages or finding.confidence < self.threshold:
            return finding
        passages = without_conflict(finding.question, finding.passages)
        if not passages:
            return finding
        article = finding.article
        if passages[0].article_id != finding.passages[0].article_id:
            article = self.article_of(passages[0])
        passages = answering_first(finding.question, passages, article)
        request = Request(finding.question, passages, lang, self.max_chars, history, article)
        answer = self._written(request, on_text)
        if answer is None and finding.chosen:
            answer = self._written(replace(request, question=passages[0].title), on_text)
        return replace(finding, answer=answer)

    def reply(self, findings: Sequence[Finding], lang: str) -> tuple[Answer | None, float]:
        """One answer to all of them, and how sure it is: as sure as its least sure part."""
        if len(findings) == 1:
            return findings[0].answer, findings[0].confidence
        answered = [finding.confidence for finding in findings if finding.answer is not None]
        answer = merge([(finding.question, finding.answer) for finding in findings], lang)
        return answer, min(answered) if answered else max(finding.confidence for finding in findings)

    def _written(self, request: Request, on_text: OnText | None) -> Answer | None:
        try:
            return self.writer.write(request, on_text)
        except Exception as error:  # promise 6: whatever a model does, a quotation can be given
            log.warning("writer_failed", writer=self.writer.name, error=f"{type(error).__name__}: {error}"[:200])
            quoted = QuotingWriter().write(request, on_text)
            if quoted is None:
                return None
            fault = str(getattr(error, "code", "")) or type(error).__name__
            unsaid = error.unsaid if isinstance(error, NotGrounded) else ()
            return replace(quoted, instead_of=f"{self.writer.name} {fault}", unsaid=unsaid)
