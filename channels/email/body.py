"""Which parts of a mail are its text, which are files, and which are mails of their own.

The sorting is that of JMAP (RFC 8621, section 4.1.4), so that the text is what any client would show.
"""

from __future__ import annotations

import html as markup
import re
from dataclasses import dataclass, field

from channels.email.charset import charset_in_html, codec_of, decode
from channels.email.files import FileList
from channels.email.html import to_text
from channels.email.invitation import line_of
from channels.email.limits import MailLimits
from channels.email.parts import Part
from channels.email.plain import is_armoured, line_ends, unflow, without_signature_frame
from channels.email.tnef import SIGNATURE, Damaged, Tnef, read_tnef

PLAIN, HTML = "text/plain", "text/html"
REPORTS = frozenset({
    "message/delivery-status", "message/global-delivery-status", "message/feedback-report", "text/rfc822-headers",
    "message/global-headers", "message/disposition-notification", "message/global-disposition-notification",
})  # fmt: skip
_CALENDARS = frozenset({"text/calendar", "application/ics"})
_SEALED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_OTHER_RENDERINGS = frozenset({"text/x-amp-html", "text/watch-html"})  # the same again, for special readers
_SUBSTANTIAL = 5  # times shorter than the HTML's text, and a plain part is only a notice that there is HTML
_NOTICE_CHARS = 400


@dataclass(slots=True)
class Budget:
    """What is left of the HTML that is turned into text, for a mail and the mails in it together."""

    html_chars: int


@dataclass(slots=True)
class Body:
    """What one mail is made of, sorted."""

    limits: MailLimits
    budget: Budget
    files: FileList
    flaws: set[str]
    plain_parts: list[Part] = field(default_factory=list)  # what is shown where no HTML is wanted
    html_parts: list[Part] = field(default_factory=list)  # what is shown where HTML is
    other_text: list[Part] = field(default_factory=list)  # text/markdown and the like: text, if there is no other
    messages: list[Part] = field(default_factory=list)
    calendar_lines: list[str] = field(default_factory=list)
    boxes: list[Tnef] = field(default_factory=list)
    sealed: bool = False  # encrypted, or signed in a way that hides the text
    _texts: dict[int, str] = field(default_factory=dict)  # of parts that stand on both sides, decoded once

    def text_and_html(self) -> tuple[str, str]:
        """(all of the text, the HTML as sent)."""
        html = self._html()
        plain = self._plain()
        if html and len(plain) < _NOTICE_CHARS and any(part.media_type == PLAIN for part in self.plain_parts):
            rendered = self._rendered(html)
            if not plain.strip() or len(plain) * _SUBSTANTIAL < len(rendered):
                plain = rendered
        for box in self.boxes if not (plain.strip() or html) else ():
            plain, html = box.text or box.rtf_text, box.html
            plain = line_ends(plain) or (self._rendered(html) if html else "")
        if not plain.strip() and self.other_text:
            plain = "\n".join(self._decoded(part) for part in self.other_text)
        if self.sealed and not plain.strip():
            self.flaws.add("encrypted")
        lines = [line for line in dict.fromkeys(self.calendar_lines) if line not in plain]
        return self._cut("\n\n".join(piece for piece in (plain.strip("\n"), *lines) if piece)), html

    def _plain(self) -> str:
        shown: list[str] = []
        length = 0
        for part in self.plain_parts:
            if length > self.limits.text_chars:
                break  # what is behind would be cut off
            piece = self._decoded(part)
            if part.media_type == HTML:
                shown.append(self._rendered(piece))
            elif is_armoured(piece):
                self.sealed = True
                self.files.add("message.asc", "application/pgp-encrypted", piece.encode())
                continue
            else:
                shown.append(piece)
            length += len(shown[-1])
        return "\n".join(piece.strip("\n") if len(shown) > 1 else piece for piece in shown)

    def _html(self) -> str:
        """The HTML parts, with plain parts between them as preformatted text. "" where there is no HTML at all."""
        if not any(part.media_type == HTML for part in self.html_parts):
            return ""
        pieces: list[str] = []
        length = 0
        for part in self.html_parts:
            if length > self.limits.html_chars:
                break
            piece = self._decoded(part)
            pieces.append(piece if part.media_type == HTML else f"<pre>{markup.escape(piece)}</pre>")
            length += len(pieces[-1])
        if length > self.limits.html_chars:
            self.flaws.add("html_cut")
        return "\n".join(pieces)[: self.limits.html_chars]

    def _decoded(self, part: Part) -> str:
        if id(part) not in self._texts:
            self._texts[id(part)] = self._read(part)
        return self._texts[id(part)]

    def _read(self, part: Part) -> str:
        """The text of a part, its lines unwrapped; nothing is read that would be cut off afterwards."""
        limit = self.limits.html_chars if part.media_type == HTML else self.limits.text_chars
        data, flaw = part.content(limit * 6)
        if flaw and part.end - part.start <= limit * 6:
            self.flaws.add(flaw)
        label = part.charset
        if part.media_type == HTML and not codec_of(label):
            label = charset_in_html(data) or label
        text, mended = decode(data[: limit * 4], label)
        if mended and len(data) <= limit * 4:
            self.flaws.add("charset")
        if part.media_type == HTML:
            return text
        text = without_signature_frame(line_ends(text))
        if part.params.get("format", "").lower() == "flowed":
            text = unflow(text, delsp=part.params.get("delsp", "").lower() == "yes")
        return text

    def _rendered(self, html: str) -> str:
        room = self.budget.html_chars
        if len(html) > room:
            self.flaws.add("text_cut")
        self.budget.html_chars = max(0, room - len(html))
        return to_text(html[:room]) if room else ""

    def _cut(self, text: str) -> str:
        if len(text) > self.limits.text_chars:
            self.flaws.add("text_cut")
        return text[: self.limits.text_chars]


