"""Files of mails before the virus scanner: what it finds reaches nobody, and without its word nothing is handed out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage

import pytest
from fastapi.testclient import TestClient

from base.antivirus import Scanner
from desk.models import Author, Role
from tests.clamd import EICAR, FakeClamd, clamd
from tests.web.mail.made import PASSWORD, PERSON, SUPPORT, MailDesk, mail
from tests.web.mail.test_colleagues import Case
from tests.web.mail.test_enclosures import PDF, attached, with_files
from web.app import create_app


@pytest.fixture
def scanner(desk: MailDesk, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeClamd]:
    """A scanner that the desk asks, when files come and when they leave."""
    with clamd() as fake:
        for part in (desk.sorter, desk.room.door):
            monkeypatch.setattr(part, "_scanner", Scanner(fake.address))
        yield fake


def with_a_file(sender: str, name: str, content: bytes) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, SUPPORT, "Printer"
    made["Message-ID"] = f"<{name}-{sender}>"
    made.set_content(PERSON)
    made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return f"Authentication-Results: mx.shop.test; dmarc=pass header.from={sender.partition('@')[2]}\n".encode() + (
        made.as_bytes()
    )


def files_of(desk: MailDesk, thread: str) -> list[tuple[str, bool]]:
    """Name, and whether it can be downloaded, of every file of a customer."""
    turns = [turn for turn in desk.turns(thread) if turn.author is Author.CUSTOMER]
    return [(file["name"], bool(file["stored_as"])) for turn in turns for file in turn.payload.get("attachments", ())]


def test_a_clean_file_is_kept_and_nothing_is_said(desk: MailDesk, scanner: FakeClamd) -> None:
    row = desk.deliver(with_a_file(desk.customer().address, "log.txt", b"just a log"))
    assert files_of(desk, row.thread_id) == [("log.txt", True)]
    assert (desk.notes(row.thread_id), scanner.seen) == ([], [b"just a log"])


def test_an_infected_file_is_not_kept_and_named_to_staff(desk: MailDesk, scanner: FakeClamd) -> None:
    row = desk.deliver(with_a_file(desk.customer().address, "invoice.doc", EICAR))
    assert files_of(desk, row.thread_id) == [("invoice.doc", False)]
    [note] = desk.notes(row.thread_id)
    assert "invoice.doc" in note
    assert "virus scanner found" in note
    assert row.state == "taken"


@pytest.mark.parametrize("trouble", ["hangs up", "error"])
def test_a_scanner_that_is_down_loses_no_mail_and_staff_are_told(
    desk: MailDesk, scanner: FakeClamd, trouble: str
) -> None:
    scanner.hang_up, scanner.answer = trouble == "hangs up", "stream: ERROR"
    row = desk.deliver(with_a_file(desk.customer().address, "log.txt", b"just a log"))
    assert files_of(desk, row.thread_id) == [("log.txt", True)]
    [note] = desk.notes(row.thread_id)
    assert "has not seen every file" in note


def test_a_mail_without_files_asks_nobody(desk: MailDesk, scanner: FakeClamd) -> None:
    desk.deliver(desk.customer().mail())
    assert scanner.seen == []


@pytest.fixture
def download(desk: MailDesk, scanner: FakeClamd) -> Iterator[TestClient]:
    """A colleague before an app with that scanner."""
    changed = {"clamd": scanner.address, "signin_attempts_per_minute": 1000}
    app = create_app(replace(desk.services, settings=desk.services.settings.model_copy(update=changed)))
    client = TestClient(app, headers={"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}, follow_redirects=False)
    form = {"email": desk.member(Role.AGENT).email, "password": PASSWORD}
    assert client.post("/signin", data=form).status_code == 303
    yield client
    app.state.running.mail.stop()


def test_every_download_is_looked_at(desk: MailDesk, scanner: FakeClamd, download: TestClient) -> None:
    row = desk.deliver(with_a_file(desk.customer().address, "log.txt", b"just a log"))
    url = f"/inbox/mails/{row.id}/files/0"
    answer = download.get(url)
    assert (answer.status_code, answer.content) == (200, b"just a log")
    scanner.answer = "stream: New.Virus FOUND"  # known since this morning
    for address in (url, f"/inbox/mails/{row.id}/raw"):
        answer = download.get(address)
        assert (answer.status_code, b"just a log" in answer.content) == (422, False)
        assert "New.Virus" in answer.text


def test_without_the_scanners_word_nothing_is_handed_out(
    desk: MailDesk, scanner: FakeClamd, download: TestClient
) -> None:
    scanner.hang_up = True
    row = desk.deliver(with_a_file(desk.customer().address, "log.txt", b"just a log"))
    for address in (f"/inbox/mails/{row.id}/files/0", f"/inbox/mails/{row.id}/raw"):
        answer = download.get(address)
        assert (answer.status_code, b"just a log" in answer.content) == (503, False)
        assert "not been checked for viruses yet" in answer.text
    scanner.hang_up = False
    assert download.get(f"/inbox/mails/{row.id}/files/0").content == b"just a log"


def test_a_colleagues_file_waits_for_the_scanner_and_an_infected_one_stays_here(
    desk: MailDesk, scanner: FakeClamd
) -> None:
    wang = desk.customer()
    wang.write(PERSON)
    case = Case(desk, wang, desk.member())
    desk.deliver(with_files(case, ("a.pdf", "application/pdf", PDF), ("b.pdf", "application/pdf", PDF + EICAR)))
    assert attached(wang) == {"a.pdf": PDF}
    assert "b.pdf" in desk.notes(case.thread)[-1]
    scanner.hang_up = True
    before = case.told
    desk.deliver(with_files(case, ("c.pdf", "application/pdf", PDF)))
    assert (case.told, desk.outbox(case.thread)[-1][0]) == (before, "deferred")
    scanner.hang_up = False
    desk.clock.advance(minutes=5)
    desk.answer()
    assert attached(wang) == {"c.pdf": PDF}


def test_what_is_found_when_it_leaves_does_not_leave(desk: MailDesk, scanner: FakeClamd) -> None:
    wang = desk.customer()
    wang.write(PERSON)
    case = Case(desk, wang, desk.member())
    desk.store(with_files(case, ("c.pdf", "application/pdf", PDF)))
    desk.sort()
    scanner.answer, before = "stream: New.Virus FOUND", case.told
    desk.answer()
    state, why = desk.outbox(case.thread)[-1]
    assert (case.told, state, "New.Virus" in why) == (before, "bounced", True)


def test_a_text_that_only_names_the_test_virus_is_a_mail(desk: MailDesk, scanner: FakeClamd) -> None:
    row = desk.deliver(mail(desk.customer().address, f"What is this? {EICAR.decode()}", "A string"))
    assert row.state == "taken"
