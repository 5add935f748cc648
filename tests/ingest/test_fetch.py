"""Pages from the web, and never from the own network (threat T19)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from base.errors import TooLarge
from ingest import fetch as module
from ingest.fetch import AddressRefused, PageUnreachable, checked_address, fetch, is_public

Resolver = Callable[[dict[str, list[str]]], None]
REFUSED = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://0/",
    "http://0.0.0.0:8000/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/admin",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a00:1::1]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://user@example.com/",
    "http://user:secret@example.com/",
    "http://example.com@127.0.0.1/",
    "file:///etc/passwd",
    "ftp://example.com/file",
    "gopher://example.com/",
    "javascript:alert(1)",
    "//example.com/",
    "example.com",
    "http://",
    "http:///path",
    "http://[::1",
    "http://example.com:99999/",
    "",
]


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_is_not_of_the_public_web_is_refused(resolve: Resolver, url: str) -> None:
    resolve({"example.com": ["93.184.216.34"]})
    with pytest.raises(AddressRefused) as caught:
        checked_address(url)
    assert caught.value.fields == {"url": url}


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "2002:5db8:d822::1", "64:ff9b::101:101"]
)
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(address)


def test_what_is_no_address_is_not_public() -> None:
    assert not is_public("localhost")


@pytest.fixture
def resolve(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """Names for this test; numbers resolve as ever."""
    real = socket.getaddrinfo

    def use(names: dict[str, list[str]]) -> None:
        def fake(host: str, port: int, *rest: Any, **more: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            if name in names:
                return [entry for address in names[name] for entry in real(address, port, type=socket.SOCK_STREAM)]
            if name.endswith(".example"):
                raise socket.gaierror(-2, "Name or service not known")
            return real(host, port, *rest, **more)

        monkeypatch.setattr(socket, "getaddrinfo", fake)

    return use


def test_every_address_of_a_name_must_be_public(resolve: Resolver) -> None:
    resolve({"good.example": ["93.184.216.34"], "mixed.example": ["93.184.216.34", "10.0.0.1"], "in.example": ["::1"]})
    assert checked_address("https://good.example/page") == "93.184.216.34"
    for name in ("mixed.example", "in.example"):
        with pytest.raises(AddressRefused):
            checked_address(f"https://{name}/")


def test_the_own_network_is_read_where_a_setting_allows_it(resolve: Resolver) -> None:
    resolve({"wiki.intern": ["10.0.0.5"]})
    assert checked_address("http://wiki.intern/", allow_private=True) == "10.0.0.5"
    with pytest.raises(AddressRefused):
        checked_address("file:///etc/passwd", allow_private=True)


@pytest.mark.parametrize(
    "url", ["http://nowhere.example/", "http://" + "a" * 300 + ".example/", "http://\udce9.example/"]
)
def test_a_name_that_is_not_known_is_said(resolve: Resolver, url: str) -> None:
    resolve({})
    with pytest.raises((PageUnreachable, AddressRefused)):
        checked_address(url)


class _Handler(BaseHTTPRequestHandler):
    pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
    asked: list[tuple[str, str]] = []

    def do_GET(self) -> None:
        self.asked.append((self.headers["Host"], self.path))
        status, headers, body = self.pages.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


class _Site:
    """A web site on this machine whose address counts as public, known as site.example."""

    def __init__(self, port: int) -> None:
        self.port, self.pages, self.asked = port, _Handler.pages, _Handler.asked

    def url(self, path: str, host: str = "site.example") -> str:
        return f"http://{host}:{self.port}{path}"


@pytest.fixture
def site(resolve: Resolver, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Site]:
    monkeypatch.setattr(_Handler, "pages", {})
    monkeypatch.setattr(_Handler, "asked", [])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    resolve({"site.example": ["127.0.0.1"], "inside.example": ["127.0.0.2"], "metadata.example": ["169.254.169.254"]})
    monkeypatch.setattr(module, "is_public", lambda address: address == "127.0.0.1" or is_public(address))
    yield _Site(server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


HTML = {"Content-Type": "text/html; charset=utf-8"}


def test_a_page_is_saved_under_its_type_and_called_by_its_address(site: _Site, tmp_path: Path) -> None:
    site.pages["/help?id=7"] = (200, HTML, b"<h1>VPN</h1>")
    source = fetch(site.url("/help?id=7#top"), tmp_path, max_bytes=1000)
    assert (source.path.suffix, source.path.read_bytes()) == (".html", b"<h1>VPN</h1>")
    assert source.name == site.url("/help?id=7")
    assert site.asked == [(f"site.example:{site.port}", "/help?id=7")]


@pytest.mark.parametrize(
    ("path", "media_type", "suffix"),
    [
        ("/a", "application/pdf", ".pdf"),
        ("/a.pdf", "application/octet-stream", ".pdf"),
        ("/a", "text/markdown", ".md"),
        ("/a", "", ".html"),
        ("/a.thisisaverylongsuffix", "x/y", ".thisisa"),
    ],
)
def test_the_suffix_says_what_the_server_says(
    site: _Site, tmp_path: Path, path: str, media_type: str, suffix: str
) -> None:
    site.pages[path] = (200, {"Content-Type": media_type}, b"text")
    assert fetch(site.url(path), tmp_path, max_bytes=1000).path.suffix == suffix


def test_a_redirect_is_followed_to_where_it_leads(site: _Site, tmp_path: Path) -> None:
    site.pages["/old"] = (302, {"Location": "/new"}, b"")
    site.pages["/new"] = (301, {"Location": site.url("/newest")}, b"")
    site.pages["/newest"] = (200, HTML, b"here")
    assert fetch(site.url("/old"), tmp_path, max_bytes=1000).name == site.url("/newest")


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2/",
        "http://inside.example/",
        "http://metadata.example/latest/meta-data/",
        "http://[::1]/",
        "//10.0.0.1/",
        "file:///etc/passwd",
        "http://user@site.example/",
    ],
)
def test_a_redirect_to_the_own_network_is_refused(site: _Site, tmp_path: Path, target: str) -> None:
    site.pages["/"] = (302, {"Location": target}, b"")
    with pytest.raises(AddressRefused):
        fetch(site.url("/"), tmp_path, max_bytes=1000)
    assert len(site.asked) == 1


def test_the_connection_goes_to_the_address_that_was_checked(
    site: _Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that resolves anew between check and connection (DNS rebinding) changes nothing: it is not asked again."""
    site.pages["/"] = (200, HTML, b"here")
    real, asked = socket.getaddrinfo, []

    def counting(host: str, *rest: Any, **more: Any) -> Any:
        asked.append(host)
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", counting)
    fetch(site.url("/"), tmp_path, max_bytes=1000)
    assert [str(host) for host in asked].count("site.example") == 1


