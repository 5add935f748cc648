"""Reports on mails that did not arrive: of which of our mails, for whom, and why.

The standard ones (RFC 3464) are read field by field; of the others, what qmail, old Postfix, Exim, Exchange, Gmail, QQ and
NetEase write in words. A complaint (RFC 5965) is read as a report, too: the mail did arrive, and was not wanted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from channels.email.charset import decode, one_line
from channels.email.headers import Headers, ids_of, read_headers
from channels.email.limits import MailLimits
from channels.email.mailboxes import bare_address
from channels.email.models import Address, DeliveryReport, Recipient
from channels.email.parts import Part

MAX_DIAGNOSIS_CHARS = 300
_MAX_RECIPIENTS = 100
_MAX_TEXT_CHARS = 20_000  # of a report in words
_STATUS_PARTS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_ORIGINAL_PARTS = frozenset({"text/rfc822-headers", "message/global-headers"})
_DAEMONS = re.compile(
    r"(?:mail(?:er)?[-._]?daemon|postmaster|mail-?delivery-?(?:subsystem|system)|bounces?|mdaemon)(?:[-+].*)?",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"undeliver|delivery (?:status notification|failure|report|has failed|incomplete|delayed|problem)|"
    r"returned mail|failure notice|mail (?:delivery|system) (?:failed|failure|error|subsystem)|message you sent|"
    r"could not send message|delivery to .{1,80} failed|could ?not be delivered|not delivered|"
    r"returning message to sender|non remis|unzustellbar|nicht zugestellt|"
    r"系统退信|退信通知|邮件退信|投递失败|无法投递|未送达|無法傳遞|退回郵件|未能送达|配信できません|배달되지",
    re.IGNORECASE,
)
_WORDS = re.compile(
    r"qmail-send program|this is the mail system at host|created automatically by mail delivery software|"
    r"did not reach (?:some or all of )?the (?:intended|following) recipient|delivery to the following recipient|"
    r"couldn'?t be delivered|could not be delivered|wasn'?t delivered|recipient address rejected|user unknown|"
    r"address couldn'?t be found|permanent (?:fatal )?errors?|undeliverable|"
    r"退信原因|被退回|无法投递|无法送达|投递失败|发送失败|不存在的收件人|收件人(?:邮箱)?地址?不存在|无法发送到",
    re.IGNORECASE,
)
_DELAY = re.compile(
    r"warning message only|delivery (?:incomplete|status notification \(delay)|delayed|"
    r"will (?:keep trying|retry|be retried|continue)|still undelivered|"
    r"temporary problem|not yet been delivered|延迟|稍后重试|继续尝试|将会重试",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_LISTED = re.compile(
    r"^[ \t]*(?:(?:收件人|(?:failed |final-|original-)?recipients?)[^\n:：]{0,20}[:：][ \t]*(?:rfc822;[ \t]*)?)?<?"
    rf"({_ADDRESS.pattern})(?=[>\s:：,，.。…]|$)",
    re.IGNORECASE | re.MULTILINE,
)
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<!\d)([45])\d\d(?!\d)[ -]")
_FOR_GOOD = re.compile(r"(?<![\d.])5(?:\d\d[ -]|\.\d\.\d)")
_QUOTED_ID = re.compile(r"^[> \t|]*Message-ID:[ \t]*\n?[ \t]*<([^<>\s]{1,500})>", re.IGNORECASE | re.MULTILINE)
_ORIGINAL_STARTS = re.compile(
    r"^[ \t>]*-{2,}.{0,60}(?:original|copy of|unsent|returned|below this line|原始邮件|原邮件|headers).{0,60}$|"
    r"^[ \t]*(?:Return-Path:|Received: )",
    re.IGNORECASE | re.MULTILINE,
)


def read_report(
    root: Part, text: str, subject: str, senders: Sequence[Address], limits: MailLimits
) -> DeliveryReport | None:
    """What the mail reports about one of ours, None where it is no report.

    text: of the whole mail. `message_id` is that of the mail in question; "" where the report does not name it.
    """
    headers = root.headers
    leaves = [part for part in root.walk() if not part.parts]
    statuses = [part for part in leaves if part.media_type in _STATUS_PARTS]
    feedback = next((part for part in leaves if part.media_type == "message/feedback-report"), None)
    recipients: tuple[Recipient, ...] = ()
    if feedback is not None:
        recipients = _complaint(feedback, limits)
    elif statuses:
        recipients = tuple(one for part in statuses for one in _recipients(part, limits))[:_MAX_RECIPIENTS]
    elif not (
        root.params.get("report-type") == "delivery-status"
        or headers.has("x-failed-recipients")
        or _is_in_words(headers, text, subject, senders)
    ):
        return None
    return DeliveryReport(_original_id(root, text, limits), recipients or _in_words(headers, text))


def _is_in_words(headers: Headers, text: str, subject: str, senders: Sequence[Address]) -> bool:
    """Whether a mail server wrote it: its sender is one, and what it says is that something was not delivered."""
    by_daemon = any(_DAEMONS.fullmatch(one.address.partition("@")[0]) for one in senders)
    no_return = headers.has("return-path") and not headers.first("return-path").strip(b"<> \t")
    if not (by_daemon or no_return):
        return False
    start = text[:_MAX_TEXT_CHARS]
    if _SUBJECT.search(subject):
        return True
    return by_daemon and bool(_WORDS.search(start))


def _recipients(part: Part, limits: MailLimits) -> list[Recipient]:
    """The recipients in a delivery-status part: blocks of fields, the first of which is about the report itself."""
    data = part.content(limits.all_headers_bytes)[0]
    found: list[Recipient] = []
    at = 0
    while at < len(data) and len(found) < _MAX_RECIPIENTS:
        block = read_headers(data, at, len(data), limits)
        at = max(block.end, at + 1)
        if not block.pairs:
            end = data.find(b"\n", at - 1)
            at = max(at, len(data) if end < 0 else end + 1)
            continue
        named = block.first("original-recipient") or block.first("final-recipient")
        address = _typed(named, block.first("final-recipient"))
        if not (address or block.has("action")):
            continue
        status = _STATUS.search(block.text("status"))
        code = status[1] if status else ""
        said = block.text("diagnostic-code")
        diagnosis = said.partition(";")[2].strip() if ";" in said else said
        action = block.word("action") or {"2": "delivered", "4": "delayed"}.get(code[:1], "failed")
        found.append(Recipient(address, action, code, diagnosis[:MAX_DIAGNOSIS_CHARS]))
    return found


def _typed(*values: bytes) -> str:
    """The address in the first of "rfc822;user@example.com" that has one."""
    for value in values:
        address = bare_address(one_line(value.decode("utf-8", "replace")).rpartition(";")[2])
        if address:
            return address
    return ""


def _complaint(part: Part, limits: MailLimits) -> tuple[Recipient, ...]:
    """The recipient who reported our mail as unwanted. It was delivered."""
    data = part.content(limits.all_headers_bytes)[0]
    fields = read_headers(data, 0, len(data), limits)
    named = fields.first("original-rcpt-to") or fields.first("removal-recipient")
    kind = fields.word("feedback-type") or "abuse"
    return (Recipient(_typed(named), "delivered", "", f"feedback: {kind}"[:MAX_DIAGNOSIS_CHARS]),)


def _in_words(headers: Headers, text: str) -> tuple[Recipient, ...]:
    """The recipients of a report that is written for people, each with what is said behind their address."""
    starts = _ORIGINAL_STARTS.search(text[:_MAX_TEXT_CHARS])
    words = text[: starts.start() if starts else _MAX_TEXT_CHARS] or text[:_MAX_TEXT_CHARS]
    named = _ADDRESS.findall(headers.text("x-failed-recipients"))
    ours = {one.lower() for one in _ADDRESS.findall(headers.text("to") + " " + headers.text("from"))}
    spots: dict[str, tuple[int, int]] = {}
    for found in _ADDRESS.finditer(words):
        spots.setdefault(found[0], found.span())
    listed = named or [one for one in _LISTED.findall(words) if _is_recipient(one, ours)]
    listed = listed or [one for one in spots if _is_recipient(one, ours)]
    chosen = list(dict.fromkeys(listed))[:_MAX_RECIPIENTS] or [""]
    borders = sorted(spots.get(one, (0, 0))[0] for one in chosen)
    is_delay = bool(_DELAY.search(words))
    found_all = []
    for one in chosen:
        start = spots.get(one, (0, 0))[1]
        section = words[start : next((border for border in borders if border >= start), len(words)) if start else None]
        action = "delayed" if is_delay and not _FOR_GOOD.search(section) else "failed"
        found_all.append(Recipient(bare_address(one), action, _status_in(section), _reason(section)))
    return tuple(found_all)


def _is_recipient(address: str, ours: set[str]) -> bool:
    return address.lower() not in ours and not _DAEMONS.fullmatch(address.partition("@")[0])


def _status_in(words: str) -> str:
    """The first status in words: "5.1.1", or "5.0.0" for a bare "550 "."""
    status = _STATUS.search(words)
    if status:
        return status[1]
    code = _CODE.search(words)
    return f"{code[1]}.0.0" if code else ""


def _reason(section: str) -> str:
    """The paragraph in which the reason stands: the first with a code, else the first."""
    rest = section[:2000].lstrip(">:：.,;)） \t\r\n")
    paragraphs = [one_line(piece) for piece in re.split(r"\n[ \t]*\n", rest) if piece.strip()]
    coded = [one for one in paragraphs if _STATUS.search(one) or _CODE.search(one)]
    return (coded or paragraphs or [""])[0][:MAX_DIAGNOSIS_CHARS]


def _original_id(root: Part, text: str, limits: MailLimits) -> str:
    """The id of the mail that came back: from its own headers, wherever they stand, else from what the report answers."""
    for part in root.walk():
        if part.is_message:
            found = ids_of(part.parts[0].headers.first("message-id"))
        elif part.media_type in _ORIGINAL_PARTS:
            data = part.content(limits.all_headers_bytes)[0]
            found = ids_of(read_headers(data, 0, len(data), limits).first("message-id"))
        else:
            continue
        if found:
            return found[0]
    for part in root.walk():  # a message/rfc822 that is cut, or in a part of another type
        if part is not root and not part.parts and part.media_type.startswith("message/"):
            quoted = _QUOTED_ID.search(decode(part.content(limits.all_headers_bytes)[0])[0])
            if quoted:
                return quoted[1]
    quoted = _QUOTED_ID.search(text)
    if quoted:
        return quoted[1]
    answered = ids_of(root.headers.first("x-original-message-id")) or ids_of(root.headers.first("in-reply-to"))
    answered = answered or ids_of(root.headers.first("references"))[-1:]
    return answered[0] if answered else ""
