"""How a read mail is compared with an expected parse in the format of stalwart's mail-parser.

Compared are, strictly: subject, From, To, Cc and Reply-To (names and addresses), Message-ID, In-Reply-To, References, the date
in UTC, the text, the HTML, every attachment (name, type, size, content) and every mail in the mail (subject, sender, id, date,
text). Taken as equal: a missing and an empty value; the case of a domain; runs of blanks in one-line fields; line ends, blanks
at a line's end and empty lines in text; line breaks in format=flowed, which the expected parse leaves in; a name before and
after it is made safe. Text made from HTML is not compared, as the expected parse has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from channels.email.charset import one_line
from channels.email.files import safe_name
from channels.email.models import Address, Mail, MailFile

Parse = dict[str, Any]
_CUT = "the mail ends before its last boundary: the text it breaks off in is text here, and an unnamed attachment there"
_PREFIX = "a line that only begins with the boundary is no delimiter (RFC 2046, 5.1.1), unless there is no better one"
_SNIFFED = "the type is read from the content: plain text is no image and no sound, whatever it is called"
_OUTER = "the boundary of an outer multipart ends what is within it, also a mail's headers or its text"
_NO_HEADER = "a line that is no header ends the headers; what it says is text here, and lost there"
_TWICE = "of two Content-Type lines the first counts; there HTML source is shown as text, here the HTML is read as such"
# By mail and field: where ours is meant to differ, and why.
DECIDED: dict[str, dict[str, str]] = {
    "stalwart/malformed/001": {"text": _PREFIX, "attachments": _CUT},
    "stalwart/malformed/003": {"text": _CUT, "attachments": _CUT},
    "stalwart/malformed/004": {"text": _CUT, "attachments": _CUT},
    "stalwart/malformed/006": {"text": _CUT, "attachments": _CUT},
    "stalwart/malformed/008": {"text": _PREFIX, "html": _PREFIX, "attachments": _CUT},
    "stalwart/malformed/012": {"enclosed": _OUTER},
    "stalwart/malformed/017": {"name": "a disposition without its type still names the file", "type": _SNIFFED},
    "stalwart/malformed/019": {"text": _NO_HEADER, "html": _NO_HEADER},
    "stalwart/malformed/021": {"text": _TWICE, "html": _TWICE},
    "stalwart/rfc/000": {"type": _SNIFFED},
    "stalwart/thirdparty/005": {"text": "a boundary begins a line (RFC 2046, 5.1.1); here it is in the middle of one"},
    "stalwart/thirdparty/015": {"enclosed": _OUTER},
}


def differences(mail: Mail, expected: Parse) -> list[str]:
    """One line "field: ours | expected" for each field that differs."""
    root = expected["parts"][0]
    pairs: list[tuple[str, Any, Any]] = [
        ("subject", mail.subject, _line(root, "subject")),
        ("from", _shown(mail.senders), _addresses(root, "from")),
        ("to", _shown(mail.to), _addresses(root, "to")),
        ("cc", _shown(mail.cc), _addresses(root, "cc")),
        ("reply_to", _shown(mail.reply_to), _addresses(root, "reply_to")),
        ("message_id", mail.message_id if mail.has_own_id else "", "".join(_texts(root, "message_id")[:1])),
        ("in_reply_to", list(mail.in_reply_to), _texts(root, "in_reply_to")),
        ("references", list(mail.references), _texts(root, "references")),
        ("date", mail.date, _date(root)),
        ("html", _lines(mail.html), _html(expected)),
        *_text_pairs(mail, expected),
        *_file_pairs(mail, expected),
        *_enclosed_pairs(mail, expected),
    ]
    return [f"{field}: {_brief(ours)} | {_brief(theirs)}" for field, ours, theirs in pairs if ours != theirs]


def _brief(value: Any) -> str:
    return repr(value)[:160]


def _values(part: Parse, name: str) -> Iterator[Any]:
    """The values of a header without the tag that says what they are."""
    for header in part["headers"]:
        if header["name"] == name and header["value"] != "Empty":
            yield next(iter(header["value"].values()))


def _line(part: Parse, name: str) -> str:
    return one_line(next(_values(part, name), ""))


def _texts(part: Parse, name: str) -> list[str]:
    value: Any = next(_values(part, name), [])
    return [value] if isinstance(value, str) else list(value)


def _addresses(part: Parse, name: str) -> list[tuple[str, str]]:
    listed: list[Parse] = []
    for value in _values(part, name):
        if "List" in value:
            listed += value["List"]
        else:
            listed += [one for group in value["Group"] for one in group["addresses"]]
    return [(one_line(one["name"] or ""), _domain_lower(one["address"] or "")) for one in listed]


def _shown(addresses: tuple[Address, ...]) -> list[tuple[str, str]]:
    return [(one.name, one.address) for one in addresses]


def _domain_lower(address: str) -> str:
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{domain.lower()}"


def _date(part: Parse) -> datetime | None:
    value: Parse | None = next(_values(part, "date"), None)
    if value is None:
        return None
    offset = timedelta(hours=value["tz_hour"], minutes=value["tz_minute"]) * (-1 if value["tz_before_gmt"] else 1)
    day, clock = (value["year"], value["month"], value["day"]), (value["hour"], value["minute"], value["second"])
    return datetime(*day, *clock, tzinfo=timezone(offset)).astimezone(UTC)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.replace("\r\n", "\n").split("\n") if line.strip()]


def _body(part: Parse) -> tuple[str, Any]:
    """(kind, content) of a part: Text, Html, Binary, InlineBinary, Message or Multipart."""
    if isinstance(part["body"], str):
        return part["body"], None
    kind, content = next(iter(part["body"].items()))
    return kind, content


def _type(part: Parse) -> tuple[str, dict[str, str]]:
    value: Parse | None = next(_values(part, "content_type"), None)
    if value is None:
        return "", {}
    attributes = {one["name"]: one["value"] for one in value["attributes"] or ()}
    return f"{value['c_type']}/{value['c_subtype']}".lower(), attributes


def _text_pairs(mail: Mail, expected: Parse) -> list[tuple[str, Any, Any]]:
    """The text, unless some of it is made from HTML."""
    parts = [expected["parts"][number] for number in expected["text_body"]]
    if any(_body(part)[0] == "Html" for part in parts):
        return []
    return [("text", *_comparable(mail.text, parts))]


def _comparable(ours: str, parts: list[Parse]) -> tuple[Any, Any]:
    theirs = "\n".join(_body(part)[1] for part in parts if _body(part)[0] == "Text")
    if any(_type(part)[1].get("format", "").lower() == "flowed" for part in parts):
        return ours.split(), theirs.split()
    return _lines(ours), _lines(theirs)


def _html(expected: Parse) -> list[str]:
    parts = [_body(expected["parts"][number]) for number in expected["html_body"]]
    if not any(kind == "Html" for kind, _ in parts):
        return []
    return _lines("\n".join(content if kind == "Html" else f"<pre>{content}</pre>" for kind, content in parts))


def _messages(expected: Parse) -> Iterator[Parse]:
    """The mails in a mail, those within them behind them."""
    for number in expected["attachments"]:
        kind, content = _body(expected["parts"][number])
        if kind == "Message":
            yield content
            yield from _messages(content)


def _files(expected: Parse) -> list[Parse]:
    own = [expected["parts"][number] for number in expected["attachments"]]
    inner = [one for message in _messages(expected) for one in message["parts"]]
    inner_files = [m["parts"][number] for m in _messages(expected) for number in m["attachments"]] if inner else []
    return [part for part in own + inner_files if _body(part)[0] != "Message"]


def _file_pairs(mail: Mail, expected: Parse) -> list[tuple[str, Any, Any]]:
    theirs = _files(expected)
    if len(mail.files) != len(theirs):
        shown = [(one.name, one.media_type, one.size_bytes) for one in mail.files]
        return [("attachments", shown, [(*_name_and_type(one), _size(one)) for one in theirs])]
    pairs: list[tuple[str, Any, Any]] = []
    for ours, part in zip(mail.files, theirs, strict=True):
        name, media_type = _name_and_type(part)
        given = "" if re.fullmatch(r"attachment-\d+\.\w+", ours.name) and not name else ours.name
        pairs.append(("name", given, safe_name(name)))
        pairs.append(("type", ours.media_type, media_type))
        pairs.append(("content", _content(ours), _expected_content(part)))
    return pairs


def _name_and_type(part: Parse) -> tuple[str, str]:
    media_type, attributes = _type(part)
    disposition = next(_values(part, "content_disposition"), {"attributes": None})
    named = {one["name"]: one["value"] for one in disposition["attributes"] or ()}
    return named.get("filename") or attributes.get("name") or "", media_type


def _size(part: Parse) -> int:
    return len(_body(part)[1] or "")


def _content(ours: MailFile) -> bytes:
    return ours.content.replace(b"\r\n", b"\n") if ours.media_type.startswith(("text/", "message/")) else ours.content


def _expected_content(part: Parse) -> bytes:
    kind, content = _body(part)
    return content.replace("\r\n", "\n").encode() if kind in ("Text", "Html") else bytes(content or ())


def _enclosed_pairs(mail: Mail, expected: Parse) -> list[tuple[str, Any, Any]]:
    theirs = list(_messages(expected))
    if len(mail.enclosed) != len(theirs):
        return [
            ("enclosed", [one.subject for one in mail.enclosed], [_line(one["parts"][0], "subject") for one in theirs])
        ]
    pairs: list[tuple[str, Any, Any]] = []
    for ours, message in zip(mail.enclosed, theirs, strict=True):
        root = message["parts"][0]
        sender = [(ours.sender.name, ours.sender.address)] if ours.sender else []
        parts = [message["parts"][number] for number in message["text_body"]]
        pairs += [
            ("enclosed subject", ours.subject, _line(root, "subject")),
            ("enclosed sender", sender, _addresses(root, "from")),
            ("enclosed id", ours.message_id, "".join(_texts(root, "message_id")[:1])),
            ("enclosed date", ours.date, _date(root)),
        ]
        if not any(_body(part)[0] == "Html" for part in parts):
            pairs.append(("enclosed text", *_comparable(ours.text, parts)))
    return pairs
