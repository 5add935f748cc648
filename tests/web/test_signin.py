"""Signing in and out: the cookie, the session behind it, guesses, the way back, the language."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import SimpleCookie

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from desk import staff
from desk.models import Role
from desk.tables import StaffRow, StaffSessionRow
from tests.live import LOOPBACK, PASSWORD, LiveDesk, add_people, email_of
from web.app import create_app
from web.deps import local_path
from web.wiring import Services

pytestmark = pytest.mark.allow_hosts(LOOPBACK)
AGENT = {"email": email_of(Role.AGENT), "password": PASSWORD}


def cookie_of(answer: httpx.Response) -> SimpleCookie:
    return SimpleCookie(answer.headers["set-cookie"])


def test_a_session_cookie_is_for_this_site_and_no_script(live: LiveDesk) -> None:
    answer = live.browser().post("/signin", data=AGENT)
    cookie = cookie_of(answer)["firstline_staff"]
    assert answer.headers["location"] == "/inbox"
    assert cookie["httponly"]
    assert cookie["samesite"] == "lax"
    assert cookie["path"] == "/"
    assert not cookie["secure"]  # plain http on this machine
    assert len(cookie.value) > 40


def test_with_tls_the_cookie_is_secure_and_tied_to_the_host(make_services: Callable[..., Services]) -> None:
    services = make_services(public_url="https://desk.example")
    add_people(services)
    client = TestClient(create_app(services), base_url="https://desk.example", follow_redirects=False)
    cookie = cookie_of(client.post("/signin", data=AGENT))["__Host-firstline_staff"]
    assert cookie["secure"]
    assert client.get("/inbox").status_code == 200
    client.post("/signout")
    assert client.get("/inbox").status_code == 303


def test_only_a_hash_of_the_session_is_stored(live: LiveDesk) -> None:
    token = cookie_of(live.browser().post("/signin", data=AGENT))["firstline_staff"].value
    with live.services.database.read() as session:
        assert token not in set(session.scalars(select(StaffSessionRow.token_hash)))


def test_signing_in_ends_the_session_one_came_with(live: LiveDesk) -> None:
    client = live.browser()
    client.post("/signin", data=AGENT)
    planted = dict(client.cookies)
    client.post("/signin", data={**AGENT, "email": email_of(Role.EDITOR)})
    assert dict(client.cookies) != planted
    assert httpx.get(f"{live.url}/inbox", cookies=planted).status_code == 303


def test_signing_out_ends_it_on_the_server(live: LiveDesk) -> None:
    client = live.browser()
    client.post("/signin", data=AGENT)
    kept = dict(client.cookies)
    answer = client.post("/signout")
    assert answer.headers["location"] == "/signin"
    assert dict(client.cookies) == {}
    assert httpx.get(f"{live.url}/inbox", cookies=kept).status_code == 303


@pytest.mark.parametrize(
    "form",
    [{**AGENT, "password": "wrong"}, {**AGENT, "email": "nobody@firstline.example"}, {"email": "", "password": ""}, {}],
)
def test_a_wrong_try_never_says_which_of_the_two_was_wrong(live: LiveDesk, form: dict[str, str]) -> None:
    answer = live.browser().post("/signin", data=form)
    assert answer.status_code == 401
    assert "The e-mail address or the password is not right." in answer.text
    assert "set-cookie" not in answer.headers


def test_the_address_stays_in_the_form_and_is_escaped(live: LiveDesk) -> None:
    answer = live.browser().post("/signin", data={"email": '"><script>x</script>', "password": "x"})
    assert "<script>x" not in answer.text
    assert "&lt;script&gt;x" in answer.text


def test_guessing_is_slowed_down_and_the_owner_is_not_kept_out(make_services: Callable[..., Services]) -> None:
    services = make_services(signin_attempts_per_minute=3)
    add_people(services)
    app = create_app(services)
    stranger = TestClient(app, client=("203.0.113.5", 1000))
    answers = [stranger.post("/signin", data={**AGENT, "password": f"guess {n}"}) for n in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert "Too many requests" in answers[-1].text
    owner = TestClient(app, client=("203.0.113.9", 1000), follow_redirects=False)
    assert owner.post("/signin", data=AGENT).status_code == 303


def test_a_changed_password_ends_every_session(make_services: Callable[..., Services]) -> None:
    services = make_services()
    add_people(services)
    client = TestClient(create_app(services), follow_redirects=False)
    client.post("/signin", data=AGENT)
    assert client.get("/inbox").status_code == 200
    with services.database.begin() as session:
        member = staff.to_staff(session.scalars(select(StaffRow).where(StaffRow.email == AGENT["email"])).one())
        staff.set_password(session, member, "another long password")
    assert client.get("/inbox").status_code == 303


def test_somebody_who_left_is_out_at_once(make_services: Callable[..., Services]) -> None:
    services = make_services()
    add_people(services)
    client = TestClient(create_app(services), follow_redirects=False)
    client.post("/signin", data=AGENT)
    with services.database.begin() as session:
        session.execute(update(StaffRow).values(active=False))
    assert client.get("/inbox").status_code == 303
    assert client.post("/signin", data=AGENT).status_code == 401


ELSEWHERE = [
    "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "javascript:alert(1)",
    "evil.example", "//[", "/\r\nSet-Cookie: a=b", " //evil.example", "/\x00",
]  # fmt: skip


@pytest.mark.parametrize("wish", ELSEWHERE)
def test_the_way_back_never_leads_elsewhere(live: LiveDesk, wish: str) -> None:
    assert local_path(wish) == "/inbox"
    answer = live.browser().post("/signin", data={**AGENT, "next": wish})
    assert answer.headers["location"] == "/inbox"
    assert live.browser().get("/lang/zh", params={"next": wish}).headers["location"] == "/"


def test_the_way_back_leads_to_the_page_one_wanted(live: LiveDesk) -> None:
    answer = live.browser().post("/signin", data={**AGENT, "next": "/inbox?view=all"})
    assert answer.headers["location"] == "/inbox?view=all"
    assert 'name="next" value="/knowledge?q=a&amp;b"' in live.browser().get("/signin?next=/knowledge?q=a%26b").text


def test_who_is_signed_in_needs_no_sign_in_page(live: LiveDesk) -> None:
    assert live.browser(Role.AGENT).get("/signin?next=/knowledge").headers["location"] == "/knowledge"


def test_a_chosen_language_wins_over_the_browsers(live: LiveDesk) -> None:
    client = live.browser()
    assert "Sign in to the desk" in client.get("/signin").text
    answer = client.get("/lang/zh?next=/signin")
    assert answer.headers["location"] == "/signin"
    assert '<html lang="zh-CN"' in client.get("/signin").text
    client.get("/lang/xx?next=/signin")
    assert '<html lang="zh-CN"' in client.get("/signin").text


def test_the_way_back_is_the_page_one_is_on_whatever_its_links_say(live: LiveDesk) -> None:
    here = live.browser(Referer=f"{live.url}/inbox/abc?view=all").get("/lang/zh?next=/inbox")
    assert here.headers["location"] == "/inbox/abc?view=all"
    elsewhere = live.browser(Referer="https://elsewhere.example/inbox").get("/lang/zh?next=/demo")
    assert elsewhere.headers["location"] == "/demo"


def test_staff_read_their_own_language_on_any_browser(make_services: Callable[..., Services]) -> None:
    services = make_services()
    with services.database.begin() as session:
        staff.add(session, "王琳", "wang@firstline.example", PASSWORD, Role.AGENT, services.clock.now(), "zh")
    client = TestClient(create_app(services), headers={"Accept-Language": "en"})
    client.post("/signin", data={"email": "wang@firstline.example", "password": PASSWORD})
    assert '<html lang="zh-CN"' in client.get("/inbox").text
