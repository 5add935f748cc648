"""Mails are read in a process of their own: it says the same as reading here would, and what it dies of it dies alone."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from channels.email.helper import to_json
from channels.email.limits import MailLimits, MailRefused, Refusal
from channels.email.mime import read_mail
from tests.live import eventually
from tests.web.mail.made import mail
from web.mail.reading import IsolatedReader, ReaderFailed, from_json

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
MIXED = 'Content-Type: multipart/mixed; boundary="b"'
MAILS = {
    "plain": mail("Fang Wang <wang@customers.test>", "Hello"),
    "in Chinese": mail('"王 芳" <wang@customers.test>', "打印机坏了", "打印机"),
    "gb2312": b"From: a@b.test\r\nContent-Type: text/plain; charset=gb2312\r\n\r\n" + "打印机镕".encode("gb18030"),
    "a quote": mail("a@b.test", "Yes\r\n\r\nOn Mon, Nov 23, 2026 at 10:00 AM X <x@shop.test> wrote:\r\n> Really?\r\n"),
    "HTML": mail("a@b.test", "<p>Hi <b>there</b></p><script>x</script>", lines=["Content-Type: text/html; charset=utf-8"]),
    "no date, no id": b"From: a@b.test\r\n\r\nx",
    "nothing known": b"\xff\xfe just text \x00 and bytes",
    "a file": mail(
        "a@b.test",
        f"--b\r\n\r\nHi\r\n--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename*=utf-8''%E5%9B%BE.png\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{PNG}\r\n--b--",
        lines=[MIXED],
    ),
    "a mail in a mail": mail(
        "a@b.test",
        "--b\r\n\r\nsee below\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: c@d.test\r\nSubject: inner\r\n"
        "Date: Mon, 23 Nov 2026 10:00:00 +0800\r\nMessage-ID: <i@d.test>\r\n\r\ninner text\r\n--b--",
        lines=[MIXED],
    ),
    "a bounce": mail(
        "MAILER-DAEMON@b.test",
        "--b\r\n\r\nno\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
        "Final-Recipient: rfc822; w@b.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
        "Message-ID: <m@shop.test>\r\n\r\nx\r\n--b--",
        lines=['Content-Type: multipart/report; report-type=delivery-status; boundary="b"', "Return-Path: <>"],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def reader() -> Iterator[IsolatedReader]:
    made = IsolatedReader()
    yield made
    made.close()


def helper_of(reader: IsolatedReader) -> int:
    """The process id of its helper."""
    reader.read(MAILS["plain"])
    assert reader._helper is not None
    return reader._helper.pid


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_is_the_same_read_here_and_there(reader: IsolatedReader, name: str) -> None:
    assert reader.read(MAILS[name]) == read_mail(MAILS[name])


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_comes_back_from_what_is_said_of_it(name: str) -> None:
    read = read_mail(MAILS[name])
    assert from_json(to_json(read)) == read


@pytest.mark.parametrize("said", [{}, {"files": 5}, {"files": [{"content": "%"}]}, {"files": [], "subject": 7}])
def test_what_is_no_mail_is_not_taken_for_one(said: dict[str, object]) -> None:
    with pytest.raises(ReaderFailed):
        from_json(said)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Refusal.EMPTY), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, Refusal.OUTLOOK_FILE),
        (b"X: " + b"y" * (MailLimits().all_headers_bytes + 9) + b"\r\n\r\nx", Refusal.HEADERS_TOO_LARGE),
    ],
    ids=["empty", "msg", "headers"],
)  # fmt: skip
def test_a_mail_that_is_refused_is_refused_with_its_reason(reader: IsolatedReader, raw: bytes, reason: Refusal) -> None:
    with pytest.raises(MailRefused) as refused:
        reader.read(raw)
    assert refused.value.reason is reason
    assert reader.read(MAILS["plain"]) == read_mail(MAILS["plain"])


def test_one_helper_reads_many_mails(reader: IsolatedReader) -> None:
    assert helper_of(reader) == helper_of(reader)


def test_a_helper_that_died_costs_one_mail_and_the_next_one_is_read(reader: IsolatedReader) -> None:
    pid = helper_of(reader)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ReaderFailed):
        reader.read(MAILS["a quote"])
    assert reader.read(MAILS["a quote"]) == read_mail(MAILS["a quote"])
    assert helper_of(reader) != pid


def test_a_mail_that_takes_too_long_is_given_up_and_its_helper_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = "import sys, time; sys.stdin.buffer.read(8); time.sleep(600)"
    with monkeypatch.context() as patch:
        patch.setattr("web.mail.reading._BOOT", hangs)
        reader = IsolatedReader(max_seconds=0.3)
        with pytest.raises(ReaderFailed, match="took too long"):
            reader.read(MAILS["plain"])
    assert reader._helper is None
    patient = IsolatedReader()
    try:
        assert patient.read(MAILS["plain"]) == read_mail(MAILS["plain"])
    finally:
        patient.close()
    reader.close()


READS = "import sys; given, out = sys.stdin.buffer, sys.stdout.buffer; given.read(int.from_bytes(given.read(8)))"


@pytest.mark.parametrize(
    ("boot", "why"),
    [
        ("import sys; sys.exit(3)", None), ("import sys; sys.stdin.buffer.read(8); sys.exit(3)", None),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", None), (f"{READS}; sys.exit(3)", "ended with"),
        (f"{READS}; out.write((5).to_bytes(8) + b'not j')", "JSONDecodeError"),
        (f"{READS}; out.write((2).to_bytes(8) + b'{{}}')", "ended with"),
        (f"{READS}; out.write((7).to_bytes(8) + b'{{\"a\":1}}')", r"\?"),
        (f"{READS}; out.write((99).to_bytes(8) + b'cut')", "ended with"),
        (f"{READS}; out.write((12).to_bytes(8) + b'{{\"failed\":1}}')", "1"),
    ],
)  # fmt: skip
def test_whatever_a_helper_says_or_does_it_is_a_fault_of_the_reader(
    monkeypatch: pytest.MonkeyPatch, boot: str, why: str | None
) -> None:
    monkeypatch.setattr("web.mail.reading._BOOT", boot)
    reader = IsolatedReader()
    with pytest.raises(ReaderFailed, match=why):
        reader.read(b"x" * 200_000)
    reader.close()


def test_after_many_mails_a_new_helper_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.mail.reading.MAX_MAILS", 2)
    reader = IsolatedReader()
    try:
        pids = [helper_of(reader) for _ in range(5)]
    finally:
        reader.close()
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]


def test_threads_take_turns(reader: IsolatedReader) -> None:
    found: dict[str, bool] = {}

    def read(name: str) -> None:
        found[name] = all(reader.read(MAILS[name]) == read_mail(MAILS[name]) for _ in range(3))

    threads = [threading.Thread(target=read, args=(name,)) for name in MAILS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == dict.fromkeys(MAILS, True)


def test_a_closed_reader_leaves_no_process_behind_and_reads_again_when_asked() -> None:
    reader = IsolatedReader()
    pid = helper_of(reader)
    reader.close()
    reader.close()
    assert not os.path.exists(f"/proc/{pid}")
    assert helper_of(reader) != pid
    reader.close()


def test_a_helper_ends_with_whoever_asks_it(reader: IsolatedReader) -> None:
    made = IsolatedReader()
    pid = helper_of(made)
    assert made._helper is not None
    assert made._helper.stdin is not None
    made._helper.stdin.close()
    eventually(lambda: made._helper is not None and made._helper.poll() is not None)
    assert pid
    made.close()
