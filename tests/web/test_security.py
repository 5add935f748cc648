"""What every request and response goes through: headers, cross-site requests, body limits, HEAD, bad numbers."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest

from desk.models import Role
from tests.live import LiveDesk
from tests.web.addresses import addresses
from web.security import CSP, HEADERS

PAGES = ["/demo", "/signin", "/healthz", "/widget.js", "/static/app.css", "/api/v1/openapi.json", "/nothing-here",
         "/status/nothing", "/api/v1/articles", "/api/v1/chat/turns"]  # fmt: skip
STAFF_PAGES = ["/inbox", "/inbox?view=all", "/inbox/nothing", "/knowledge", "/knowledge/upload", "/metrics"]


def assert_headers(answer: httpx.Response) -> None:
    for name, value in HEADERS:
        assert answer.headers[name.decode()] == value.decode(), (answer.url, name)
    assert answer.headers["cache-control"]


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_carries_the_security_headers(live: LiveDesk, path: str) -> None:
    assert_headers(live.browser().get(path))


@pytest.mark.parametrize("path", STAFF_PAGES)
def test_pages_of_staff_carry_them_too_and_are_never_cached(live: LiveDesk, path: str) -> None:
    answer = live.browser(Role.ADMIN).get(path)
    assert_headers(answer)
    assert answer.headers["cache-control"] == "no-store"


def test_the_policy_allows_no_inline_script_or_style() -> None:
    assert "unsafe" not in CSP
    assert CSP.startswith("default-src 'none'")


def test_pages_hold_no_inline_script_style_or_handler(live: LiveDesk) -> None:
    for path in ("/demo", "/inbox", "/knowledge", "/knowledge/upload"):
        html = live.browser(Role.ADMIN).get(path).text
        assert " style=" not in html
        assert "<style" not in html
        assert " onclick=" not in html
        assert "<script>" not in html


SITES: list[tuple[dict[str, str], bool]] = [
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "whatever"}, False),
    ({"Sec-Fetch-Site": ""}, False),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "{own}"}, False),
    ({"Origin": "{own}"}, True),
    ({"Origin": "https://elsewhere.example"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": "{own}.elsewhere.example"}, False),
    ({"Referer": "{own}/inbox"}, True),
    ({"Referer": "https://elsewhere.example/{own}"}, False),
    ({}, True),  # no browser: a command-line client holds no cookie it did not mean to send
]


@pytest.mark.parametrize(("sent", "allowed"), SITES, ids=lambda value: str(value))
def test_a_change_another_site_asked_for_is_refused(live: LiveDesk, sent: dict[str, str], allowed: bool) -> None:
    headers = {name: value.format(own=live.url) for name, value in sent.items()}
    answer = httpx.post(f"{live.url}/signout", headers=headers)
    assert answer.status_code == (303 if allowed else 403)
    if not allowed:
        assert answer.json()["code"] == "cross_site_request"


def test_every_address_that_changes_something_refuses_other_sites(live: LiveDesk) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Accept-Language": "zh"}
    for method, path in addresses(live.app):
        if method == "GET" or path.startswith("/api/v1/chat/"):
            continue
        answer = httpx.request(method, live.url + path, headers=headers)
        assert (path, answer.status_code) == (path, 403)
        assert "其他网站" in answer.json()["detail"]
        assert_headers(answer)


def test_what_only_reads_is_open_to_links_from_other_sites(live: LiveDesk) -> None:
    assert httpx.get(f"{live.url}/demo", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_no_cookie_says_in_which_language_to_refuse(live: LiveDesk) -> None:
    sent: dict[str, Any] = {"headers": {"Sec-Fetch-Site": "cross-site"}, "cookies": {"firstline_lang": "zh"}}
    assert "其他网站" in httpx.post(f"{live.url}/signout", **sent).json()["detail"]
    sent["cookies"] = {"firstline_lang": "<script>"}
    assert "another site" in httpx.post(f"{live.url}/signout", **sent).json()["detail"]


@pytest.mark.parametrize(("declared", "status"), [("1048577", b"413"), ("9" * 30, b"400"), ("-1", b"400")])
def test_a_body_that_says_it_is_too_long_is_refused_unread(live: LiveDesk, declared: str, status: bytes) -> None:
    host, port = live.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(f"POST /signin HTTP/1.1\r\nHost: {host}\r\nContent-Length: {declared}\r\n\r\n".encode())
        assert line.recv(100).split()[1] == status


def test_a_form_without_a_length_is_cut_off_with_a_page(live: LiveDesk) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = live.browser().post("/signin", content=(b"x" * 65536 for _ in range(32)), headers=form)
    assert answer.status_code == 413
    assert "1 MB" in answer.text


@pytest.mark.parametrize("path", ["/demo", "/widget.js", "/static/app.css", "/healthz", "/inbox", "/inbox/events"])
def test_head_is_get_without_the_body(live: LiveDesk, path: str) -> None:
    client = live.browser(Role.AGENT)
    head = client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert_headers(head)
    if path != "/inbox/events":
        assert head.headers["content-type"] == client.get(path).headers["content-type"]


@pytest.mark.parametrize(
    "address",
    ["/inbox?view=%00&q=%00", "/inbox?q=%F0%9F%98%80%27%22%3C", "/knowledge?q=%25_!%27&lang=xx&status=yy",
     "/inbox/%00", "/knowledge/%2e%2e", "/inbox/events?after=-1", "/inbox/events?after=99999999999999999999",
     "/api/v1/articles?limit=0", "/api/v1/articles?offset=99999999999999999999", "/lang/xx?next=%00",
     "/lang/zh?next=//[", "/signin?next=%0d%0aSet-Cookie:x"],
)  # fmt: skip
def test_strange_addresses_are_answered_not_crashed_on(live: LiveDesk, address: str) -> None:
    answer = live.browser(Role.ADMIN, **{"HX-Request": "true"}).get(address)
    assert answer.status_code in (200, 303, 400, 404, 422)
    assert "set-cookie" not in answer.headers or "x" not in answer.cookies


@pytest.mark.parametrize("path", ["/static/..%2fapp.py", "/static/%2e%2e/app.py", "/static/vendor/../../app.py"])
def test_static_files_end_at_their_folder(live: LiveDesk, path: str) -> None:
    answer = httpx.get(live.url + path)
    assert answer.status_code == 404
    assert "create_app" not in answer.text


def test_static_files_are_kept_and_revalidated(live: LiveDesk) -> None:
    answer = httpx.get(f"{live.url}/static/vendor/htmx.min.js")
    assert answer.headers["cache-control"] == "max-age=3600"
    again = httpx.get(str(answer.url), headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_other_sites_may_load_the_widget(live: LiveDesk) -> None:
    for name in ("widget.js", "widget-parts.js", "widget-mail.js"):
        answer = httpx.get(f"{live.url}/{name}")
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(("lang", "words", "way"), [("en", "another site", "start page"), ("zh", "其他网站", "首页")])
def test_a_person_whose_form_is_refused_reads_a_page(live: LiveDesk, lang: str, words: str, way: str) -> None:
    answer = live.browser(**{"Sec-Fetch-Site": "cross-site", "Accept-Language": lang}).post("/signin", data={})
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")
    assert f'<html lang="{"zh-CN" if lang == "zh" else "en"}"' in answer.text
    assert words in answer.text
    assert way in answer.text
    assert_headers(answer)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_person_whose_upload_is_too_large_reads_what_to_do(live: LiveDesk, lang: str) -> None:
    host, port = live.url.removeprefix("http://").split(":")
    head = (
        f"POST /knowledge/upload HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 999999999\r\nAccept: text/html\r\n"
        f"Accept-Language: {lang}\r\nSec-Fetch-Site: same-origin\r\nReferer: {live.url}/knowledge/upload\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(head.encode())
        with line.makefile("rb") as told:
            page = told.read(20_000).decode() if told.peek(1) else ""
    assert page.split()[1] == "413"
    assert "text/html" in page
    assert "200 MB" in page
    assert 'href="/knowledge/upload"' in page