def test_going_round_in_circles_ends(site: _Site, tmp_path: Path) -> None:
    site.pages["/"] = (302, {"Location": "/"}, b"")
    with pytest.raises(PageUnreachable, match="too many redirects"):
        fetch(site.url("/"), tmp_path, max_bytes=1000)


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "3000"}], ids=["true", "as declared"])
def test_a_page_over_the_limit_is_refused(site: _Site, tmp_path: Path, headers: dict[str, str]) -> None:
    site.pages["/"] = (200, HTML | headers, b"x" * 3000)
    assert fetch(site.url("/"), tmp_path, max_bytes=3000).path.stat().st_size == 3000
    with pytest.raises(TooLarge):
        fetch(site.url("/"), tmp_path, max_bytes=2999)


def test_what_unpacks_to_more_than_the_limit_is_refused(site: _Site, tmp_path: Path) -> None:
    import gzip

    packed = gzip.compress(b"x" * 5_000_000)
    site.pages["/"] = (200, HTML | {"Content-Encoding": "gzip"}, packed)
    with pytest.raises(TooLarge):
        fetch(site.url("/"), tmp_path, max_bytes=100_000)


def test_a_page_that_drips_for_ever_is_given_up(site: _Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.pages["/"] = (200, HTML, b"x" * 500_000)
    monkeypatch.setattr(module, "SECONDS", 0.0)
    with pytest.raises(PageUnreachable):
        fetch(site.url("/"), tmp_path, max_bytes=1_000_000)


@pytest.mark.parametrize("status", [204, 401, 403, 404, 500])
def test_a_page_that_is_not_there_is_said(site: _Site, tmp_path: Path, status: int) -> None:
    site.pages["/"] = (status, {}, b"")
    with pytest.raises(PageUnreachable, match=f"HTTP {status}"):
        fetch(site.url("/"), tmp_path, max_bytes=1000)


def test_a_server_that_does_not_answer_is_said(site: _Site, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(PageUnreachable):
        fetch(f"http://site.example:{port}/", tmp_path, max_bytes=1000)


@pytest.mark.parametrize("location", ["http://site.example:port/", "http://[", "http://site.example\x7f/", "\udce9"])
def test_a_redirect_to_nonsense_is_said(site: _Site, tmp_path: Path, location: str) -> None:
    site.pages["/"] = (302, {"Location": location.encode("latin-1", "replace").decode("latin-1")}, b"")
    with pytest.raises((AddressRefused, PageUnreachable)):
        fetch(site.url("/"), tmp_path, max_bytes=1000)
