"""What a setting's value must look like, and what to write instead when it does not: for `base.settings`."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MAX_SOCKET_BYTES = 108  # of "unix:" and a path: the kernel takes no longer one


def time_zone(value: str) -> str:
    """The name of a zone this machine knows. Raises ValueError."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f'"{value}" is not a time zone. Write an IANA name such as Asia/Shanghai, Europe/Berlin or UTC'
        ) from error
    return value


def web_address(value: str) -> str:
    """An http or https address, or "". Raises ValueError."""
    parts = _split(value)
    is_address = parts is not None and not parts.query and not parts.fragment
    if value and not is_address:
        raise ValueError(f'"{value}" is not a web address. Write it with its scheme, as in https://help.example.com')
    return value


def listed(value: Any) -> Any:
    """The parts of a list that is written with commas, or as JSON; anything else as it comes. Raises ValueError."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(f"{value} is not a JSON list. Separate several values with commas instead") from error
    return [part.strip() for part in value.split(",") if part.strip()]


def origins(values: list[str]) -> list[str]:
    """Origins as browsers send them, or "*". Raises ValueError."""
    return [_origin(value) for value in values]


def addresses(values: Iterable[str]) -> str:
    """IP addresses and networks with commas between them, or "*". Raises ValueError."""
    found = list(values)
    for value in found:
        try:
            if value != "*":
                ipaddress.ip_network(value, strict=False)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f'"{value}" is not an address. Write IP addresses or networks with commas between them, '
                "as in 127.0.0.1,10.0.0.0/8, or * for any"
            ) from error
    return ",".join(found)


def clamd_address(value: str) -> tuple[str, int] | str:
    """Host and port, or the path of a socket, of "tcp://HOST:PORT" or "unix:/PATH". Raises ValueError."""
    wrong = f'"{value}" is not the address of a scanner. Write tcp://127.0.0.1:3310 or unix:/run/clamav/clamd.ctl'
    if value.startswith("unix:/") and len(value.encode()) < MAX_SOCKET_BYTES:
        return value.removeprefix("unix:")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError(wrong) from None
    if parts.scheme != "tcp" or not parts.hostname or port is None or parts.path or parts.username is not None:
        raise ValueError(wrong)
    return parts.hostname, port


def reason(error: dict[str, Any], known: Iterable[str]) -> str:
    """Why a value was refused and what to write, from one of pydantic's errors. known: the names of all settings."""
    kind, context, given = error["type"], error.get("ctx") or {}, error.get("input")
    if kind == "extra_forbidden":
        near = get_close_matches(str(error["loc"][-1]), list(known), n=1)
        return "there is no such setting" + (
            f". Did you mean {near[0]}?" if near else "; `firstline settings` lists all"
        )
    if kind == "value_error":
        return str(context.get("error", error["msg"]))
    wanted = _WANTED.get(kind)
    if wanted is None:
        return f"{_shown(given)}: {error['msg'][:1].lower()}{error['msg'][1:]}"
    return f"{_shown(given)} will not do. Write {wanted.format(**{name: _plain(value) for name, value in context.items()})}"


_WANTED = {
    "literal_error": "one of these: {expected}",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "a text in quotation marks",
    "list_type": "a list of texts, or texts with commas between them",
    "greater_than": "a number greater than {gt}",
    "greater_than_equal": "a number that is at least {ge}",
    "less_than": "a number smaller than {lt}",
    "less_than_equal": "a number that is at most {le}",
    "path_type": "the path of a folder",
}


def _origin(value: str) -> str:
    parts = _split(value)
    if value == "*":
        return value
    if parts is None or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(
            f'"{value}" is not an origin. Write https://HOST for each site, with commas between them, or * for any'
        )
    return f"{parts.scheme}://{parts.netloc}".lower()


def _split(value: str) -> Any:
    """The parts of an http or https address with a host; None for anything else."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return None
    is_web = parts.scheme in ("http", "https") and parts.hostname and parts.username is None
    return parts if is_web and not any(ch.isspace() for ch in value) else None


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _plain(value: Any) -> str:
    return str(value).replace("'", "").replace(" or ", ", ") if isinstance(value, str) else str(value)