def sort_parts(root: Part, limits: MailLimits, files: FileList, flaws: set[str], budget: Budget | None = None) -> Body:
    """The parts of a mail, sorted. Files of mails in it are for whoever sorts those.

    budget: that of the mail around this one, a new one without it.
    """
    body = Body(limits, budget or Budget(limits.read_html_chars), files, flaws)
    if root.is_multipart:
        _sort(body, root, root.media_type == "multipart/alternative")
    else:
        _leaf(body, root, 0, "mixed", in_alternative=False, sides=_Sides())
    return body


@dataclass(slots=True)
class _Sides:
    """Whether a branch still feeds both the plain and the HTML rendering."""

    plain: bool = True
    html: bool = True


def _sort(body: Body, parent: Part, in_alternative: bool, sides: _Sides | None = None) -> None:
    kind = parent.media_type.partition("/")[2]
    sides = sides or _Sides()
    plain_before, html_before = len(body.plain_parts), len(body.html_parts)
    body.sealed |= kind == "encrypted"
    for index, part in enumerate(parent.parts):
        if part.is_multipart:
            # RFC 8621 passes the lists down and may null them for the branch only
            inner = _Sides(sides.plain, sides.html)
            _sort(body, part, in_alternative or part.media_type == "multipart/alternative", inner)
        else:
            _leaf(body, part, index, kind, in_alternative=in_alternative, sides=sides)
    if kind == "alternative" and sides.plain and sides.html:
        more_plain, more_html = body.plain_parts[plain_before:], body.html_parts[html_before:]
        if not more_plain:
            body.plain_parts += more_html
        if not more_html:
            body.html_parts += more_plain


def _leaf(body: Body, part: Part, index: int, kind: str, *, in_alternative: bool, sides: _Sides) -> None:
    is_text = part.media_type in (PLAIN, HTML)
    stands_alone = index == 0 or (kind != "related" and not part.filename)
    if not (is_text and part.disposition != "attachment" and stands_alone):
        _put_aside(body, part, kind)
        return
    if kind == "alternative":
        (body.plain_parts if part.media_type == PLAIN else body.html_parts).append(part)
        return
    if in_alternative and part.media_type == PLAIN:
        sides.html = False
    elif in_alternative:
        sides.plain = False
    if sides.plain:
        body.plain_parts.append(part)
    if sides.html:
        body.html_parts.append(part)


def _put_aside(body: Body, part: Part, kind: str) -> None:
    """A part that is no text: a mail, a report, a calendar, a box of Outlook's, or a file."""
    if part.is_message:
        body.messages.append(part)
        return
    if part.media_type in REPORTS or part.media_type == "application/pgp-encrypted":
        return
    if kind == "alternative" and part.media_type in _OTHER_RENDERINGS:
        return
    if part.media_type.startswith("text/") and part.disposition != "attachment" and not part.filename:
        body.other_text += [part] if part.media_type not in _CALENDARS else []
    content, flaw = part.content()
    body.flaws.update({flaw} - {""})
    if part.media_type in _TNEF or content.startswith(SIGNATURE):
        if _open_box(body, content):
            return
        body.flaws.add("tnef")
    if part.media_type in _CALENDARS:
        body.calendar_lines += [line] if (line := line_of(decode(content[:200_000], part.charset)[0])) else []
    body.sealed |= part.media_type in _SEALED
    inline = part.disposition != "attachment" and (
        part.disposition == "inline" or bool(part.content_id and part.media_type.startswith("image/"))
    )
    body.files.add(_name_of(part), part.media_type, content, part.content_id, inline=inline)


def _open_box(body: Body, content: bytes) -> bool:
    """Takes the files out of a winmail.dat. False where it is none that can be read."""
    try:
        box = read_tnef(content)
    except Damaged:
        return False
    if box.is_cut:
        body.flaws.add("tnef")
    body.boxes.append(box)
    for one in box.files:
        body.files.add(one.name, one.media_type, one.content, one.content_id, inline=bool(one.content_id))
    return True


def _name_of(part: Part) -> str:
    """The name its sender gave it. Some clients put it into the description only."""
    described = part.headers.text("content-description", part.charset)
    return part.filename or (described if re.fullmatch(r"[^.]{1,150}\.\w{1,5}", described) else "")
