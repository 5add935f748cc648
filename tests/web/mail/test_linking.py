"""Who is signed in on the page writes from their own mail program, and it is them; everybody else gains nothing by it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
import pytest
from fastapi.testclient import TestClient

from base.messages import Channel
from channels.email.links import take_out
from channels.email.mime import read_mail
from desk import access, conversations, customers, identities
from desk.access import ThreadActor
from desk.identities import Proof
from desk.models import Author, Conversation, Role, Turn
from desk.proof_tables import LinkRow
from tests.web.mail.made import ANSWER, PERSON, QUESTION, SUPPORT, VPN, MailDesk, Writer, mail
from tests.web.mail.served import SITE, Enter
from tests.web.mail.served import enter as enter

MALLORY = "mallory@evil.test"


def signed(subject: str, **claims: Any) -> str:
    return jwt.encode({"sub": subject, "aud": "firstline", "exp": time.time() + 600, **claims}, SITE, algorithm="HS256")


@dataclass
class Window:
    """The chat window of somebody who is signed in on the site; of nobody without a subject."""

    desk: MailDesk
    client: TestClient
    subject: str
    lang: str = "en"

    def __post_init__(self) -> None:
        who = {"user_token": signed(self.subject, name="Fang Wang")} if self.subject else {}
        self.opened = self.client.post("/api/v1/chat/sessions", json={"lang": self.lang, **who}).json()
        self.client.headers["Authorization"] = f"Bearer {self.opened['session']}"

    def say(self, text: str = QUESTION) -> None:
        body = {"client_id": secrets.token_hex(8), "text": text}
        assert self.client.post("/api/v1/chat/messages", json=body).status_code == 202
        self.desk.answer()

    def link(self) -> dict[str, str]:
        answer = self.client.post("/api/v1/chat/links")
        assert answer.status_code == 201, answer.text
        found: dict[str, str] = answer.json()
        return found

    @property
    def talk(self) -> Conversation:
        with self.desk.services.database.read() as session:
            found = access.conversation_of_thread(session, ThreadActor(Channel.WEBCHAT, self.opened["conversation"]))
        assert found is not None
        return found

    def turns(self, author: Author) -> list[Turn]:
        with self.desk.services.database.read() as session:
            every = conversations.turns_after(session, self.talk.id, 0, notes=True)
        return [turn for turn in every if turn.author is author]

    def addresses(self) -> list[str]:
        """The mail addresses of the customer who is signed in."""
        with self.desk.services.database.read() as session:
            customer = customers.find(session, Channel.WEBCHAT, f"user:{self.subject}")
            assert customer is not None
            known = identities.of_customer(session, customer.id)
        return [one.external_id for one in known if one.channel == Channel.EMAIL]


NewWindow = Callable[..., Window]


@pytest.fixture
def window(desk: MailDesk, enter: Enter) -> NewWindow:
    def made(lang: str = "en", text: str = QUESTION, subject: str = "") -> Window:
        found = Window(desk, enter(Accept="application/json"), subject or secrets.token_hex(4), lang)
        if text:
            found.say(text)
        return found

    return made


def opened(mailto: str) -> tuple[str, str, str]:
    """Address, subject and body as a mail program opens them."""
    parts = urlsplit(mailto)
    fields = parse_qs(parts.query)
    return unquote(parts.path), fields["subject"][0], fields["body"][0]


def written(link: dict[str, str], sender: str, text: str = "", **how: Any) -> bytes:
    to, subject, body = opened(link["mailto"])
    return mail(sender, f"{text}{body}", subject, to=to, **how)


def test_a_mail_by_the_link_is_the_next_message_of_the_conversation_and_answers_go_there(
    desk: MailDesk, window: NewWindow
) -> None:
    wang, page = desk.customer(), window()
    row = desk.deliver(written(page.link(), wang.sender, "And what does VPN error 809 in a hotel mean?"))
    assert (row.state, row.how, row.subject) == ("taken", "link", QUESTION)
    assert [turn.text for turn in page.turns(Author.CUSTOMER)] == [
        QUESTION,
        "And what does VPN error 809 in a hotel mean?",
    ]
    assert page.addresses() == [wang.address]
    [told] = page.turns(Author.SYSTEM)
    assert wang.address in told.text
    [note] = page.turns(Author.NOTE)
    assert (wang.address in note.text, "Fang Wang" in note.text) == (True, True)
    [answer] = wang.got
    assert "809" in answer.body()
    wang.reply(PERSON)
    assert page.turns(Author.CUSTOMER)[-1].text == PERSON
    page.say("I am back in the window.")
    assert len(wang.got) == 2


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_mail_that_is_sent_as_it_was_opened_is_no_question(desk: MailDesk, window: NewWindow, lang: str) -> None:
    wang, page = desk.customer(), window(lang, "打印机显示 PRN-21，是什么意思？" if lang == "zh" else QUESTION)
    row = desk.deliver(written(page.link(), wang.sender))
    assert (row.state, row.how) == ("taken", "link")
    assert len(page.turns(Author.CUSTOMER)) == 1
    [begun] = wang.got
    assert ANSWER in begun.body()  # with what was said last, to be answered
    assert wang.reply(PERSON).state == "taken"
    assert page.turns(Author.CUSTOMER)[-1].text == PERSON


def test_without_a_conversation_the_mail_begins_one_of_the_signed_in_customer(
    desk: MailDesk, window: NewWindow
) -> None:
    wang, page = desk.customer(), window(text="")
    row = desk.deliver(written(page.link(), wang.sender, VPN))
    assert (row.state, row.how, page.addresses()) == ("taken", "new", [wang.address])
    assert desk.said(row.thread_id) == [f"My question\n\n{VPN}"]
    with desk.services.database.read() as session:
        assert customers.get(session, desk.talk(row.thread_id).customer_id).name == "Fang Wang"


def test_who_wrote_by_mail_before_is_one_customer_from_then_on_and_staff_can_part_them(
    desk: MailDesk, window: NewWindow, enter: Enter
) -> None:
    wang, page = desk.customer(), window()
    wang.write(VPN, "VPN")
    desk.deliver(written(page.link(), wang.sender, "Hello again"))
    assert desk.talk(wang.thread).customer_id == page.talk.customer_id
    staff, card = enter(Role.AGENT), f"/inbox/{page.talk.public_id}"
    side = staff.get(card).text.partition('id="side"')[2]
    assert "joined by a link from a page of yours where they are signed in" in side
    undo = side.partition("/customer/part/")[2].partition('"')[0]
    assert staff.post(f"{card}/customer/part/{undo}").status_code == 303
    assert desk.talk(wang.thread).customer_id != page.talk.customer_id
    before = len(wang.got)
    page.say("Something that is only for the window")
    staff.post(f"{card}/reply", data={"text": "Only for the window, too", "kind": "reply"})
    desk.answer()
    assert len(wang.got) == before


def test_the_token_is_nowhere_once_the_mail_is_read(desk: MailDesk, window: NewWindow, enter: Enter) -> None:
    wang, page = desk.customer(), window()
    link = page.link()
    row = desk.deliver(written(link, wang.sender, VPN, dmarc=""))  # not used up: it still stands for somebody
    assert row.state == "taken"
    staff = enter(Role.ADMIN)
    for place in (f"/inbox/mails/{row.id}", f"/inbox/{desk.talk(row.thread_id).public_id}", "/deliveries"):
        assert link["token"] not in staff.get(place).text
    assert link["token"] not in repr([row.subject, desk.turns(row.thread_id), [one.everything for one in desk.sent]])
    with desk.services.database.read() as session:
        assert link["token"] not in repr([vars(one) for one in session.query(LinkRow)])


Spoof = Callable[[MailDesk, NewWindow, Window], bytes]


def used(desk: MailDesk, page: Window) -> dict[str, str]:
    link = page.link()
    desk.deliver(written(link, desk.customer().sender))
    return link


def expired(desk: MailDesk, page: Window) -> dict[str, str]:
    link = page.link()
    with desk.services.database.begin() as session:
        for row in session.query(LinkRow):
            row.expires_at -= timedelta(minutes=30)
    return link


def by_subject(link: dict[str, str]) -> str:
    return f"Hello [link {link['token']}]"


SPOOFED: dict[str, Spoof] = {
    "a link that was used": lambda d, w, p: written(used(d, p), MALLORY, VPN),
    "a link that was used, in the subject": lambda d, w, p: mail(MALLORY, VPN, by_subject(used(d, p))),
    "a link that is too old": lambda d, w, p: written(expired(d, p), MALLORY, VPN),
    "a made-up link": lambda d, w, p: mail(MALLORY, VPN, to=f"support+link-{'a' * 26}@shop.test"),
    "a made-up link in the subject": lambda d, w, p: mail(MALLORY, VPN, f"Hello [link {'a' * 26}]"),
    "a good link, nobody vouches for the sender": lambda d, w, p: written(p.link(), MALLORY, VPN, dmarc=""),
    "a good link, the sender's domain disowns it": lambda d, w, p: written(p.link(), MALLORY, VPN, dmarc="fail"),
    "a good link, another server vouches": lambda d, w, p: written(
        p.link(), MALLORY, VPN, dmarc="", lines=["Authentication-Results: mx.evil.test; dmarc=pass header.from=evil.test"]
    ),
    "a good link, another domain is vouched for": lambda d, w, p: written(
        p.link(), MALLORY, VPN, dmarc="",
        lines=["Authentication-Results: mx.shop.test; dmarc=pass header.from=other.test"],
    ),
    "a good link, two senders": lambda d, w, p: written(p.link(), MALLORY, VPN, lines=["From: wang@customers.test"]),
    "a good link, a form that names somebody": lambda d, w, p: written(
        p.link(), "no-reply@evil.test", VPN, lines=[f"Reply-To: {MALLORY}"]
    ),
    "a good link that a machine sends": lambda d, w, p: written(
        p.link(), MALLORY, VPN, lines=["Auto-Submitted: auto-replied"]
    ),
    "the link of another customer": lambda d, w, p: written(w().link(), MALLORY, VPN),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOOFED)
def test_a_link_that_is_not_good_joins_nobody_and_shows_nothing(desk: MailDesk, window: NewWindow, name: str) -> None:
    page = window()
    page.say(f"{PERSON}. My code word is albatross")
    raw = SPOOFED[name](desk, window, page)
    before = [turn for one in (Author.CUSTOMER, Author.BOT, Author.SYSTEM) for turn in page.turns(one)]
    addresses = page.addresses()
    desk.sent.clear()
    row = desk.deliver(raw)
    assert row.state in ("taken", "noted")
    assert [turn for one in (Author.CUSTOMER, Author.BOT, Author.SYSTEM) for turn in page.turns(one)] == before
    assert page.addresses() == addresses
    assert MALLORY not in addresses
    assert not any("albatross" in one.everything for one in desk.sent)
    if row.state == "taken" and name != "the link of another customer":
        assert any("brings a link from a signed-in page" in note for note in desk.notes(row.thread_id))


def test_a_mail_that_nobody_vouches_for_does_not_use_the_link_up(desk: MailDesk, window: NewWindow) -> None:
    wang, page = desk.customer(), window()
    link = page.link()
    for how in ({"dmarc": ""}, {"dmarc": "fail"}, {"lines": ["Auto-Submitted: auto-replied"]}):
        desk.deliver(written(link, MALLORY, VPN, **how))
    desk.deliver(written(link, wang.sender, "Now it is me."))
    assert page.addresses() == [wang.address]
    assert page.turns(Author.CUSTOMER)[-1].text == "Now it is me."


def test_a_link_joins_with_the_customer_it_was_made_for_and_no_other(desk: MailDesk, window: NewWindow) -> None:
    wang, one, other = desk.customer(), window(), window()
    desk.deliver(written(one.link(), wang.sender, "Hello"))
    assert (one.addresses(), other.addresses()) == ([wang.address], [])
    assert one.talk.customer_id != other.talk.customer_id
    with desk.services.database.read() as session:
        assert [merge.proof for merge in identities.merges_of(session, one.talk.customer_id)] == [Proof.LINK]


def test_the_same_mail_by_two_mailboxes_is_one_mail(desk: MailDesk, window: NewWindow) -> None:
    wang, page = desk.customer(), window()
    raw = written(page.link(), wang.sender, VPN, lines=["Cc: sales@shop.test"])
    assert (desk.deliver(raw).state, desk.deliver(raw, mailbox="sales").state) == ("taken", "duplicate")
    assert [turn.text for turn in page.turns(Author.CUSTOMER)] == [QUESTION, VPN]


def test_an_answer_to_another_thread_that_brings_a_link_joins_and_goes_on_where_the_link_was_made(
    desk: MailDesk, window: NewWindow
) -> None:
    wang, page = desk.customer(), window()
    wang.write(VPN, "VPN")
    row = wang.reply("And this?", subject=by_subject(page.link()), to=SUPPORT)
    assert (row.how, page.turns(Author.CUSTOMER)[-1].text) == ("link", "And this?")


def test_who_holds_a_good_link_is_believed_so_the_window_and_staff_are_told_at_once(
    desk: MailDesk, window: NewWindow
) -> None:
    thief, page = desk.customer().address, window()
    desk.deliver(written(page.link(), thief, VPN))
    assert any(thief in turn.text for turn in page.turns(Author.SYSTEM))
    assert any(thief in turn.text for turn in page.turns(Author.NOTE))
    with desk.services.database.begin() as session:
        [merge] = identities.merges_of(session, page.talk.customer_id)
        identities.undo(session, merge.id, "staff:1", desk.clock.now())
    desk.sent.clear()
    page.say(PERSON)
    assert (desk.sent, page.addresses()) == ([], [])


def test_only_who_is_signed_in_gets_a_link(desk: MailDesk, enter: Enter) -> None:
    stranger = Window(desk, enter(Accept="application/json"), "")
    for headers, said in (({}, "Sign in on our page first"), ({"Accept-Language": "zh"}, "请先在我们的页面登录")):
        refused = stranger.client.post("/api/v1/chat/links", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_signed_in")
        assert said in refused.json()["detail"]
    assert enter().post("/api/v1/chat/links").status_code == 401


def test_links_are_limited_for_each_visitor_whatever_window_they_ask_from(desk: MailDesk, window: NewWindow) -> None:
    page = window(text="")
    said = [window(text="", subject=page.subject).client.post("/api/v1/chat/links") for _ in range(21)]
    assert [one.status_code for one in said] == [201] * 20 + [429]
    assert int(said[-1].headers["Retry-After"]) > 0
    assert window(text="").client.post("/api/v1/chat/links").status_code == 201


def test_a_link_says_when_it_ends_and_what_the_mail_program_opens(desk: MailDesk, window: NewWindow) -> None:
    page = window("zh", "打印机显示 PRN-21")
    link = page.link()
    assert link["expires_at"] == (desk.clock.now() + timedelta(minutes=30)).isoformat().replace("+00:00", "Z")
    to, subject, body = opened(link["mailto"])
    assert (to, subject) == (f"support+link-{link['token']}@shop.test", "打印机显示 PRN-21")
    assert "请保留上面的收件地址" in body
    assert take_out(read_mail(written(link, MALLORY)))[0] == link["token"]


def test_a_customer_who_is_not_signed_in_any_more_keeps_what_was_joined(desk: MailDesk, window: NewWindow) -> None:
    wang, page = desk.customer(), window()
    desk.deliver(written(page.link(), wang.sender, "Hello"))
    row = Writer(desk, wang.address, "").write(VPN, "Something new")
    assert row.how == "new"
    assert desk.talk(row.thread_id).customer_id == page.talk.customer_id
