"""The recorded mails: in the style of real mail programs, with invented people."""

from __future__ import annotations

from pathlib import Path

from channels.email.mime import read_mail
from channels.email.models import Mail

MAILS = Path(__file__).parent / "mails"
NAMES = sorted(path.stem for path in MAILS.glob("*.eml"))


def recorded(name: str) -> Mail:
    return read_mail((MAILS / f"{name}.eml").read_bytes())


def mail(headers: str = "", body: bytes | str = "text", charset: str = "utf-8") -> Mail:
    """A small mail read: these headers on top of a plain one."""
    content = body if isinstance(body, bytes) else body.encode(charset)
    return read_mail(headers.strip().encode("utf-8") + b"\n\n" + content)
