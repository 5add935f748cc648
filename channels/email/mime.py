"""Raw bytes in, a `Mail` out. Start here; `parts.py` splits, `body.py` sorts, the other files read what they find."""

from __future__ import annotations

import codecs
import hashlib

from channels.email.automatic import kind_of
from channels.email.body import Body, sort_parts
from channels.email.bounces import read_report
from channels.email.charset import one_line
from channels.email.files import FileList
from channels.email.headers import Headers, date_of, ids_of
from channels.email.html import new_text as new_text_of_html
from channels.email.limits import MailLimits, MailRefused, Refusal
from channels.email.mailboxes import addresses_of, bare_address
from channels.email.models import Enclosed, Mail
from channels.email.parts import Part, Splitter
from channels.email.quotes import split_reply
from channels.email.sniff import is_ole

__all__ = ["MailLimits", "MailRefused", "Refusal", "read_mail"]
_MAX_HEADERS = 200
_MAX_SUBJECT_CHARS = 1000
_MAX_ENCLOSED = 50
_DELIVERED = ("delivered-to", "x-delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
_RECEIPTS = frozenset({"message/disposition-notification", "message/global-disposition-notification"})
_DEFAULTS = MailLimits()


def read_mail(raw: bytes, limits: MailLimits = _DEFAULTS) -> Mail:
    """The mail in `raw`, the same for the same bytes. What was mended or cut is in `flaws`.

    Raises MailRefused, and nothing else, for what is over a cap or no mail at all. 30 MB take under a second and 100 MB.
    """
    source = _as_mail(raw, limits)
    splitter = Splitter(limits)
    root = splitter.split(source)
    if not root.headers.pairs:
        _refuse_binary(source)
        splitter.flaws.add("no_headers")
    files = FileList(limits)
    body = sort_parts(root, limits, files, splitter.flaws)
    text, html = body.text_and_html()
    enclosed = _enclosed(body, limits)
    if files.left_out:
        splitter.flaws.add("files_left_out")
    return _mail(raw, root, body, (text, html), enclosed)


def _as_mail(raw: bytes, limits: MailLimits) -> bytes:
    """The bytes with the line ends of a mail, from UTF-16 or an old Macintosh if need be."""
    if len(raw) > limits.bytes:
        raise MailRefused(Refusal.TOO_LARGE, f"{len(raw)} bytes")
    if is_ole(raw):
        raise MailRefused(Refusal.OUTLOOK_FILE, "an Outlook .msg file or an old Office document")
    wide = _wide_codec(raw[:64])
    if wide:
        raw = raw.decode(wide, "replace").encode("utf-8", "replace")
    start = len(raw[:1000]) - len(raw[:1000].lstrip())
    start += 3 * raw.startswith(codecs.BOM_UTF8, start)
    source = raw[start:] if start else raw
    if not source.strip(b" \t\r\n\x00"):
        raise MailRefused(Refusal.EMPTY, "nothing in it")
    return source.replace(b"\r", b"\n") if b"\r" in source[:2000] and b"\n" not in source[:2000] else source


def _wide_codec(head: bytes) -> str:
    """The codec of a mail that was saved as UTF-16, "" for all others. Its headers are ASCII: every second byte is 0."""
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    even, odd = head[0::2], head[1::2]
    if len(head) < 16:
        return ""
    if not odd.strip(b"\x00") and even.isascii() and b"\x00" not in even:
        return "utf-16-le"
    return "utf-16-be" if not even.strip(b"\x00") and odd.isascii() and b"\x00" not in odd else ""


def _refuse_binary(source: bytes) -> None:
    """Raises MailRefused for what has no header and is no text either."""
    sample = source[:4096]
    controls = len(sample) - len(sample.translate(None, bytes(set(range(32)) - {9, 10, 12, 13, 27})))
    if b"\x00" in sample or controls * 20 > len(sample):
        raise MailRefused(Refusal.NOT_A_MAIL, "binary data without a header")


def _mail(raw: bytes, root: Part, body: Body, shown: tuple[str, str], enclosed: tuple[Enclosed, ...]) -> Mail:
    headers, hint, (text, html) = root.headers, _hint(root), shown
    subject = headers.text("subject", hint)[:_MAX_SUBJECT_CHARS]
    senders = addresses_of(headers.all("from"), hint)
    report = read_report(root, text, subject, senders, body.limits)
    receipt = any(part.media_type in _RECEIPTS for part in root.walk())
    own_id = next((one for value in headers.all("message-id") for one in ids_of(value)[:1]), "")
    return Mail(
        message_id=own_id or f"raw-{hashlib.sha256(raw).hexdigest()}@firstline",
        has_own_id=bool(own_id),
        kind=kind_of(
            headers, subject=subject, senders=senders, text=text, is_report=report is not None, is_receipt=receipt
        ),
        senders=senders,
        reply_to=addresses_of(headers.all("reply-to"), hint),
        to=addresses_of(headers.all("to"), hint),
        cc=addresses_of(headers.all("cc"), hint),
        delivered_to=_delivered_to(headers),
        return_path=_return_path(headers),
        subject=subject,
        date=date_of(headers.first("date")),
        in_reply_to=ids_of(headers.first("in-reply-to")),
        references=ids_of(headers.first("references")),
        authentication=tuple(_unfolded(value) for value in headers.all("authentication-results")),
        text=text,
        html=html,
        new_text=_new_text(body, text, html),
        files=tuple(body.files.files),
        enclosed=enclosed,
        report=report,
        language=headers.text("content-language").split(",")[0].strip()[:35],
        flaws=tuple(sorted(body.flaws)),
        headers=tuple((name, _unfolded(value)) for name, value in headers.pairs[:_MAX_HEADERS]),
    )


def _new_text(body: Body, text: str, html: str) -> str:
    """What the sender wrote. Where the HTML is all of the mail, its structure tells quotes best; all of it if none is left."""
    from_html = ""
    if html and all(part.media_type == "text/html" for part in body.html_parts):
        from_html = new_text_of_html(html[: body.limits.read_html_chars])
    found = from_html if from_html.strip() else split_reply(text).text
    return (found if found.strip() else text)[: body.limits.text_chars]


def _enclosed(body: Body, limits: MailLimits) -> tuple[Enclosed, ...]:
    """The mails in the mail, those within them behind them. Their files are added to those of the mail."""
    found: list[Enclosed] = []
    waiting = list(body.messages)
    room = limits.text_chars
    while waiting and len(found) < _MAX_ENCLOSED:
        part = waiting.pop(0)
        root = part.parts[0]
        inner = sort_parts(root, limits, body.files, body.flaws, body.budget)
        text = inner.text_and_html()[0] if room > 0 else ""
        hint = _hint(root)
        senders = addresses_of(root.headers.all("from"), hint)
        found.append(
            Enclosed(
                sender=senders[0] if len(senders) == 1 else None,
                subject=root.headers.text("subject", hint)[:_MAX_SUBJECT_CHARS],
                message_id=(*ids_of(root.headers.first("message-id")), "")[0],
                text=text[: max(0, room)],
                date=date_of(root.headers.first("date")),
            )
        )
        room -= len(text)
        waiting = inner.messages + waiting
    return tuple(found)


def _hint(root: Part) -> str:
    """The charset of the first text: what headers were meant in that should have been encoded and are not."""
    return next((part.charset for part in root.walk() if part.charset), "")


def _delivered_to(headers: Headers) -> tuple[str, ...]:
    values = (value for name in _DELIVERED for value in headers.all(name)[:20])
    return tuple(dict.fromkeys(one.address for one in addresses_of(list(values)) if one.address))


def _return_path(headers: Headers) -> str | None:
    """None without the header, "" for <> and for what is no address."""
    return bare_address(_unfolded(headers.first("return-path"))) if headers.has("return-path") else None


def _unfolded(value: bytes) -> str:
    return one_line(value.decode("utf-8", "replace"))
