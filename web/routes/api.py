"""The REST API for programs: what the pages do, behind the same roles. Described at /api/v1/openapi.json."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated

from fastapi import APIRouter, Path, Query, status
from sqlalchemy.orm import Session

from bot.suggest import STAFF_SCOPE
from desk import access, conversations, replies, tickets
from desk.access import StaffActor
from desk.models import Conversation, Staff, Ticket, Urgency
from kb import store
from kb.models import Article, Scope
from web.answer_record import answer_record
from web.deps import MAX_NUMBER, AskedLocaleDep, Number, Running, RunningDep, requires
from web.live import turn_json
from web.present import Presenter
from web.schemas import (
    AnswerRecordOut,
    ArticleOut,
    ArticlesOut,
    AssignBody,
    ConversationDetail,
    ConversationOut,
    HitOut,
    Problem,
    ReplyBody,
    ResolveBody,
    SearchOut,
    SearchQuery,
    TicketOut,
    UrgencyBody,
)
from web.why import explanation

Seq = Annotated[int, Path(ge=1, le=MAX_NUMBER, description="the turn's place in the conversation")]
router = APIRouter(prefix="/api/v1", tags=["desk"], responses={"4XX": {"model": Problem}, "5XX": {"model": Problem}})
Member = Annotated[Staff, requires("inbox")]
Limit = Annotated[int, Query(ge=1, le=200)]
Reader = Annotated[Staff, requires("knowledge.read")]


@router.post("/search")
def search(body: SearchQuery, run: RunningDep, member: Reader) -> SearchOut:
    """Passages for a question, best first: what a customer with that service package may see, or what staff may."""
    scope = replace(
        STAFF_SCOPE if body.internal else Scope(), product=body.product, version=body.version, package=body.package,
        collections=tuple(body.collections),
    )  # fmt: skip
    found = run.services.searcher.search(body.text, scope=scope, top_k=body.top_k)
    return SearchOut(
        hits=[
            HitOut(
                article_id=p.article_public_id, source=p.source, title=p.title, section=p.section, lang=p.lang,
                score=p.score, quote=p.text,
            )
            for p in found.passages
        ]
    )  # fmt: skip


@router.get("/articles")
def articles(
    run: RunningDep, member: Reader, q: str = "", lang: str = "", limit: Limit = 50, offset: Number = 0
) -> ArticlesOut:
    with run.services.database.read() as session:
        found, total = store.list_articles(session, search=q[:100], lang=lang, limit=limit, offset=offset)
    return ArticlesOut(articles=[_article(article) for article in found], total=total)


@router.get("/conversations")
def conversation_list(run: RunningDep, member: Member, view: str = "all", q: str = "") -> list[ConversationOut]:
    with run.services.database.read() as session:
        listed = conversations.list_for_staff(
            session, assignee_id=member.id if view == "mine" else None, unassigned=view == "unassigned", search=q[:100]
        )
        open_tickets = tickets.by_conversation(session, [item.conversation.id for item in listed])
    return [_conversation(run, item.conversation, open_tickets.get(item.conversation.id)) for item in listed]


@router.get("/conversations/{public_id}")
def conversation(public_id: str, run: RunningDep, member: Member) -> ConversationDetail:
    with run.services.database.read() as session:
        talk = access.conversation(session, StaffActor(member), public_id)
        return _detail(run, session, talk)


@router.get("/conversations/{public_id}/answers/{seq}")
def why_this_answer(
    public_id: str, seq: Seq, run: RunningDep, member: Member, language: AskedLocaleDep
) -> AnswerRecordOut:
    """The record of one of the assistant's turns: what was searched, found and decided, and how it stands today."""
    with run.services.database.read() as session:
        talk = access.conversation(session, StaffActor(member), public_id)
        found = answer_record(run.services, session, talk, seq)
    get = found.get
    return AnswerRecordOut.model_validate(
        {
            "conversation": talk.public_id, "seq": seq, "turn_id": found.reply.id, "outcome": get("outcome"),
            "reason": get("reason"), "explanation": explanation(Presenter(run.services, language, member), found),
            "question": get("question"), "queries": found.queries, "understood": get("understood"), "lang": found.lang,
            "action": get("action"), "confidence": get("confidence", 0.0), "confidences": found.confidences,
            "thresholds": asdict(found.thresholds), "risk": asdict(found.risk) if found.risk else None,
            "candidates": [asdict(candidate) for candidate in found.candidates],
            "quotations": [asdict(quotation) for quotation in found.quotations],
            "grounding": {
                "sentences": found.grounding.sentences,
                "objections": [{"sentence": said, "reason": why} for said, why in found.grounding.objections],
            } if found.grounding else None,
            "choices": [
                {"label": label, "action": action, "chosen": action == found.chosen} for label, action in found.choices
            ],
            "writer": get("writer"), "fit": get("fit"), "policy": get("policy"), "embedder": found.embedder,
            "urgency": get("urgency"), "category": get("category"), "sentiment": get("sentiment"),
            "wants_human": get("wants_human", False), "injection": get("injection", False),
            "milliseconds": get("milliseconds", {}),
        }
    )  # fmt: skip


