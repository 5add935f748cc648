"""Errors: problem+json for programs, a page for people, both in their language, also for what nobody foresaw."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from base.errors import InvalidInput, NotFound, StorageUnavailable, TooManyRequests
from desk.models import Role
from tests.live import LOOPBACK, LiveDesk
from web.app import create_app
from web.wiring import Services

pytestmark = pytest.mark.allow_hosts(LOOPBACK)
PROBLEM = {"type", "title", "status", "detail", "code"}


def problem(answer: httpx.Response) -> dict[str, object]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Accept-Language" in answer.headers["vary"]
    found: dict[str, object] = answer.json()
    assert found.keys() >= PROBLEM
    assert found["status"] == answer.status_code
    return found


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "chinese"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found", "没有找到"),
        ("GET", "/api/v1/articles", 401, "unauthenticated", "登录"),
        ("PUT", "/api/v1/articles", 405, "method_not_allowed", "不"),
        ("POST", "/api/v1/chat/sessions", 422, "invalid_input", "检查"),
    ],
)
def test_programs_get_a_problem_in_their_language(
    live: LiveDesk, method: str, path: str, status: int, code: str, chinese: str
) -> None:
    english = problem(httpx.request(method, live.url + path))
    in_chinese = problem(httpx.request(method, live.url + path, headers={"Accept-Language": "zh-CN"}))
    assert (english["status"], english["code"]) == (in_chinese["status"], in_chinese["code"]) == (status, code)
    assert str(english["detail"]).isascii()
    assert chinese in str(in_chinese["detail"])


def test_a_problem_names_the_fields_that_are_wrong(live: LiveDesk) -> None:
    answer = httpx.post(f"{live.url}/api/v1/chat/sessions", json={"lang": "xx", "role": "admin"})
    errors = problem(answer)["errors"]
    assert isinstance(errors, list)
    assert {error["field"] for error in errors} == {"lang", "role"}


def test_an_allowed_method_is_named(live: LiveDesk) -> None:
    assert "GET" in httpx.put(f"{live.url}/api/v1/articles").headers["allow"]


def test_people_get_a_page_in_their_language(live: LiveDesk) -> None:
    answer = live.browser(**{"Accept-Language": "zh"}).get("/nothing-here")
    assert answer.status_code == 404
    assert '<html lang="zh-CN"' in answer.text
    assert "没有找到" in answer.text


def test_a_stranger_is_sent_to_sign_in_and_back(live: LiveDesk) -> None:
    answer = live.browser().get("/inbox?view=all&q=a%26b")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/signin?next=/inbox%3Fview%3Dall%26q%3Da%2526b"


def test_a_script_of_a_page_is_told_401_and_not_redirected(live: LiveDesk) -> None:
    for path in ("/inbox", "/inbox/events", "/knowledge"):
        assert problem(live.browser(**{"HX-Request": "true"}).get(path))["code"] == "unauthenticated"


def test_a_form_sent_too_late_leads_to_the_sign_in_page_and_back(live: LiveDesk) -> None:
    client = live.browser(Referer=f"{live.url}/inbox/abc")
    answer = client.post("/inbox/abc/reply", data={"text": "hello"})
    assert answer.status_code == 401
    assert "/signin?next=/inbox/abc" in answer.text


def test_staff_without_the_permission_are_told_so(live: LiveDesk) -> None:
    answer = live.browser(Role.AGENT).get("/knowledge/upload")
    assert answer.status_code == 403
    assert "Ask an administrator" in answer.text


@pytest.fixture
def faulty(services: Services) -> TestClient:
    """The app with addresses that fail in every way."""
    app: FastAPI = create_app(services)
    errors = {
        "input": InvalidInput("the detail for the log"), "missing": NotFound(), "busy": TooManyRequests(retry_after_seconds=7),
        "disk": StorageUnavailable("disk full"), "bug": KeyError("customer text in an exception"),
    }  # fmt: skip

    @app.get("/fail/{name}")
    @app.get("/api/fail/{name}")
    def fail(name: str, request: Request) -> None:
        raise errors[name]

    return TestClient(app, raise_server_exceptions=False)


def test_an_error_says_what_to_do_and_keeps_its_detail_for_the_log(faulty: TestClient) -> None:
    answer = faulty.get("/api/fail/input")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert "the detail for the log" not in answer.text


def test_too_many_requests_says_when_to_come_back(faulty: TestClient) -> None:
    answer = faulty.get("/api/fail/busy")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert "7 seconds" in answer.json()["detail"]


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_what_nobody_foresaw_has_a_reference_and_shows_nothing_inside(faulty: TestClient, accept: str) -> None:
    answer = faulty.get("/fail/bug", headers={"Accept": accept})
    assert answer.status_code == 500
    assert "customer text" not in answer.text
    assert "KeyError" not in answer.text
    assert "reference" in answer.text
    assert answer.headers["x-frame-options"] == "DENY"


def test_a_failing_database_still_gets_its_page(faulty: TestClient) -> None:
    answer = faulty.get("/fail/disk", headers={"Accept": "text/html", "Cookie": "firstline_staff=abc"})
    assert answer.status_code == 503
    assert "the disk may be full" in answer.text
    assert "disk full" not in answer.text
