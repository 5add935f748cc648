"""Mail over HTTP: the hook for mail servers, the links in our mails, whole mails for staff."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from base.i18n import translate
from desk.mail_tables import MailRow
from desk.models import ConversationState, Role
from tests.live import LOOPBACK
from tests.web.mail.conftest import desk as desk
from tests.web.mail.conftest import installation as installation
from tests.web.mail.made import QUESTION, MailDesk, Writer, mail
from tests.web.mail.served import TOKEN, Enter
from tests.web.mail.served import enter as enter
from web.app import create_app
from web.mail.letters import Click, Links

pytestmark = pytest.mark.allow_hosts(LOOPBACK)


@pytest.fixture
def program(enter: Enter) -> TestClient:
    """A mail server that hands us mails."""
    return enter(Accept="application/json", Authorization=f"Bearer {TOKEN}")


def hand_over(client: TestClient, raw: bytes, mailbox: str = "support") -> tuple[int, object]:
    answer = client.post(f"/hooks/mail/{mailbox}", content=raw, headers={"Content-Type": "message/rfc822"})
    return answer.status_code, answer.json().get("stored")


def test_a_mail_that_is_handed_over_is_stored_byte_by_byte_and_answered(desk: MailDesk, program: TestClient) -> None:
    wang = desk.customer()
    raw = wang.mail() + b"\r\n\xff\xfe"
    assert hand_over(program, raw) == (202, True)
    assert hand_over(program, raw) == (202, False)
    assert hand_over(program, raw, "sales") == (202, True)
    with desk.services.database.read() as session:
        row = session.scalars(select(MailRow).order_by(MailRow.id.desc()).limit(1).offset(1)).one()
        assert (row.raw, row.source, row.mailbox, row.state) == (raw, "hook", "support", "received")
    desk.sort()
    desk.answer()
    assert len(wang.got) == 1


def test_the_envelope_can_be_named_beside_the_mail(desk: MailDesk, program: TestClient) -> None:
    wang = desk.customer()
    wang.write()
    words = "The following recipient could not be reached: 550 User unknown"
    raw = mail("MAILER-DAEMON@customers.test", words, "Undelivered", dmarc="", to="undisclosed-recipients:;")
    envelope = {"recipient": wang.got[-1].sender, "sender": ""}
    assert program.post("/hooks/mail/support", params=envelope, content=raw).status_code == 202
    desk.sort()
    assert [state for state, _ in desk.outbox(wang.thread)] == ["bounced"]


def test_a_mail_that_is_larger_than_its_mailbox_takes_is_refused_with_the_limit(
    desk: MailDesk, program: TestClient
) -> None:
    raw, before = desk.customer().mail("x" * 100_000), mail_count(desk)
    answer = program.post("/hooks/mail/sales", content=raw)
    assert (answer.status_code, answer.json()["code"], mail_count(desk)) == (413, "too_large", before)
    assert "98 KB" in answer.text
    assert hand_over(program, raw) == (202, True)


@pytest.mark.parametrize("envelope", [{"recipient": "a b@shop.test"}, {"sender": "a@b.test>\r\nX-Header: 1"}])
def test_an_envelope_that_is_none_is_refused(desk: MailDesk, program: TestClient, envelope: dict[str, str]) -> None:
    before = mail_count(desk)
    answer = program.post("/hooks/mail/support", params=envelope, content=desk.customer().mail())
    assert (answer.status_code, mail_count(desk)) == (422, before)


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x"])
def test_whoever_has_no_token_hands_over_nothing(desk: MailDesk, enter: Enter, given: str) -> None:
    client = enter(Accept="application/json", Authorization=given)
    before = mail_count(desk)
    assert hand_over(client, desk.customer().mail())[0] == 401
    assert hand_over(client, b"x", "no-such-mailbox")[0] == 401
    assert mail_count(desk) == before


def test_an_installation_without_a_token_takes_mails_from_administrators_only(desk: MailDesk, enter: Enter) -> None:
    settings = desk.services.settings
    assert settings.mail_hook_token.get_secret_value() == ""
    closed = TestClient(create_app(desk.services), headers={"Accept": "application/json", "Authorization": "Bearer "})
    assert hand_over(closed, desk.customer().mail())[0] == 401
    accept = {"Accept": "application/json"}
    assert hand_over(enter(Role.ADMIN, **accept), desk.customer().mail()) == (202, True)
    assert hand_over(enter(Role.MANAGER, **accept), desk.customer().mail())[0] == 403


def test_a_mail_for_a_mailbox_that_is_not_configured_is_not_taken(desk: MailDesk, program: TestClient) -> None:
    before = mail_count(desk)
    for name in ("old", "Support", "support%2F..", "%00", "a" * 500):
        assert hand_over(program, desk.customer().mail(), name)[0] == 404
    assert mail_count(desk) == before


def test_a_mail_that_is_too_large_is_refused(desk: MailDesk, program: TestClient) -> None:
    before = mail_count(desk)
    status, stored = hand_over(program, desk.customer().mail("x" * 3_000_000))
    assert (status, stored) == (413, None)
    assert mail_count(desk) == before


def test_what_is_no_mail_is_stored_all_the_same_and_set_aside(desk: MailDesk, program: TestClient) -> None:
    raw = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600 + str(mail_count(desk)).encode()
    assert hand_over(program, raw) == (202, True)
    desk.sort()
    with desk.services.database.read() as session:
        assert session.scalar(select(MailRow.state).where(MailRow.raw == raw)) == "quarantined"


def mail_count(desk: MailDesk) -> int:
    with desk.services.database.read() as session:
        return int(session.scalar(select(func.count()).select_from(MailRow)) or 0)


@pytest.fixture
def wang(desk: MailDesk) -> Writer:
    """A customer with an answer."""
    wang = desk.customer()
    wang.write(subject="Third floor")
    return wang


def link(desk: MailDesk, wang: Writer, action: str, thread: str = "") -> str:
    """The path of a link in the newest mail."""
    key = re.sub(r"^[^.]+\.([^.]+)\..*", r"\1", wang.got[-1].id)
    links = Links(desk.services.secret_key, "")
    return links.url(Click(thread or wang.thread, key, action))


def test_the_links_in_a_mail_lead_here(desk: MailDesk, enter: Enter, wang: Writer) -> None:
    paths = re.findall(r"http://127\.0\.0\.1:8000(/mail/\S+)", wang.got[-1].body())
    assert paths == [link(desk, wang, "helped"), link(desk, wang, "not_helped")]
    assert [enter().get(path).status_code for path in paths] == [200, 200]


def test_following_a_link_changes_nothing_however_often_scanners_do_it(
    desk: MailDesk, enter: Enter, wang: Writer
) -> None:
    before, turns = desk.talk(wang.thread), desk.turns(wang.thread)
    for _ in range(3):
        assert enter().get(link(desk, wang, "human")).status_code == 200
        assert enter().head(link(desk, wang, "human")).status_code == 200
    assert desk.answer() == 0
    assert (desk.talk(wang.thread), desk.turns(wang.thread)) == (before, turns)


def test_pressing_the_button_acts_once(desk: MailDesk, enter: Enter, wang: Writer) -> None:
    for _ in range(3):
        answer = enter().post(link(desk, wang, "human"))
        assert (answer.status_code, "A colleague will take over" in answer.text) == (200, True)
    assert desk.answer() == 1
    assert desk.ticket(wang.thread).name in wang.got[-1].body()
    assert len(wang.got) == 2
    assert [turn.payload.get("action") for turn in desk.turns(wang.thread) if turn.author == "customer"] == [
        None, "human",
    ]  # fmt: skip


def test_a_button_of_a_later_mail_is_another_button(desk: MailDesk, enter: Enter, wang: Writer) -> None:
    enter().post(link(desk, wang, "not_helped"))
    desk.answer()
    assert len(wang.got) == 2
    enter().post(link(desk, wang, "human"))
    desk.answer()
    assert desk.talk(wang.thread).state is ConversationState.WAITING


def test_that_it_helped_opens_nothing(desk: MailDesk, enter: Enter, wang: Writer) -> None:
    assert "Good to hear" in enter().post(link(desk, wang, "helped")).text
    desk.answer()
    assert desk.talk(wang.thread).ticket_id is None


@pytest.mark.parametrize("forge", ["x", "a.b.c", "{real}x", "{cut}", "%00", "%F0%9F%98%80", "é", "{real}/", "a" * 3000])
def test_a_link_that_is_not_ours_leads_nowhere(desk: MailDesk, enter: Enter, wang: Writer, forge: str) -> None:
    real = link(desk, wang, "human")
    path = f"/mail/{forge}" if "{" not in forge else forge.format(real=real, cut=real[:-2])
    for answer in (enter().get(path), enter().post(path)):
        assert answer.status_code in (404, 307)  # without its last slash it is tried again
        assert "Third floor" not in answer.text
    if forge != "{real}/":
        assert desk.answer() == 0


def test_a_link_of_another_installation_or_to_what_is_gone_leads_nowhere(
    desk: MailDesk, enter: Enter, wang: Writer
) -> None:
    others = Links("another secret", "").url(Click(wang.thread, "turn-1", "human"))
    gone = link(desk, wang, "human", thread="f" * 16)
    for path in (others, gone):
        assert enter().get(path).status_code == enter().post(path).status_code == 404


def test_a_button_on_another_site_presses_nothing(desk: MailDesk, enter: Enter, wang: Writer) -> None:
    client = enter(**{"Sec-Fetch-Site": "cross-site"})
    assert client.post(link(desk, wang, "human")).status_code == 403
    assert desk.answer() == 0


ASKED = {
    "human": "Talk to a person?", "helped": "Did this help?", "not_helped": "Still not working?",
    "choose:a1": "Is this what you meant?",
}  # fmt: skip


@pytest.mark.parametrize("action", ASKED)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_link_asks_in_the_readers_language(
    desk: MailDesk, enter: Enter, wang: Writer, action: str, lang: str
) -> None:
    client = enter(**{"Accept-Language": lang})
    page = client.get(link(desk, wang, action)).text
    assert re.search(rf'<html lang="{lang}', page)
    assert translate(ASKED[action], lang) in page
    assert "Third floor" in page
    done = client.post(link(desk, wang, action)).text
    assert translate("You can close this page.", lang) in done
    assert '<form method="post" action="/mail/' not in done
    desk.answer()


TABLE = b"name,=1+1\r\n<script>,2"


def with_files(*files: tuple[str, bytes]) -> tuple[str, list[str]]:
    """The body and the header line of a mail with these attachments: (the rest of Content-Disposition, content)."""
    parts = [
        f"--b\r\n\r\n{QUESTION}\r\n\r\nOn Mon, Nov 23, 2026 at 10:00 AM X <x@shop.test> wrote:\r\n> <script>quoted</script>\r\n"
    ]
    for name, content in files:
        parts.append(
            f"--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; {name}\r\n\r\n"
            f"{content.decode('latin-1')}\r\n"
        )
    return "".join(parts) + "--b--\r\n", ['Content-Type: multipart/mixed; boundary="b"', "Cc: boss@customers.test"]


@pytest.fixture
def with_attachments(desk: MailDesk) -> int:
    """The id of a mail with a table, a file in Chinese and two that are refused."""
    body, lines = with_files(
        ('filename="table.csv"', TABLE), ("filename*=utf-8''%E5%9B%BE%22%3B%20x%3D%0D%0Ay.txt", b"hello"),
        ('filename="tool.exe"', b"MZ" + b"\x01" * 300), ('filename="page.html"', b"<html><script>1</script></html>"),
    )  # fmt: skip
    wang = desk.customer("Fang <b>Wang</b>")
    return wang.write(body, "<b>Printer</b>", lines=lines).id


def test_a_whole_mail_shows_what_was_cut_off_and_runs_nothing(
    desk: MailDesk, enter: Enter, with_attachments: int
) -> None:
    page = enter(Role.AGENT).get(f"/inbox/mails/{with_attachments}").text
    assert "&lt;script&gt;quoted&lt;/script&gt;" in page
    assert "&lt;b&gt;Printer&lt;/b&gt;" in page
    assert "<script>quoted" not in page
    assert "<b>Printer" not in page
    assert "boss@customers.test" in page
    assert f'href="/inbox/mails/{with_attachments}/raw"' in page
    assert f'href="/inbox/mails/{with_attachments}/files/0"' in page
    for name in ("tool.exe", "page.html", "not stored"):
        assert name in page
    assert f"/inbox/mails/{with_attachments}/files/2" not in page


def test_a_mail_that_cannot_be_read_can_be_downloaded(desk: MailDesk, enter: Enter) -> None:
    raw = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x02" * 600
    row = desk.deliver(raw)
    agent = enter(Role.AGENT)
    page = agent.get(f"/inbox/mails/{row.id}")
    assert page.status_code == 200
    assert "This mail cannot be shown" in page.text
    assert agent.get(f"/inbox/mails/{row.id}/raw").content == raw
    assert agent.get(f"/inbox/mails/{row.id}/files/0").status_code == 404


def test_the_original_is_saved_and_never_shown(desk: MailDesk, enter: Enter, with_attachments: int) -> None:
    answer = enter(Role.AGENT).get(f"/inbox/mails/{with_attachments}/raw")
    assert answer.content == desk.row(with_attachments).raw
    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="mail-{with_attachments}.eml"')
    assert saved_safely(answer.headers)


def test_an_attachment_is_saved_and_never_shown(enter: Enter, with_attachments: int) -> None:
    agent, files = enter(Role.AGENT), f"/inbox/mails/{with_attachments}/files"
    table, named = agent.get(f"{files}/0"), agent.get(f"{files}/1")
    assert (table.content, named.content) == (TABLE, b"hello")
    for answer in (table, named):
        assert answer.headers["content-type"] == "application/octet-stream"
        assert saved_safely(answer.headers)
    assert table.headers["content-disposition"] == "attachment; filename=\"table.csv\"; filename*=UTF-8''table.csv"
    assert re.fullmatch(
        r"attachment; filename=\"[\w ._-]+\"; filename\*=UTF-8''%E5%9B%BE[\w.%-]+", named.headers["content-disposition"]
    )
    assert "\r" not in named.headers["content-disposition"]


def saved_safely(headers: Mapping[str, str]) -> bool:
    return [headers[name] for name in ("x-content-type-options", "content-security-policy", "cache-control")] == [
        "nosniff", "default-src 'none'; sandbox", "no-store",
    ]  # fmt: skip


@pytest.mark.parametrize("number", ["2", "3", "4", "-1", "99999999999999999999", "x"])
def test_a_file_that_was_refused_or_is_not_there_is_not_given(enter: Enter, with_attachments: int, number: str) -> None:
    assert enter(Role.AGENT).get(f"/inbox/mails/{with_attachments}/files/{number}").status_code in (404, 422)


@pytest.mark.parametrize("mail_id", ["0", "-1", "987654", "4294967296", "99999999999999999999", "x"])
def test_a_mail_that_is_not_there_is_not_found(enter: Enter, mail_id: str) -> None:
    agent = enter(Role.AGENT)
    for rest in ("", "/raw", "/files/0"):
        assert agent.get(f"/inbox/mails/{mail_id}{rest}").status_code in (404, 422)


def test_mails_are_for_staff(enter: Enter, with_attachments: int) -> None:
    for rest in ("", "/raw", "/files/0"):
        answer = enter().get(f"/inbox/mails/{with_attachments}{rest}")
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/signin")
