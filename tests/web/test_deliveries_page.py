"""What is stuck, on a page for administrators: everything is there, and each deed does what it says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from base.errors import DeliveryError, RetryLater
from base.i18n import translate
from channels.email.limits import MailRefused, Refusal
from desk import inbox, mails, outbox, staff, switches
from desk.models import Role
from desk.outbox import OutboxState
from desk.tables import AuditRow, InboxRow, OutboxRow
from tests.live import LOOPBACK
from tests.web.mail.conftest import desk as desk
from tests.web.mail.conftest import installation as installation
from tests.web.mail.made import PASSWORD, MailDesk, Writer
from tests.web.mail.served import Enter
from tests.web.mail.served import enter as enter
from web.app import create_app
from web.wiring import Services

pytestmark = pytest.mark.allow_hosts(LOOPBACK)


@pytest.fixture
def admin(enter: Enter) -> TestClient:
    return enter(Role.ADMIN)


def stuck(desk: MailDesk, *, deferred: bool = False) -> tuple[Writer, int]:
    """A customer whose answer was refused, for good unless told otherwise, and its id in the outbox."""
    wang = desk.customer()
    desk.faults.append(RetryLater("451 greylisted") if deferred else DeliveryError("550 no such user"))
    wang.write()
    with desk.services.database.read() as session:
        return wang, session.scalars(select(OutboxRow.id).where(OutboxRow.recipient == wang.address)).one()


def set_aside(desk: MailDesk) -> tuple[Writer, int]:
    wang = desk.customer()
    desk.reader.faults.append(MailRefused(Refusal.TOO_DEEP))
    return wang, wang.write().id


def state_of(desk: MailDesk, row: type[OutboxRow] | type[InboxRow], item: int) -> str | None:
    with desk.services.database.read() as session:
        return session.scalar(select(row.state).where(row.id == item))


def act(client: TestClient, queue: str, item: int | str, deed: str) -> int:
    return client.post(f"/deliveries/{queue}/{item}", data={"deed": deed}).status_code


def test_everything_that_is_stuck_is_on_one_page(desk: MailDesk, admin: TestClient) -> None:
    bounced, bounced_id = stuck(desk)
    deferred, _ = stuck(desk, deferred=True)
    unread, unread_id = set_aside(desk)
    holiday = desk.customer()
    kept = holiday.write("I am away", "Automatic reply: <b>x</b>")
    with desk.services.database.begin() as session:
        mails.report(session, "support", "wrong_password", "535 <b>no</b>", desk.clock.now())
    page = admin.get("/deliveries").text
    for words in (
        bounced.address, "550 no such user", deferred.address, "451 greylisted", "tried again later", "too_deep",
        f"/inbox/mails/{unread_id}", f'action="/deliveries/mail/{kept.id}"', f'action="/deliveries/outbox/{bounced_id}"',
        f"/inbox/{desk.talk(bounced.thread).public_id}", "support@shop.test", "wrong user or password",
        "535 &lt;b&gt;no", "not connected yet", "Automatic reply: &lt;b&gt;",
    ):  # fmt: skip
        assert words in page
    assert "<b>x</b>" not in page
    assert unread.got == holiday.got == []


def test_a_desk_on_which_all_is_well_says_so(
    make_services: Callable[..., Services],
) -> None:
    services = make_services(vector_index="exact")
    with services.database.begin() as session:
        staff.add(session, "Lin", "lin@shop.test", PASSWORD, Role.ADMIN, services.clock.now())
    client = TestClient(create_app(services), headers={"Accept": "text/html", "Accept-Language": "en"})
    client.post("/signin", data={"email": "lin@shop.test", "password": PASSWORD})
    page = client.get("/deliveries").text
    assert "Nothing is stuck." in page
    assert "No mailbox is configured." in page


@pytest.mark.parametrize("role", [Role.AGENT, Role.EDITOR, Role.MANAGER])
def test_what_is_stuck_is_for_administrators(desk: MailDesk, enter: Enter, role: Role) -> None:
    _, item = stuck(desk)
    client = enter(role)
    assert client.get("/deliveries").status_code == 403
    assert act(client, "outbox", item, "discard") == 403
    assert client.post("/deliveries/pause", data={"paused": "yes"}).status_code == 403
    assert state_of(desk, OutboxRow, item) == "bounced"
    assert "/deliveries" not in client.get("/inbox").text


def test_nobody_does_anything_without_signing_in_or_from_another_site(desk: MailDesk, enter: Enter) -> None:
    _, item = stuck(desk)
    assert act(enter(), "outbox", item, "again") == 401
    assert act(enter(Role.ADMIN, **{"Sec-Fetch-Site": "cross-site"}), "outbox", item, "again") == 403
    assert state_of(desk, OutboxRow, item) == "bounced"


def test_a_reply_that_was_refused_is_sent_again(desk: MailDesk, admin: TestClient) -> None:
    wang, item = stuck(desk)
    assert act(admin, "outbox", item, "again") == 303
    desk.answer()
    assert (state_of(desk, OutboxRow, item), len(wang.got)) == ("sent", 1)
    assert audited(desk) == ("again", f"outbox:{item}")
    assert act(admin, "outbox", item, "again") == 404


@pytest.mark.parametrize(("deed", "state"), [("sent", "sent"), ("discard", "dropped")])
def test_a_reply_is_settled(desk: MailDesk, admin: TestClient, deed: str, state: str) -> None:
    wang, item = stuck(desk)
    assert act(admin, "outbox", item, deed) == 303
    desk.answer()
    assert (state_of(desk, OutboxRow, item), wang.got) == (state, [])
    assert audited(desk) == (deed, f"outbox:{item}")


def test_a_mail_that_was_set_aside_is_read_again_or_discarded(desk: MailDesk, admin: TestClient) -> None:
    (wang, first), (li, second) = set_aside(desk), set_aside(desk)
    assert (act(admin, "mail", first, "again"), act(admin, "mail", second, "discard")) == (303, 303)
    desk.sort()
    desk.answer()
    assert (desk.row(first).state, desk.row(second).state) == ("taken", "discarded")
    assert (len(wang.got), len(li.got)) == (1, 0)


def test_a_mail_that_was_kept_is_answered_when_a_person_wrote_it(desk: MailDesk, admin: TestClient) -> None:
    wang = desk.customer()
    row = wang.write(lines=["Precedence: bulk"])
    assert act(admin, "mail", row.id, "discard") == 404
    assert act(admin, "mail", row.id, "answer") == 303
    desk.sort()
    desk.answer()
    assert (desk.row(row.id).state, len(wang.got)) == ("taken", 1)


def test_a_message_that_was_given_up_is_answered_again(desk: MailDesk, admin: TestClient) -> None:
    wang = desk.customer()
    desk.store(wang.mail())
    desk.sort()
    with desk.services.database.begin() as session:
        item = session.scalars(select(InboxRow.id).order_by(InboxRow.id.desc())).first() or 0
        session.execute(update(InboxRow).where(InboxRow.id == item).values(state=inbox.InboxState.DEAD, error="?!"))
    page = admin.get("/deliveries").text
    assert "given up" in page
    assert "?!" in page
    assert act(admin, "inbox", item, "discard") == 404
    assert act(admin, "inbox", item, "again") == 303
    desk.answer()
    assert (state_of(desk, InboxRow, item), len(wang.got)) == ("done", 1)


@pytest.mark.parametrize(
    ("queue", "item", "deed", "status"),
    [
        ("outbox", "987654", "again", 404), ("outbox", "0", "again", 404), ("outbox", "-1", "again", 404),
        ("outbox", "99999999999999999999", "again", 404), ("nowhere", "1", "again", 404), ("inbox", "1", "sent", 404),
        ("mail", "987654", "sent", 404), ("outbox", "1", "eat", 422), ("outbox", "x", "again", 422),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_not_done(admin: TestClient, queue: str, item: str, deed: str, status: int) -> None:
    assert act(admin, queue, item, deed) == status


def audited(desk: MailDesk) -> tuple[str, str]:
    with desk.services.database.read() as session:
        row = session.scalars(select(AuditRow).order_by(AuditRow.id.desc())).first()
        assert row is not None
        assert row.actor.startswith("staff:")
        return row.action, row.target


def test_while_sending_is_paused_nothing_leaves(desk: MailDesk, admin: TestClient) -> None:
    wang = desk.customer()
    assert admin.post("/deliveries/pause", data={"paused": "yes"}).status_code == 303
    try:
        wang.write()
        assert wang.got == []
        assert "sending is paused" in admin.get("/deliveries").text
        assert audited(desk) == ("turned_off", "switch:outbox")
    finally:
        assert admin.post("/deliveries/pause", data={"paused": ""}).status_code == 303
    assert audited(desk) == ("turned_on", "switch:outbox")
    assert "sending is paused" not in admin.get("/deliveries").text
    desk.answer()
    assert len(wang.got) == 1
    with desk.services.database.read() as session:
        assert switches.off(session) == []
        assert outbox.counts(session).get(OutboxState.QUEUED, 0) == 0


def test_the_page_speaks_the_readers_language(enter: Enter) -> None:
    client = enter(Role.ADMIN)
    client.cookies.set("firstline_lang", "zh")
    page = client.get("/deliveries").text
    assert '<html lang="zh' in page
    assert translate("Nothing is stuck.", "zh") in page or translate("To look at", "zh") in page
