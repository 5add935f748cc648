"""The app over a desk that is reached by mail, asked in this process: for the pages about mail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from desk.models import Role
from tests.web.mail.made import PASSWORD, MailDesk
from web.app import create_app

TOKEN = "a token of forty characters or so, at least"
SITE = "a secret that only the site and the desk know, 32+ bytes"
Enter = Callable[..., TestClient]


@pytest.fixture(scope="module")
def enter(installation: MailDesk) -> Iterator[Enter]:
    """Clients of the app: anonymous, or signed in as a colleague in a role."""
    changed = {
        "mail_hook_token": SecretStr(TOKEN), "upload_max_bytes": 20_000, "signin_attempts_per_minute": 1000,
        "widget_secret": SecretStr(SITE), "chat_sessions_per_hour": 1000,
    }  # fmt: skip
    settings = installation.services.settings.model_copy(update=changed)
    app = create_app(replace(installation.services, settings=settings))
    cookies: dict[Role, dict[str, str]] = {}

    def client(role: Role | None = None, **headers: str) -> TestClient:
        sent = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", "Accept-Language": "en", **headers}
        made = TestClient(app, headers=sent, follow_redirects=False)
        if role is not None:
            if role not in cookies:
                form = {"email": installation.member(role).email, "password": PASSWORD}
                assert made.post("/signin", data=form).status_code == 303
                cookies[role] = dict(made.cookies)
            made.cookies.update(cookies[role])
        return made

    yield client
    app.state.running.mail.stop()
