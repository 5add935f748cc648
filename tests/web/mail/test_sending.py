"""A reply as its recipient gets it: in its thread, in their language, readable as text, and nothing in it that is not theirs."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from typing import Any

import pytest

from base.errors import Conflict, NotSent, RetryLater
from base.messages import Channel, Outbound, QuickReply
from channels.email.addresses import bare
from desk import conversations, outbox, replies
from desk.conversations import TurnDraft
from desk.models import Author, Role, Staff
from tests.web.mail.made import PERSON, QUESTION, SUPPORT, VPN, Gone, MailDesk, Writer, forged
from web.mail.letters import Click, Links, plain
from web.mail.office import Office

HOSTILE = "<script>alert(1)</script> & **bold** `code` <b>x</b>"


def staff_reply(desk: MailDesk, wang: Writer, text: str, member: Staff | None = None) -> Gone:
    with desk.services.database.begin() as session:
        replies.reply(
            session, desk.services.defaults, desk.talk(wang.thread), member or desk.member(), text, desk.clock.now()
        )
    desk.answer()
    return wang.got[-1]


def bot_reply(desk: MailDesk, wang: Writer, **what: Any) -> Gone:
    """A mail of the bot's that says exactly this."""
    talk, now = desk.talk(wang.thread), desk.clock.now()
    with desk.services.database.begin() as session:
        [turn] = conversations.add_turns(session, talk.id, [TurnDraft(Author.BOT, "x", "en")], now)
        known: dict[str, Any] = {
            "key": f"turn-{turn.id}", "channel": Channel.EMAIL, "thread_id": wang.thread, "text": "x", "lang": "en",
        }  # fmt: skip
        outbox.put(session, Outbound(**{**known, **what}), talk.id, turn.id, now)
    desk.answer()
    return wang.got[-1]


def ids(value: str) -> list[str]:
    return re.findall(r"<([^>]+)>", value)


def test_every_mail_continues_its_thread(desk: MailDesk) -> None:
    wang = desk.customer()
    first = wang.write(subject="Re: Printer", message_id="w1@customers.test")
    desk.clock.advance(minutes=5)
    second = wang.reply(VPN, message_id="w2@customers.test")
    one, two = wang.got
    assert first.thread_id == second.thread_id
    assert (one["In-Reply-To"], ids(one["References"])) == ("<w1@customers.test>", ["w1@customers.test"])
    assert (two["In-Reply-To"], ids(two["References"])) == (
        "<w2@customers.test>", ["w1@customers.test", one.id, "w2@customers.test"],
    )  # fmt: skip
    assert one["Subject"] == two["Subject"] == "Re: Printer"
    assert one.id != two.id
    signer = desk.services.office.signer
    assert {signer.read_message_id(gone.id) for gone in (one, two)} == {wang.thread}
    token = signer.read_address(one.reply_to)
    assert token is not None
    assert token.thread == wang.thread


