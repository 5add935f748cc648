"""What the doors share in reading a payload: JSON with bounds, text that the database can hold."""

from __future__ import annotations

import json
from typing import Any

from base.errors import InvalidInput, TooLarge
from base.i18n import N_, format_bytes

MAX_BYTES = 256 * 1024


class NotUnderstood(InvalidInput):
    code = "payload_not_understood"
    message = N_("This message could not be read. Please send it again.")


class MessageTooLong(TooLarge):
    """Sending it again will not help: the limit is named."""

    code = "message_too_long"
    message = N_("This message is too long: it has {length} characters and the limit is {limit}. Send it in parts.")


def read_json(payload: bytes, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The JSON object in a payload. Raises TooLarge, or NotUnderstood for anything that is not a JSON object."""
    if len(payload) > max_bytes:
        raise TooLarge(limit=format_bytes(max_bytes), size_bytes=len(payload))
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise NotUnderstood(type(error).__name__) from error
    if not isinstance(data, dict):
        raise NotUnderstood("not an object")
    return data


def text_field(data: dict[str, Any], name: str, *, required: bool = False, max_chars: int = 200_000) -> str:
    """A string field as valid text without NUL, which no database takes.

    Raises MessageTooLong for a "text" over the limit, NotUnderstood for anything else.
    """
    value = data.get(name, "")
    if isinstance(value, str) and len(value) > max_chars and name == "text":
        raise MessageTooLong(length=f"{len(value):,}", limit=f"{max_chars:,}")
    if not isinstance(value, str) or (required and not value.strip()) or len(value) > max_chars:
        raise NotUnderstood(field=name)
    return value.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
