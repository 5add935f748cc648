"""Who may do what: every address of the app times every kind of caller. A new address must be added here to pass."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from desk import incident_work, mail_threads, mails
from desk.models import Role, Urgency
from desk.staff import to_staff
from desk.tables import ConversationRow, IncidentRow, StaffRow, TicketRow, TurnRow
from kb.tables import ArticleRow
from tests.live import PASSWORD, Chat, LiveDesk, email_of
from tests.web.addresses import addresses
from web.mail.letters import Click, Links
from web.mail.ratings import RatingLinks, Vote

EVERYBODY = frozenset({"anonymous", "customer A", "customer B", "visitor", *Role})
STAFF = frozenset(Role)
WRITERS = frozenset({Role.EDITOR, Role.ADMIN})
LEADERS = frozenset({Role.MANAGER, Role.ADMIN})
VISITORS = frozenset({"visitor"})  # signed in on the site that shows the window
CUSTOMERS = frozenset({"customer A", "customer B", *VISITORS})


@dataclass(frozen=True)
class Door:
    allowed: frozenset[str]
    json: dict[str, Any] | None = None
    form: dict[str, str] = field(default_factory=dict)
    stream: bool = False
    missing: bool = False  # there is none of these here: who may enter is told so, nobody else learns it


LETTER = (
    b"From: alice@customers.example\nSubject: Till\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
    b"Content-Type: multipart/mixed; boundary=X\n\n--X\nContent-Type: text/plain\n\nIt is broken.\n--X\n"
    b"Content-Type: text/csv\nContent-Disposition: attachment; filename=till.csv\n\na,b\n--X--\n"
)
TEXTS = {"title_en": "VPN", "title_zh": "VPN", "notice_en": "We know.", "notice_zh": "已知。"}
OTHER_INCIDENT = "0" * 24
DOORS: dict[tuple[str, str], Door] = {
    # for everybody
    ("GET", "/"): Door(EVERYBODY),
    ("GET", "/demo"): Door(EVERYBODY),
    ("GET", "/widget.js"): Door(EVERYBODY),
    ("GET", "/widget-parts.js"): Door(EVERYBODY),
    ("GET", "/widget-mail.js"): Door(EVERYBODY),
    ("GET", "/favicon.ico"): Door(EVERYBODY),
    ("GET", "/static/..."): Door(EVERYBODY),
    ("GET", "/healthz"): Door(EVERYBODY),
    ("GET", "/api/v1/openapi.json"): Door(EVERYBODY),
    ("GET", "/articles/{public_id}"): Door(EVERYBODY),
    ("GET", "/status/{public_id}"): Door(EVERYBODY),  # its address is the right to see it
    ("GET", "/mail/{token}"): Door(EVERYBODY),  # as is its link
    ("POST", "/mail/{token}"): Door(EVERYBODY),
    ("GET", "/rate/{token}"): Door(EVERYBODY),
    ("POST", "/rate/{token}"): Door(EVERYBODY, form={"score": "4"}),
    ("GET", "/lang/{language}"): Door(EVERYBODY),
    ("GET", "/signin"): Door(EVERYBODY),
    ("POST", "/signin"): Door(EVERYBODY, form={"email": email_of(Role.AGENT), "password": PASSWORD}),
    ("POST", "/signout"): Door(EVERYBODY),
    # for a chat window: its own conversation only
    ("POST", "/api/v1/chat/sessions"): Door(EVERYBODY, json={"lang": "en"}),
    ("GET", "/api/v1/chat/turns"): Door(CUSTOMERS),
    ("GET", "/api/v1/chat/events"): Door(CUSTOMERS, stream=True),
    ("POST", "/api/v1/chat/mail"): Door(CUSTOMERS, json={"address": "a@customers.example"}, missing=True),
    ("POST", "/api/v1/chat/mail/confirm"): Door(CUSTOMERS, json={"code": "123456"}, missing=True),
    ("POST", "/api/v1/chat/links"): Door(VISITORS),
    ("POST", "/api/v1/chat/messages"): Door(CUSTOMERS, json={"client_id": "m", "text": "hello", "action": ""}),
    # for staff
    ("GET", "/inbox"): Door(STAFF),
    ("GET", "/inbox/list"): Door(STAFF),
    ("GET", "/inbox/events"): Door(STAFF, stream=True),
    ("GET", "/inbox/{public_id}"): Door(STAFF),
    ("GET", "/inbox/{public_id}/answers/{seq}"): Door(STAFF),
    ("POST", "/inbox/{public_id}/reply"): Door(STAFF, form={"text": "hello", "kind": "note"}),
    ("POST", "/inbox/{public_id}/assign"): Door(STAFF, form={"staff": "me"}),
    ("POST", "/inbox/{public_id}/release"): Door(STAFF),
    ("POST", "/inbox/{public_id}/resolve"): Door(STAFF, form={"root_cause": "tray"}),
    ("POST", "/inbox/{public_id}/urgency"): Door(STAFF, form={"urgency": "high", "reason": "many people"}),
    ("POST", "/inbox/{public_id}/customer/join"): Door(STAFF, form={"other": "FL-1"}, missing=True),
    ("POST", "/inbox/{public_id}/customer/part/{merge_id}"): Door(STAFF, missing=True),
    ("POST", "/inbox/{public_id}/withdraw"): Door(STAFF, form={"why": "mistake"}, missing=True),
    ("GET", "/inbox/{public_id}/merge"): Door(STAFF, missing=True),
    ("POST", "/inbox/{public_id}/merge"): Door(STAFF, form={"into": "FL-1"}, missing=True),
    ("POST", "/inbox/{public_id}/merge/{merge_id}/undo"): Door(STAFF, missing=True),
    ("GET", "/inbox/mails/{mail_id}"): Door(STAFF),
    ("GET", "/inbox/mails/{mail_id}/raw"): Door(STAFF),
    ("GET", "/inbox/mails/{mail_id}/files/{number}"): Door(STAFF),
    ("GET", "/incidents"): Door(STAFF),
    ("GET", "/incidents/{public_id}"): Door(STAFF),
    ("POST", "/incidents/{public_id}/open"): Door(STAFF, form={"urgency": "high", **TEXTS}),
    ("POST", "/incidents/{public_id}/text"): Door(STAFF, form=TEXTS),
    ("POST", "/incidents/{public_id}/tell"): Door(STAFF, form={"text_en": "News", "text_zh": "进展"}),
    ("POST", "/incidents/{public_id}/dismiss"): Door(STAFF),
    ("POST", "/incidents/{public_id}/again"): Door(STAFF),
    ("POST", "/incidents/{public_id}/members"): Door(STAFF, form={"ticket": "FL-1001"}),
    ("POST", "/incidents/{public_id}/members/remove"): Door(STAFF, form={"conversation": "{conversation}"}),
    ("POST", "/incidents/{public_id}/merge"): Door(STAFF, form={"into": OTHER_INCIDENT}),
    ("GET", "/api/v1/conversations"): Door(STAFF),
    ("GET", "/api/v1/conversations/{public_id}"): Door(STAFF),
    ("GET", "/api/v1/conversations/{public_id}/answers/{seq}"): Door(STAFF),
    ("POST", "/api/v1/conversations/{public_id}/replies"): Door(STAFF, json={"text": "hello", "kind": "note"}),
    ("POST", "/api/v1/conversations/{public_id}/assign"): Door(STAFF, json={"staff": "me"}),
    ("POST", "/api/v1/conversations/{public_id}/resolve"): Door(STAFF, json={}),
    ("POST", "/api/v1/conversations/{public_id}/urgency"): Door(STAFF, json={"urgency": "low", "reason": "alone"}),
    # for who leads the desk
    ("GET", "/reports/triage"): Door(LEADERS),
    # for readers and editors of the knowledge base
    ("POST", "/api/v1/search"): Door(STAFF, json={"text": "PRN-21"}),
    ("GET", "/api/v1/articles"): Door(STAFF),
    ("GET", "/knowledge"): Door(STAFF),
    ("GET", "/knowledge/upload"): Door(WRITERS),
    ("POST", "/knowledge/upload"): Door(WRITERS, form={"collection": "matrix"}),
    ("GET", "/knowledge/{public_id}"): Door(STAFF),
    ("POST", "/knowledge/{public_id}/publish"): Door(WRITERS),
    ("POST", "/knowledge/{public_id}/archive"): Door(WRITERS),
    # for administrators
    ("GET", "/metrics"): Door(frozenset({Role.ADMIN})),
    ("GET", "/deliveries"): Door(frozenset({Role.ADMIN})),
    ("GET", "/deliveries/letters"): Door(frozenset({Role.ADMIN})),
    ("GET", "/deliveries/letters/{kind}/{lang}"): Door(frozenset({Role.ADMIN})),
    ("POST", "/deliveries/pause"): Door(frozenset({Role.ADMIN}), form={"paused": ""}),
    ("POST", "/deliveries/{queue}/{item_id}"): Door(frozenset({Role.ADMIN}), form={"deed": "again"}),
    ("POST", "/hooks/mail/{mailbox}"): Door(frozenset({Role.ADMIN}), missing=True),
}


@pytest.fixture(scope="module")
def customer_a(live: LiveDesk) -> Chat:
    """A customer with an open ticket."""
    chat = live.chat()
    chat.ask("My salary is 48213, and the amount on the slip is wrong")
    chat.ask("I want to talk to a person")
    return chat


@pytest.fixture(scope="module")
def fill(live: LiveDesk, customer_a: Chat) -> Callable[[str], str]:
    """Puts real ids into a path: customer A's conversation and ticket, a public article."""
    with live.services.database.read() as session:
        ticket = session.scalar(select(TicketRow.public_id).order_by(TicketRow.id.desc()))
        article = session.scalar(select(ArticleRow.public_id).where(ArticleRow.source == "en/laptop.md"))
    talk = customer_a.conversation_id()

    def filled(path: str) -> str:
        if path == "/static/...":
            return "/static/app.css"
        if path.startswith("/incidents/"):
            return path.format(public_id=an_incident(live, talk, path.rpartition("/")[2]))
        if path.startswith("/rate/"):
            links = RatingLinks(live.services.secret_key, live.services.settings.base_url)
            return links.url(Vote(ticket or "", 4)).removeprefix(live.services.settings.base_url)
        if "mail" in path or path.startswith("/deliveries"):
            return path.format(**a_mail(live, customer_a))
        ids = {"/status": ticket, "/articles": article, "/knowledge": article}
        public_id = next((found for start, found in ids.items() if path.startswith(start)), talk)
        return path.format(public_id=public_id, language="zh", seq=2, merge_id=1)

    return filled