def test_a_mail_says_that_it_is_automatic_and_whose_it_is(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    [gone] = wang.got
    assert (gone["From"], gone["To"]) == (f"Haisong IT <{SUPPORT}>", f"Fang Wang <{wang.address}>")
    assert (gone["Auto-Submitted"], gone["X-Auto-Response-Suppress"]) == ("auto-replied", "All")
    assert gone["X-Firstline-Loop"] == desk.services.office.loop_mark
    assert gone["Content-Language"] == "en"
    assert (bare(gone.sender), gone.sender == SUPPORT) == (SUPPORT, False)  # what comes back names this mail


def test_a_colleagues_mail_is_in_their_name_and_not_automatic(desk: MailDesk) -> None:
    wang, ada = desk.customer(), desk.member()
    wang.write()
    gone = staff_reply(desk, wang, "Please load paper.", ada)
    assert gone["From"] == f'"{ada.name} (Haisong IT)" <{SUPPORT}>'
    assert (gone["Auto-Submitted"], gone["X-Auto-Response-Suppress"]) == ("", "")
    assert gone["X-Firstline-Loop"] == desk.services.office.loop_mark
    assert f"-- \n{ada.name}, Haisong IT\n" in gone.body()
    assert "assistant" not in gone.everything


def test_a_mailbox_without_plus_addresses_asks_for_answers_to_itself(desk: MailDesk) -> None:
    wang = desk.customer()
    desk.deliver(wang.mail(to="sales@shop.test"), mailbox="sales")
    [gone] = wang.got
    assert (gone["From"], gone["Reply-To"], gone.sender) == (
        "Haisong IT <sales@shop.test>", "", "sales@shop.test",
    )  # fmt: skip
    assert gone.id.endswith("@shop.test")


def test_a_mail_without_a_subject_gets_one_and_a_tickets_name(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write(subject="")
    wang.reply(PERSON, subject="")
    assert [gone["Subject"] for gone in wang.got] == [
        "Re: Your message to Haisong IT", f"Re: Your message to Haisong IT [{desk.ticket(wang.thread).name}]",
    ]  # fmt: skip


def test_a_long_subject_leaves_room_for_the_tickets_name(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write(PERSON, "打印机坏了" * 80)
    assert wang.got[-1]["Subject"].endswith(f"[{desk.ticket(wang.thread).name}]")


def test_the_text_alone_says_all_there_is(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    [gone] = wang.got
    text = gone.body()
    assert text.startswith("Hello Fang Wang,\n\n")
    assert "Load A4 paper, 80 g/m²" in text
    assert re.search(r"\[1\] Printer shows PRN-21: paper tray empty\n    http://127\.0\.0\.1:8000/articles/\w+\n", text)
    assert re.search(r"- This helped: http://127\.0\.0\.1:8000/mail/[\w.-]+\n", text)
    assert re.search(r"- Still not working: http://127\.0\.0\.1:8000/mail/[\w.-]+\n", text)
    assert "-- \nHaisong IT\n" in text
    assert not re.search(r"<[a-z/!]|&[a-z]+;|&#|\*\*|\n{3}", text)
    assert max(len(line) for line in gone.raw.splitlines()) <= 998


def test_both_forms_of_a_mail_say_the_same(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    [gone] = wang.got
    html = gone.body("html")
    for url in re.findall(r"http://\S+", gone.body()):
        assert f'href="{url}"' in html
    assert "tray 2 is empty" in html
    assert "Hello Fang Wang," in html
    assert gone.message.get_content_type() == "multipart/alternative"


def test_what_a_button_links_to_is_what_it_says(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    [gone] = wang.got
    links = Links(desk.services.secret_key, desk.services.settings.base_url)
    tokens = re.findall(r"/mail/([\w.-]+)", gone.body())
    clicks = [links.read(token) for token in tokens]
    assert [(one.thread, one.action) for one in clicks if one] == [
        (wang.thread, "helped"), (wang.thread, "not_helped"),
    ]  # fmt: skip
    assert len({one.key for one in clicks if one}) == 1


@pytest.mark.parametrize("token", ["", "x", "a.b", "Ww.é", "\x00", "a" * 5000, "W10.sig"])
def test_a_link_that_is_not_ours_says_nothing(token: str) -> None:
    links = Links("a secret", "http://desk.test")
    assert links.read(token) is None
    real = links.url(Click("t", "turn-1", "helped")).rpartition("/")[2]
    assert links.read(real) == Click("t", "turn-1", "helped")
    assert links.read(forged(real)) is None
    assert Links("another secret", "http://desk.test").read(real) is None


def test_choices_are_numbered_and_linked(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    choices = (QuickReply("VPN in a hotel", "choose:a1"), QuickReply("VPN at home", "choose:a2"))
    gone = bot_reply(desk, wang, text="Which one?", quick_replies=(*choices, QuickReply("None of these", "not_helped")))
    text = gone.body()
    assert re.search(r"1\. VPN in a hotel\n   http\S+/mail/\S+\n2\. VPN at home\n   http\S+/mail/\S+\n", text)
    assert "- None of these: http" in text
    assert "with the number" in text
    assert "1. VPN in a hotel</a>" in gone.body("html")


def test_nothing_in_an_answer_or_a_name_becomes_markup(desk: MailDesk) -> None:
    wang = desk.customer("<script>alert(2)</script>")
    wang.write(subject="<script>alert(3)</script>")
    for gone in (
        bot_reply(desk, wang, text=HOSTILE, quick_replies=(QuickReply("<script>4", "helped"),)),
        staff_reply(desk, wang, HOSTILE),
    ):
        html = gone.body("html")
        assert "<script" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; " in html
        assert "&lt;script&gt;alert(2)" in html
        assert "<b>x</b>" not in html
        assert "<script>alert(1)</script> & " in gone.body()  # text is text
        assert "&amp;" not in gone.body()


def test_a_reply_is_bold_where_it_was_meant_and_plain_in_the_text(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    gone = bot_reply(desk, wang, text="Press **Menu**, then `OK`.")
    assert "<strong>Menu</strong>" in gone.body("html")
    assert "Press Menu, then OK." in gone.body()
    assert plain("**a** `b` * c ** d") == "a b * c ** d"


def test_no_note_of_staff_is_ever_in_a_mail(desk: MailDesk) -> None:
    wang, ada = desk.customer(), desk.member(Role.MANAGER)
    wang.write(PERSON, lines=["Cc: boss@customers.test"])
    with desk.services.database.begin() as session:
        replies.note(session, desk.talk(wang.thread), ada, "INTERNAL: he is a difficult one", desk.clock.now())
    desk.answer()
    staff_reply(desk, wang, "Please load paper.", ada)
    wang.reply(VPN)
    desk.solve(wang.thread)
    assert len(desk.notes(wang.thread)) == 2
    assert len(wang.got) >= 3
    for gone in desk.sent:
        assert "INTERNAL" not in gone.everything
        assert "boss@customers.test" not in gone.everything


def test_a_reply_in_chinese_is_a_chinese_mail(desk: MailDesk) -> None:
    wang = desk.customer("王芳")
    wang.write("忘记密码怎么重置？", "密码")
    [gone] = wang.got
    assert gone["Content-Language"] == "zh"
    assert '<html lang="zh-CN">' in gone.body("html")
    assert "新密码的要求" in gone.body()
    assert "有帮助: http" in gone.body()
    wang.reply(PERSON)
    assert wang.got[-1]["Content-Language"] == "en"


def test_a_mailbox_that_is_configured_no_more_lets_its_replies_wait(
    desk: MailDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    wang = desk.customer()
    desk.store(wang.mail())
    desk.sort()
    office = desk.services.office
    with monkeypatch.context() as patch:
        patch.setattr(desk.room.door, "_office", Office((), office.signer, office.loop_mark))
        desk.answer()
    assert wang.got == []
    desk.clock.advance(hours=2)
    desk.answer()
    assert len(wang.got) == 1


def test_what_the_server_refuses_for_now_leaves_later_under_the_same_id(desk: MailDesk) -> None:
    wang = desk.customer()
    desk.faults.append(RetryLater("451 greylisted", retry_after_seconds=300))
    row = wang.write()
    assert desk.outbox(row.thread_id) == [("deferred", "451 greylisted")]
    desk.clock.advance(minutes=6)
    desk.answer()
    assert len(wang.got) == 1
    assert desk.outbox(row.thread_id)[0][0] == "sent"


def test_where_there_is_no_thread_nothing_is_sent(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    outbound = Outbound(key="turn-0", channel=Channel.EMAIL, thread_id=wang.thread, text="x", lang="en")
    with pytest.raises(NotSent):
        desk.room.door.prepare(replace(outbound, thread_id=secrets.token_hex(8)))
    with pytest.raises(Conflict):  # nobody has claimed it: it is not in the outbox
        desk.room.door.prepare(outbound)
    assert desk.room.door.parse(b"x", {}) == []


def test_a_question_by_mail_is_answered_where_it_came_in(desk: MailDesk) -> None:
    wang = desk.customer()
    desk.deliver(wang.mail(QUESTION, to="sales@shop.test"), mailbox="sales")
    first = wang.got[-1]
    assert first.reply_to == "sales@shop.test"
    row = desk.deliver(wang.answering(VPN), mailbox="support")  # it was redirected
    assert (row.state, row.how) == ("taken", "message_id")
    assert wang.got[-1].sender == "sales@shop.test"
