"""One customer message: question in, stored answer out, beside the bare time to embed that very question."""

from __future__ import annotations

from datetime import UTC, datetime

from base.messages import Channel, Inbound
from base.text import for_embedding
from evals.bench.figures import Figures, percentile, spread_ms, timed
from evals.bench.installation import temporary_services, wait_for_index
from evals.bench.questions import Question, demo_questions
from kb.e5.engine import E5Encoder
from kb.encoder import TextKind
from web.demo.setup import load_articles
from web.wiring import Services

WARM_UP = 10
QUESTIONS, QUICK_QUESTIONS = 240, 60


def measure(quick: bool) -> Figures:
    """Median and tail of a turn, and its ratio to the embedding, question by question.

    Each question is asked once, by a new customer, so no cache has it. It is embedded bare before and after the turn,
    by an encoder of its own, and the mean counts: what slows the machine down for a moment slows both.
    """
    questions = demo_questions(WARM_UP + (QUICK_QUESTIONS if quick else QUESTIONS))
    with temporary_services() as services:
        chunks = load_articles(services).chunks
        index = wait_for_index(services, chunks)
        encoder = E5Encoder(services.settings.data_dir / "models", workers=1)
        encoder.warm()
        turns: list[float] = []
        bare: list[float] = []
        for number, question in enumerate(questions):
            before = timed(lambda q=question: _embed(encoder, q))  # type: ignore[misc]
            turn = timed(lambda q=question, n=number: services.engine.receive(_message(q, n)))  # type: ignore[misc]
            after = timed(lambda q=question: _embed(encoder, q))  # type: ignore[misc]
            if number >= WARM_UP:
                turns.append(turn)
                bare.append((before + after) / 2)
        ratios = [turn / embedding for turn, embedding in zip(turns, bare, strict=True)]
        return {
            **spread_ms(turns),
            "p50_ratio_to_embedding": round(percentile(ratios, 0.5), 3),
            "p95_ratio_to_embedding": round(percentile(ratios, 0.95), 3),
            **spread_ms(bare, "embedding_"),
            "questions": len(turns),
            "chunks": chunks,
            "index": index,
            "answered": _answered(services),
        }


def _embed(encoder: E5Encoder, question: Question) -> None:
    encoder.encode([for_embedding(question.text)], TextKind.QUERY)


def _message(question: Question, number: int) -> Inbound:
    return Inbound(
        Channel.WEBCHAT, f"bench-{number}", f"bench-{number}", f"bench-{number}", question.text, datetime.now(UTC),
        locale=question.lang,
    )  # fmt: skip


def _answered(services: Services) -> int:
    """Conversations that were given a reply: a figure of turns that answer nothing would be worth nothing."""
    from sqlalchemy import func, select

    from desk.models import Author
    from desk.tables import TurnRow

    with services.database.read() as session:
        query = select(func.count(func.distinct(TurnRow.conversation_id))).where(TurnRow.author == Author.BOT)
        return int(session.scalar(query) or 0)