def a_mail(live: LiveDesk, customer_a: Chat) -> dict[str, object]:
    """A mail with an attachment that nobody answered, and a link as it stands in our mails."""
    services, now = live.services, live.services.clock.now()
    links = Links(services.secret_key, services.settings.base_url)
    with services.database.begin() as session:
        kept = mails.put(session, "support", LETTER + secrets.token_hex(8).encode(), "hook", now, "kept for this test")
        thread = mail_threads.open_thread(session, "support", "alice@customers.example", "Alice", "Till", now)
    link = links.url(Click(thread, secrets.token_hex(4), "helped"))
    return {
        "mail_id": kept,
        "number": 0,
        "token": link.rpartition("/")[2],
        "mailbox": "none",
        "queue": "mail",
        "item_id": kept,
        "kind": "answer",
        "lang": "en",
    }


def an_incident(live: LiveDesk, talk: str, deed: str) -> str:
    """The public id of a new incident on which this can be done."""
    services, now = live.services, live.services.clock.now()
    with services.database.begin() as session:
        member = to_staff(session.scalars(select(StaffRow)).first())
        talk_id = session.scalar(select(ConversationRow.id).where(ConversationRow.public_id == talk))
        words = {"en": "VPN", "zh": "VPN"}
        if session.scalar(select(IncidentRow).where(IncidentRow.public_id == OTHER_INCIDENT)) is None:
            other = incident_work.propose(session, words, words, [], [], now, now)
            session.execute(update(IncidentRow).where(IncidentRow.id == other.id).values(public_id=OTHER_INCIDENT))
        found = incident_work.propose(session, words, words, [], [talk_id or 0], now, now)
        if deed == "again":
            incident_work.dismiss(session, found, member, now)
        elif deed not in ("open", "dismiss"):
            ids, high = [talk_id or 0], Urgency.HIGH
            incident_work.open_incident(session, services.defaults, found, member, words, words, high, ids, now)
        return found.public_id