@router.post("/conversations/{public_id}/replies", status_code=status.HTTP_201_CREATED)
def reply(public_id: str, body: ReplyBody, run: RunningDep, member: Member) -> ConversationDetail:
    services, now = run.services, run.services.clock.now()
    with services.database.begin() as session:
        talk = access.conversation(session, StaffActor(member), public_id)
        if body.kind == "reply":
            replies.reply(session, services.defaults, talk, member, body.text, now)
        else:
            replies.note(session, talk, member, body.text, now)
    return _after(run, member, public_id)


@router.post("/conversations/{public_id}/assign")
def assign(public_id: str, body: AssignBody, run: RunningDep, member: Member) -> ConversationDetail:
    services, now = run.services, run.services.clock.now()
    with services.database.begin() as session:
        talk = access.conversation(session, StaffActor(member), public_id)
        if body.staff == "me":
            replies.take_over(session, services.defaults, talk, member, now)
        else:
            colleague = replies.assign(session, services.defaults, talk, member, body.staff, now)
            services.notices.assigned(session, talk, colleague, member, now)
    return _after(run, member, public_id)


@router.post("/conversations/{public_id}/resolve")
def resolve(public_id: str, body: ResolveBody, run: RunningDep, member: Member) -> ConversationDetail:
    services, now = run.services, run.services.clock.now()
    with services.database.begin() as session:
        talk = access.conversation(session, StaffActor(member), public_id)
        replies.resolve(session, services.defaults, talk, member, body.root_cause, body.solution, now)
    return _after(run, member, public_id)


@router.post("/conversations/{public_id}/urgency")
def urgency(public_id: str, body: UrgencyBody, run: RunningDep, member: Member) -> ConversationDetail:
    services, now = run.services, run.services.clock.now()
    with services.database.begin() as session:
        talk = access.conversation(session, StaffActor(member), public_id)
        replies.set_urgency(session, services.defaults, talk, member, Urgency(body.urgency), body.reason, now)
    return _after(run, member, public_id)


def _after(run: Running, member: Staff, public_id: str) -> ConversationDetail:
    run.worker.wake()
    run.hub.wake()
    with run.services.database.read() as session:
        return _detail(run, session, access.conversation(session, StaffActor(member), public_id))


def _detail(run: Running, session: Session, talk: Conversation) -> ConversationDetail:
    ticket = tickets.by_conversation(session, [talk.id]).get(talk.id)
    said = conversations.turns_after(session, talk.id, 0, notes=True)
    return ConversationDetail(**_conversation(run, talk, ticket).model_dump(), turns=[turn_json(turn) for turn in said])


def _conversation(run: Running, talk: Conversation, ticket: Ticket | None) -> ConversationOut:
    return ConversationOut(
        id=talk.public_id, channel=talk.channel, state=talk.state, subject=talk.subject, lang=talk.lang,
        updated_at=talk.updated_at.isoformat(), ticket=_ticket(run, ticket) if ticket else None,
    )  # fmt: skip


def _ticket(run: Running, ticket: Ticket) -> TicketOut:
    return TicketOut(
        name=ticket.name, title=ticket.title, state=ticket.state, urgency=ticket.urgency, category=ticket.category,
        opened_at=ticket.opened_at.isoformat(),
        first_response_due=ticket.first_response_due.isoformat() if ticket.first_response_due else None,
        resolution_due=ticket.resolution_due.isoformat() if ticket.resolution_due else None,
        status_url=f"{run.services.settings.base_url}/status/{ticket.public_id}",
    )  # fmt: skip


def _article(article: Article) -> ArticleOut:
    return ArticleOut(
        id=article.public_id, title=article.title, lang=article.lang, status=article.status,
        collection=article.collection, audience=article.audience, source=article.source,
        updated_at=article.updated_at.isoformat(),
    )  # fmt: skip
