"""Access tokens for XOAUTH2: asked for when they are needed, kept until shortly before they end."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from base.log import get_logger

if TYPE_CHECKING:
    from channels.email.accounts import OAuth

log = get_logger(__name__)
_TOKEN_TIMEOUT_SECONDS = 20.0
_RENEW_BEFORE_SECONDS = 300.0  # a token that ends while a mail is handed over fails the mail
_TOKEN_SECONDS = 3600.0  # when the provider does not say how long


class TokenRefused(Exception):
    """The provider gives no access token: the refresh token or the client's secret is not, or no longer, good."""


class AccessTokens:
    """The access token of one account, asked for anew shortly before it ends. Source: RFC 6749, 4.4 and 6."""

    def __init__(self, oauth: OAuth, mailbox: str) -> None:
        self._oauth = oauth
        self._mailbox = mailbox
        self._refresh = oauth.refresh_token.get_secret_value()
        self._token = ""
        self._renew_at = 0.0
        self._lock = threading.Lock()  # fetching and sending ask at the same time

    def get(self, *, renew: bool = False) -> str:
        with self._lock:
            if renew or not self._token or time.monotonic() >= self._renew_at:
                self._ask()
            return self._token

    def _ask(self) -> None:
        form = {"client_id": self._oauth.client_id, "grant_type": "client_credentials"}
        if self._refresh:
            form |= {"grant_type": "refresh_token", "refresh_token": self._refresh}
        if secret := self._oauth.client_secret.get_secret_value():
            form["client_secret"] = secret
        if self._oauth.scope:
            form["scope"] = self._oauth.scope
        try:
            answer = httpx.post(self._oauth.token_url, data=form, timeout=_TOKEN_TIMEOUT_SECONDS)
            given = answer.json() if answer.content else {}
        except (httpx.HTTPError, ValueError) as error:
            raise ConnectionError(f"no token from {self._oauth.token_url}: {type(error).__name__}") from error
        given = given if isinstance(given, dict) else {}
        if not answer.is_success or not isinstance(given.get("access_token"), str):
            why = f"{self._oauth.token_url} answered {answer.status_code} {str(given.get('error', ''))[:100]}".strip()
            raise TokenRefused(why) if answer.status_code in (400, 401, 403) else ConnectionError(why)
        self._take(given)

    def _take(self, given: dict[str, Any]) -> None:
        self._token = given["access_token"]
        try:
            seconds = max(0.0, float(given.get("expires_in", _TOKEN_SECONDS)))
        except (TypeError, ValueError):
            seconds = _TOKEN_SECONDS
        self._renew_at = time.monotonic() + seconds - min(_RENEW_BEFORE_SECONDS, seconds / 2)
        newer = given.get("refresh_token")
        if isinstance(newer, str) and newer and newer != self._refresh:
            self._refresh = newer
            if self._oauth.refresh_token_file is not None:
                self._keep(self._oauth.refresh_token_file, newer)

    def _keep(self, path: Path, refresh_token: str) -> None:
        try:
            new = path.with_name(f"{path.name}.new")
            new.touch(0o600)
            new.write_text(refresh_token)
            new.replace(path)
        except OSError as error:  # the one in memory is good until the next start
            log.warning("mail_refresh_token_not_kept", mailbox=self._mailbox, error=error.strerror)