def caller(live: LiveDesk, who: str, customer_a: Chat) -> httpx.Client:
    if who in STAFF:
        client = live.browser()
        client.post("/signin", data={"email": email_of(Role(who)), "password": PASSWORD})  # a session of its own
        return client
    client = live.browser()
    if who != "anonymous":
        client.headers.update((customer_a if who == "customer A" else live.chat()).bearer)
    if who in VISITORS:
        session = {"t": secrets.token_hex(8), "l": "en", "u": "user:4711"}
        client.headers["Authorization"] = f"Bearer {live.app.state.running.chat_tokens.dumps(session)}"
    return client


def knock(client: httpx.Client, method: str, path: str, door: Door, talk: str = "") -> int:
    """The status of one call; where a browser is sent to sign in counts as 401."""
    form = {name: value.format(conversation=talk) for name, value in door.form.items()}
    if door.stream:
        with client.stream(method, path) as stream:
            answer = stream
    elif method == "GET":
        answer = client.get(path)
    elif path == "/knowledge/upload":
        answer = client.post(path, data=form, files={"files": ("m.md", b"# Matrix\n\nThe matrix is in room 7.\n")})
    elif door.json is not None:
        answer = client.post(path, json=door.json)
    else:
        answer = client.post(path, data=form)
    if answer.headers.get("location", "").startswith("/signin?next"):
        return 401
    return answer.status_code


