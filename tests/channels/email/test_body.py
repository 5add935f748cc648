"""The text is what a mail program would show, and nothing of a mail is lost."""

from __future__ import annotations

from base64 import b64encode

from channels.email.limits import MailLimits
from channels.email.mime import read_mail
from tests.channels.email.recorded import mail, recorded


def alternative(plain: str, html: str) -> bytes:
    return (
        f"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\n{plain}\n"
        f"--b\nContent-Type: text/html; charset=utf-8\n\n{html}\n--b--\n"
    ).encode()


def test_plain_text_is_preferred_and_the_html_kept() -> None:
    found = recorded("gmail_reply")
    assert found.text.startswith("That worked, thank you!\n\nOn Mon, 23 Nov 2026")
    assert found.new_text == "That worked, thank you!"
    assert found.html.startswith('<div dir="ltr">That worked')


def test_html_is_read_where_there_is_nothing_else() -> None:
    found = recorded("outlook_html_only")
    assert found.text == "We need 10 licences – urgently."
    assert (found.files[0].content_id, found.files[0].inline) == ("image001.png@01DC", True)


def test_a_plain_part_that_only_says_there_is_html_is_passed_over() -> None:
    assert recorded("plain_is_a_notice").text.startswith("The router in our second shop restarts")
    assert read_mail(alternative("", "<p>Only here</p>")).text == "Only here"
    assert read_mail(alternative("Yes.", "<p>Yes.</p>")).text == "Yes."


def test_several_text_parts_are_joined_in_order() -> None:
    found = recorded("apple_mixed_parts")
    assert found.text == "This is what I see:\nAnd the invoice for the screen – it is two weeks old:"
    assert [(one.name, one.inline) for one in found.files] == [("IMG_0001.png", True), ("invoice.pdf", False)]


def test_html_between_plain_parts_loses_neither() -> None:
    found = mail(
        "Content-Type: multipart/mixed; boundary=b",
        "--b\n\nfirst <1>\n--b\nContent-Type: text/html\n\n<p>second</p>\n--b--",
    )
    assert found.text == "first <1>\nsecond"
    assert found.html == "<pre>first &lt;1&gt;</pre>\n<p>second</p>"
    assert found.new_text == "first <1>\nsecond"


def test_of_two_type_lines_the_first_counts() -> None:
    assert (recorded("two_type_lines").text, recorded("two_type_lines").html) == ("plain words", "<p>plain words</p>")


def test_text_with_a_name_is_a_file_unless_it_comes_first() -> None:
    found = mail(
        "Content-Type: multipart/mixed; boundary=b",
        "--b\nContent-Type: text/plain; name=first.txt\n\nfirst\n--b\nContent-Type: text/plain; name=log.txt\n\nsecond\n--b--",
    )
    assert (found.text, [one.name for one in found.files]) == ("first", ["log.txt"])


def test_unusual_text_is_text_where_there_is_no_other() -> None:
    found = mail("Content-Type: text/markdown; charset=utf-8", "# 标题")
    assert found.text == "# 标题"


def test_a_second_rendering_for_special_readers_is_no_file() -> None:
    found = mail(
        "Content-Type: multipart/alternative; boundary=b",
        "--b\n\nwords\n--b\nContent-Type: text/x-amp-html\n\n<html amp>words</html>\n--b--",
    )
    assert (found.text, found.files) == ("words", ())


def test_a_mail_that_breaks_off_keeps_its_text() -> None:
    assert (recorded("cut_off").text, recorded("cut_off").flaws) == ("The beginning is he", ("cut_off",))


def test_an_invitation_is_a_line_of_text_and_a_file() -> None:
    found = recorded("meeting_request")
    assert found.text == (
        "请参加评审。\n\n"
        "[REQUEST] VPN 上线评审, 第二次会议 · 2026-11-25 10:00 China Standard Time · 3 楼会议室 · 陈 经理 <chen@customer.example>"
    )
    assert [(one.name, one.media_type) for one in found.files] == [("attachment-1.ics", "text/calendar")]


def test_a_calendar_without_an_event_is_only_a_file() -> None:
    found = mail("Content-Type: text/calendar", "BEGIN:VCALENDAR\nMETHOD:PUBLISH\nEND:VCALENDAR\n")
    assert (found.text, len(found.files)) == ("", 1)


def test_a_mail_in_the_mail_is_read_and_its_files_are_kept() -> None:
    found = recorded("forwarded_as_attachment")
    assert found.text == "Please answer Wei."
    (inner,) = found.enclosed
    assert (inner.sender.address if inner.sender else "", inner.subject) == ("wei@customer.example", "登录报错")
    assert (inner.message_id, inner.text) == ("inner-1@customer.example", "登录时提示 E-1001。")
    assert [(one.name, one.content[:4]) for one in found.files] == [("broken.eml", b"this"), ("error.png", b"\x89PNG")]


def test_mails_within_mails_are_listed_one_behind_the_other() -> None:
    found = mail("Content-Type: message/rfc822", "Subject: a\nContent-Type: message/rfc822\n\nSubject: b\n\nlast")
    assert [(one.subject, one.text) for one in found.enclosed] == [("a", ""), ("b", "last")]


def test_text_over_the_cap_is_cut_and_says_so() -> None:
    found = read_mail(b"Subject: x\n\n" + "打印".encode() * 400_000)
    assert (len(found.text), found.flaws) == (500_000, ("text_cut",))
    limits = MailLimits(html_chars=20, read_html_chars=10)
    page = read_mail(alternative("", "<p>abcdefghijklmnopqrstuvwxyz</p>"), limits)
    assert (page.html, page.text, page.flaws) == ("<p>abcdefghijklmnopq", "abcdefg", ("html_cut", "text_cut"))


def test_a_page_tells_its_own_charset() -> None:
    page = '<meta charset="gb2312"><p>打印机</p>'.encode("gb18030")
    assert mail("Content-Type: text/html", page).text == "打印机"


def test_a_file_keeps_its_bytes() -> None:
    data = bytes(range(256))
    found = mail(
        "Content-Type: application/x-private; name=data.bin\nContent-Transfer-Encoding: base64", b64encode(data)
    )
    assert [(one.name, one.content, one.size_bytes) for one in found.files] == [("data.bin", data, 256)]
