"""The mailboxes we answer from: `mailboxes.toml` as frozen accounts, their servers, passwords and access tokens."""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from base import settings_checks
from base.errors import MisconfiguredSetting
from base.log import get_logger
from channels.email.tokens import AccessTokens, TokenRefused

log = get_logger(__name__)

_SPECIAL = r"\s@<>()\[\]\",;:\\\x00-\x20\x7f"  # what has a meaning around an address
_ADDRESS = re.compile(rf"[^{_SPECIAL}]{{1,64}}@(?=.{{1,255}}\Z)[^{_SPECIAL}.]+(?:\.[^{_SPECIAL}.]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Security(StrEnum):
    TLS = "tls"  # from the first byte
    STARTTLS = "starttls"
    PLAIN = "plain"


_SCHEMES: dict[str, dict[str, tuple[Security, int]]] = {
    "imap": {"imaps": (Security.TLS, 993), "imap+starttls": (Security.STARTTLS, 143), "imap": (Security.PLAIN, 143)},
    "smtp": {"smtps": (Security.TLS, 465), "smtp+starttls": (Security.STARTTLS, 587), "smtp": (Security.PLAIN, 25)},
}
_BEGINS_WITH_TLS, _BEGINS_WITHOUT = (993, 465), (143, 587, 25)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A mail server's address."""

    host: str
    port: int
    security: Security

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """On this machine: what goes there crosses no network."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def read_endpoint(value: str, protocol: Literal["imap", "smtp"], *, allow_plain: bool = False) -> Endpoint:
    """The server named by "imaps://host:993" and the like. Raises ValueError that says what to write."""
    schemes = _SCHEMES[protocol]
    tls, starttls, plain = schemes
    example = f"{tls}://{protocol}.example.com or {starttls}://{protocol}.example.com"
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in schemes or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise ValueError(f'"{value}" is not an address of a server. Write {example}')
    if parts.username is not None:
        raise ValueError("user and password do not belong into the address. Write them as user and password")
    security, usual = schemes[parts.scheme]
    found = Endpoint(parts.hostname, port or usual, security)
    if security is Security.PLAIN and not (allow_plain or found.is_local):
        raise ValueError(
            f"{plain}:// sends the password readable. Write {example}; or allow_plain = true, knowing that"
        )
    if security is not Security.TLS and found.port in _BEGINS_WITH_TLS:
        raise ValueError(f"port {found.port} speaks TLS from the start. Write {tls}://{found}")
    if security is Security.TLS and found.port in _BEGINS_WITHOUT:
        raise ValueError(f"port {found.port} begins without TLS. Write {starttls}://{found}")
    return found


def _secret(given: Any, info: ValidationInfo) -> Any:
    """A secret, from itself or from where NAME_env or NAME_file says it is. Those fields come before it."""
    name = str(info.field_name)
    given = given.get_secret_value() if isinstance(given, SecretStr) else given
    variable, path = info.data.get(f"{name}_env", ""), info.data.get(f"{name}_file")
    if sum((given not in (None, ""), bool(variable), path is not None)) > 1:
        raise ValueError(f"it is given more than once. Keep one of {name}, {name}_env and {name}_file")
    if variable:
        if not (given := os.environ.get(variable, "")):
            raise ValueError(f"the environment variable {variable} is not set, or empty")
    elif path is not None:
        try:
            given = path.read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} cannot be read ({getattr(error, 'strerror', None) or 'not a text'})") from error
        if not given:
            raise ValueError(f"{path} is empty")
    return _one_line(given) if isinstance(given, str) else given


def _in_folder(given: Any, info: ValidationInfo) -> Any:
    """A path, meant from the folder of `mailboxes.toml`."""
    folder = (info.context or {}).get("folder") if isinstance(info.context, Mapping) else None
    return Path(folder) / given if folder is not None and isinstance(given, str | Path) and str(given) else given


def is_address(given: str) -> bool:
    """Whether it is local@domain and nothing else: no name, no second address, nothing an SMTP command could hide in."""
    try:
        return _ADDRESS.fullmatch(given) is not None and bool(given.rpartition("@")[2].encode("idna"))
    except UnicodeError:
        return False


def _address(given: str) -> str:
    if not is_address(given):
        raise ValueError(f'"{given}" is not an e-mail address. Write one such as support@example.com')
    local, _, domain = given.rpartition("@")
    return f"{local}@{domain.lower()}"


def _one_line(given: str) -> str:
    if _CONTROL.search(given):
        raise ValueError("it has a line break or a control character in it")
    return given


Address = Annotated[str, AfterValidator(_address)]
Line = Annotated[str, AfterValidator(_one_line)]
Secret = Annotated[SecretStr, BeforeValidator(_secret), Field(validate_default=True)]
FilePath = Annotated[Path | None, BeforeValidator(_in_folder)]
_STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class OAuth(BaseModel):
    """How an access token for XOAUTH2 is had: with a refresh token, or without one as the application itself."""

    model_config = _STRICT

    token_url: str
    client_id: str = Field(min_length=1)
    client_secret_env: str = ""
    client_secret_file: FilePath = None
    client_secret: Secret = SecretStr("")
    refresh_token_env: str = ""
    refresh_token_file: FilePath = None  # a provider's newer token is written back here
    refresh_token: Secret = SecretStr("")
    scope: str = ""

    @field_validator("token_url")
    @classmethod
    def _safe(cls, value: str) -> str:
        parts = urlsplit(settings_checks.web_address(value))
        if parts.scheme != "https" and not Endpoint(parts.hostname or "", 80, Security.PLAIN).is_local:
            raise ValueError(f'"{value}" sends secrets readable. Write an address that begins with https://')
        return value


class MailAccount(BaseModel):
    """One [[mailbox]] of `mailboxes.toml`."""

    model_config = _STRICT

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    address: Address  # what we send from
    display_name: Line = Field("", max_length=200)
    aliases: tuple[Address, ...] = ()  # other addresses that are ours
    allow_plain: bool = False
    imap: Endpoint
    smtp: Endpoint
    ca_file: FilePath = None  # instead of the system's authorities
    user: Line = Field(min_length=1, max_length=320)
    oauth: OAuth | None = None
    password_env: str = ""
    password_file: FilePath = None
    password: Secret = SecretStr("")
    smtp_user: Line | None = None  # None: as `user`; "": hand over without signing in
    smtp_password_env: str = ""
    smtp_password_file: FilePath = None
    smtp_password: Secret = SecretStr("")  # empty: as for IMAP
    folder: Line = Field("INBOX", min_length=1)
    processed_folder: Line = ""  # where a mail goes once it is stored; "": it stays where it is
    sent_folder: Line = ""  # where a copy of what we send goes; "": nowhere, many servers keep one themselves
    since: date | None = None  # mail that arrived before this day is left alone
    poll_seconds: int = Field(120, ge=1, le=1500)  # servers may end a silence of 30 minutes. RFC 2177
    idle: bool = True  # be told of new mail at once, where the server can
    authserv_id: Line = ""  # the name under which our own server reports in Authentication-Results
    plus_addresses: bool = False  # "support+anything@..." reaches this mailbox: then answers are known by it, too
    lang: Literal["", "en", "zh"] = (
        ""  # when neither a mail's words nor its headers tell the language; "": as everywhere
    )
    max_bytes: int = Field(26_214_400, ge=1000, le=200_000_000)  # of a mail as it comes; a larger one is not fetched

    _tokens: AccessTokens | None = PrivateAttr(None)
    _context: ssl.SSLContext | None = PrivateAttr(None)

    @field_validator("imap", "smtp", mode="before")
    @classmethod
    def _server(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, str):
            return value
        protocol: Literal["imap", "smtp"] = "imap" if info.field_name == "imap" else "smtp"
        return read_endpoint(value, protocol, allow_plain=info.data.get("allow_plain", False))

    @field_validator("ca_file")
    @classmethod
    def _authorities(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                ssl.create_default_context(cafile=str(value))
            except (OSError, ssl.SSLError) as error:
                raise ValueError(f"{value} cannot be read as certificates in PEM form") from error
        return value

    @field_validator("password")
    @classmethod
    def _one_way_in(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        has_oauth = info.data.get("oauth") is not None
        if "oauth" in info.data and has_oauth == bool(value.get_secret_value()):
            both = "a password and oauth are given. Keep one of them"
            raise ValueError(both if has_oauth else "write password_env, password_file, password or a table oauth")
        return value

    def model_post_init(self, _context: Any) -> None:
        self._tokens = AccessTokens(self.oauth, self.name) if self.oauth else None

    @property
    def our_addresses(self) -> frozenset[str]:
        """Every address that is ours, in lower case."""
        return frozenset(one.lower() for one in (self.address, *self.aliases))

    @property
    def smtp_sign_in(self) -> tuple[str, SecretStr | None]:
        """Whom to sign in as for sending: "" for nobody; and with what, None for an access token."""
        user = self.user if self.smtp_user is None else self.smtp_user
        if self.smtp_password.get_secret_value():
            return user, self.smtp_password
        return user, None if self.oauth else self.password

    def tls(self) -> ssl.SSLContext:
        """What proves the servers' names: their certificates must be valid, and of a known authority.

        Made once: reading the authorities takes 20 ms, in which no other thread of Python runs.
        """
        if self._context is None:
            self._context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        return self._context

    def access_token(self, *, renew: bool = False) -> str:
        """A token for XOAUTH2, cached. Blocks. renew: the server did not take the last one.

        Raises TokenRefused when the provider does not want us, ConnectionError when it cannot be asked.
        """
        if self._tokens is None:
            raise TokenRefused("no oauth is set up")
        return self._tokens.get(renew=renew)


def load_accounts(path: Path) -> tuple[MailAccount, ...]:
    """The accounts in `mailboxes.toml`, in its order. Raises MisconfiguredSetting: mailbox, field, what to write."""
    try:
        text = path.read_text("utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        raise MisconfiguredSetting(name=str(path), reason=f"it cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MisconfiguredSetting(name=str(path), reason=f"it is not TOML: {error}") from error
    entries = tables.get("mailbox", [])
    if set(tables) - {"mailbox"} or not isinstance(entries, list):
        raise MisconfiguredSetting(
            name=str(path), reason="write each mailbox as a table that begins with [[mailbox]], and nothing outside"
        )
    accounts = tuple(_account(entry, number, path) for number, entry in enumerate(entries, 1))
    _check_twins(accounts, path)
    return accounts


def _account(entry: Any, number: int, path: Path) -> MailAccount:
    named = entry.get("name") if isinstance(entry, dict) else None
    where = f'{path.name}, mailbox "{named}"' if isinstance(named, str) else f"{path.name}, mailbox {number}"
    try:
        return MailAccount.model_validate(entry, context={"folder": path.absolute().parent})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"] if not isinstance(part, int))
        raise MisconfiguredSetting(name=f"{where}, {field}", reason=_reason(dict(first), field)) from None


def _reason(error: dict[str, Any], field: str) -> str:
    known = OAuth.model_fields if field.startswith("oauth.") else MailAccount.model_fields
    if error["type"] == "extra_forbidden":
        near = get_close_matches(field.rpartition(".")[2], list(known), n=1)
        return f"there is no such field. Did you mean {near[0]}?" if near else f"write one of {', '.join(known)}"
    if error["type"] == "missing":
        return "it is missing, and has no default"
    if field.endswith(("password", "secret", "token")) and error["type"] != "value_error":
        return "write a text in quotation marks"  # never what stands there now
    if error["type"] == "string_pattern_mismatch":
        return f'"{error["input"]}" will not do. Write small letters, digits and "-", as in "support"'
    return settings_checks.reason(error, known)


def _check_twins(accounts: Sequence[MailAccount], path: Path) -> None:
    taken: dict[tuple[str, ...], str] = {}
    for account in accounts:
        claims = {("name", account.name): "name", ("mail", account.imap.host, account.user, account.folder): "folder"}
        claims |= {
            ("address", one): "aliases" if one != account.address.lower() else "address"
            for one in account.our_addresses
        }
        for claim, field in claims.items():
            if claim in taken:
                raise MisconfiguredSetting(
                    name=f'{path.name}, mailbox "{account.name}", {field}',
                    reason=f'the mailbox "{taken[claim]}" has "{claim[-1]}" already',
                )
        taken |= dict.fromkeys(claims, account.name)