def test_every_address_is_listed_here(live: LiveDesk) -> None:
    assert addresses(live.app) == sorted(DOORS)


def said(live: LiveDesk) -> list[tuple[int, str]]:
    """What staff ever said, how every ticket and article stands: what a refused call must not change."""
    with live.services.database.read() as session:
        by_staff = select(TurnRow.id, TurnRow.author).where(TurnRow.author.in_(["staff", "note", "system"]))
        turns = session.execute(by_staff).tuples().all()
        tickets = session.execute(select(TicketRow.id, TicketRow.urgency)).tuples().all()
        articles = session.execute(select(ArticleRow.id, ArticleRow.status)).tuples().all()
        found = session.execute(select(IncidentRow.id, IncidentRow.state)).tuples().all()
    return [*turns, *tickets, *articles, *found]


@pytest.mark.parametrize("who", sorted(EVERYBODY))
def test_each_caller_gets_what_is_theirs_and_nothing_else(
    live: LiveDesk, customer_a: Chat, fill: Callable[[str], str], who: str
) -> None:
    wrong, client = [], caller(live, who, customer_a)
    for (method, path), door in sorted(DOORS.items(), key=lambda item: item[0][1] in ("/signin", "/signout")):
        place = fill(path)
        before = said(live)
        status = knock(client, method, place, door, customer_a.conversation_id())
        if who in door.allowed:
            fine = status < 400 or (door.missing and status in (404, 422, 503))
        else:
            # A chat window's session is no matter of a staff session, nor the other way round.
            known = who in (STAFF if "/chat/" not in path else CUSTOMERS)
            fine = status == (403 if known else 401) and said(live) == before
        if not fine:
            wrong.append((method, path, status))
    assert wrong == []


def test_the_same_refusal_for_what_exists_and_what_does_not(live: LiveDesk, customer_a: Chat) -> None:
    talk = customer_a.conversation_id()
    for path in (
        "/inbox/{}", "/api/v1/conversations/{}", "/inbox/{}/answers/2", "/api/v1/conversations/{}/answers/2",
    ):  # fmt: skip
        client = live.browser(**customer_a.bearer)
        answers = [client.get(path.format(one)) for one in (talk, "0" * 24)]
        assert answers[0].status_code == answers[1].status_code
    agent = live.browser(Role.AGENT, Accept="application/json")
    assert agent.get("/api/v1/conversations/" + "0" * 24).status_code == 404
    assert agent.get("/api/v1/conversations/" + "0" * 24 + "/answers/2").status_code == 404


@pytest.mark.parametrize("guess", ["1", "FL-1001", "1001", "", "%", "' OR 1=1 --", "../inbox", "a" * 400, "%00"])
def test_a_status_page_cannot_be_guessed(live: LiveDesk, guess: str) -> None:
    answer = live.browser().get(f"/status/{guess}")
    assert answer.status_code == 404 or (guess == "../inbox" and answer.status_code == 303)
    assert "48213" not in answer.text


def test_what_is_for_staff_only_is_not_found_by_customers(live: LiveDesk) -> None:
    with live.services.database.read() as session:
        internal = session.scalar(select(ArticleRow.public_id).where(ArticleRow.audience == "internal"))
    assert live.browser().get(f"/articles/{internal}").status_code == 404
    assert "HSGATE" not in live.chat().ask("What is the break-glass account of the VPN gateway HSGATE-7741?")["text"]
    assert "HSGATE-7741" in live.browser(Role.AGENT).get(f"/knowledge/{internal}").text


@pytest.fixture(autouse=True)
def _article_stays_published(live: LiveDesk) -> Iterator[None]:
    """Later tests find the article that editors archived and published here."""
    yield
    editor = live.browser(Role.EDITOR)
    with live.services.database.read() as session:
        article = session.scalar(select(ArticleRow.public_id).where(ArticleRow.source == "en/laptop.md"))
    editor.post(f"/knowledge/{article}/publish")
