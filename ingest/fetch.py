"""A document from the web, without becoming a tool against the own network.

http and https only; every address a name resolves to must be public; the connection goes to the address that was
checked; each redirect is checked anew; size and time are bounded.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx

from base.errors import InvalidInput, TooLarge, Unavailable
from base.i18n import N_, format_bytes
from ingest.sources import Source

MAX_REDIRECTS = 5
SECONDS = 30.0  # for the whole page, redirects included
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_SUFFIXES = {
    "text/html": ".html", "application/xhtml+xml": ".html", "application/pdf": ".pdf", "text/markdown": ".md",
    "text/plain": ".txt", "text/csv": ".csv",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}  # fmt: skip


class AddressRefused(InvalidInput):
    code = "address_refused"
    message = N_("{url} is not a public web address, so it is not read. See the setting ingest_url_private.")


class PageUnreachable(Unavailable):
    code = "page_unreachable"
    message = N_("{url} could not be read ({reason}). Check the address and try again.")


def fetch(url: str, folder: Path, *, max_bytes: int, allow_private: bool = False) -> Source:
    """Download `url` into `folder`. Raises AddressRefused, PageUnreachable or TooLarge."""
    current, deadline = url, time.monotonic() + SECONDS
    for _ in range(MAX_REDIRECTS + 1):
        address = checked_address(current, allow_private)
        try:
            with _opened(current, address) as response:
                if response.is_redirect:
                    current = _target(current, response.headers["location"])
                    continue
                if response.status_code != 200:
                    raise PageUnreachable(url=current, reason=f"HTTP {response.status_code}")
                return Source(_save(response, folder, max_bytes, deadline), _name(current))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PageUnreachable(url=current, reason=type(error).__name__) from error
    raise PageUnreachable(url=url, reason="too many redirects")


def _target(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise AddressRefused(url=location) from error


@contextmanager
def _opened(url: str, address: str) -> Iterator[httpx.Response]:
    """The answer to a GET, from `address` and nowhere else, as the host that `url` names."""
    wanted = httpx.URL(url)
    headers = {"Host": wanted.netloc.decode("ascii"), "User-Agent": "Firstline", "Accept": "text/html,*/*;q=0.5"}
    name = {"sni_hostname": wanted.raw_host.decode("ascii")}
    with (
        httpx.Client(timeout=SECONDS / 2, follow_redirects=False, trust_env=False) as client,
        client.stream("GET", wanted.copy_with(host=address), headers=headers, extensions=name) as response,
    ):
        yield response


def checked_address(url: str, allow_private: bool = False) -> str:
    """The one address to connect to. Raises AddressRefused unless all that the name resolves to are public."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise AddressRefused(url=url) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise AddressRefused(url=url)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise PageUnreachable(url=url, reason="the name is not known") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not (allow_private or all(is_public(address) for address in addresses)):
        raise AddressRefused(url=url)
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet; IPv4 wrapped in IPv6 is judged by what it wraps."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        if parsed in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)))
        if parsed not in _GLOBAL_UNICAST:
            return False
    return parsed.is_global and not parsed.is_multicast


def _save(response: httpx.Response, folder: Path, max_bytes: int, deadline: float) -> Path:
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    path = folder / f"page{_SUFFIXES.get(media_type, Path(urlsplit(str(response.url)).path).suffix[:8] or '.html')}"
    size = 0
    with path.open("wb") as out:
        for block in response.iter_bytes(65536):
            size += len(block)
            if size > max_bytes:
                raise TooLarge(limit=format_bytes(max_bytes))
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("the whole page took too long")
            out.write(block)
    return path


def _name(url: str) -> str:
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return re.sub(r"\s", "", f"{parts.scheme}://{parts.netloc}{parts.path}{query}")
