"""`mailboxes.toml`: what it may say, and what whoever wrote it is told when it is wrong."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from base.errors import MisconfiguredSetting
from channels.email.accounts import (
    Endpoint,
    OAuth,
    Security,
    is_address,
    load_accounts,
    read_endpoint,
)
from channels.email.tokens import AccessTokens, TokenRefused

MINIMAL = """
[[mailbox]]
name = "support"
address = "support@shop.test"
imap = "imaps://imap.shop.test"
smtp = "smtp+starttls://smtp.shop.test"
user = "support@shop.test"
password = "secret"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mailboxes.toml"


def refused(file: Path, text: str) -> dict[str, str]:
    file.write_text(text)
    with pytest.raises(MisconfiguredSetting) as error:
        load_accounts(file)
    return error.value.fields


def without(field: str) -> str:
    return "\n".join(line for line in MINIMAL.splitlines() if not line.startswith(f"{field} ="))


def changed(field: str, value: str) -> str:
    return f"{without(field)}\n{field} = {value}\n"


class TestLoading:
    def test_a_minimal_mailbox_has_the_usual_ports_and_defaults(self, file: Path) -> None:
        file.write_text(MINIMAL)
        (account,) = load_accounts(file)
        assert account.imap == Endpoint("imap.shop.test", 993, Security.TLS)
        assert account.smtp == Endpoint("smtp.shop.test", 587, Security.STARTTLS)
        assert (account.folder, account.poll_seconds, account.idle, account.since) == ("INBOX", 120, True, None)
        assert account.smtp_sign_in == ("support@shop.test", SecretStr("secret"))

    def test_every_field_is_read(self, file: Path) -> None:
        file.write_text(
            MINIMAL
            + """
display_name = "海松客服"
aliases = ["Help@Shop.TEST", "帮助@shop.test"]
folder = "Kunden"
processed_folder = "Done"
sent_folder = "Sent"
since = 2026-11-23
poll_seconds = 60
idle = false
authserv_id = "mx.shop.test"
lang = "zh"
max_bytes = 1000000
smtp_user = "relay"
smtp_password = "other"
"""
        )
        (account,) = load_accounts(file)
        assert account.our_addresses == {"support@shop.test", "help@shop.test", "帮助@shop.test"}
        assert account.aliases[0] == "Help@shop.test"
        assert account.since == date(2026, 11, 23)
        assert account.smtp_sign_in == ("relay", SecretStr("other"))
        assert (account.display_name, account.lang, account.idle) == ("海松客服", "zh", False)

    def test_several_mailboxes_keep_their_order(self, file: Path) -> None:
        file.write_text(MINIMAL + MINIMAL.replace("support", "billing"))
        assert [account.name for account in load_accounts(file)] == ["support", "billing"]

    def test_an_empty_file_has_no_mailboxes(self, file: Path) -> None:
        file.write_text("")
        assert load_accounts(file) == ()

    def test_an_account_cannot_be_changed_and_shows_no_secret(self, file: Path) -> None:
        file.write_text(MINIMAL)
        (account,) = load_accounts(file)
        with pytest.raises(ValueError):
            account.name = "other"  # type: ignore[misc]
        assert '"secret"' not in repr(account) and "'secret'" not in repr(account)


class TestSecrets:
    def test_a_password_comes_from_the_environment(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MAIL_PASSWORD", "from the environment")
        file.write_text(without("password") + '\npassword_env = "MAIL_PASSWORD"')
        assert load_accounts(file)[0].password.get_secret_value() == "from the environment"

    def test_a_password_comes_from_a_file_beside_the_other(self, file: Path) -> None:
        (file.parent / "support.password").write_text("from a file\n")
        file.write_text(without("password") + '\npassword_file = "support.password"')
        assert load_accounts(file)[0].password.get_secret_value() == "from a file"

    @pytest.mark.parametrize(
        ("lines", "field", "reason"),
        [
            ("", "password", "write password_env, password_file, password or a table oauth"),
            ('password_env = "NOT_SET"', "password", "the environment variable NOT_SET is not set, or empty"),
            ('password_file = "none"', "password", "none cannot be read (No such file or directory)"),
            ('password = "a"\npassword_env = "B"', "password", "it is given more than once"),
            ("password = 1234", "password", "write a text in quotation marks"),
            ('password = "two\\nlines"', "password", "line break or a control character"),
            (
                'password = "a"\n[mailbox.oauth]\ntoken_url="https://a.test"\nclient_id="b"',
                "password",
                "Keep one of them",
            ),
        ],
    )
    def test_what_is_wrong_with_a_secret_is_told_without_telling_it(
        self, lines: str, field: str, reason: str, file: Path
    ) -> None:
        told = refused(file, f"{without('password')}\n{lines}")
        assert told["name"] == f'mailboxes.toml, mailbox "support", {field}'
        assert reason in told["reason"]
        assert "1234" not in told["reason"]


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "field", "reason"),
        [
            (changed("imap", '"imap.shop.test:993"'), "imap", "Write imaps://imap.example.com or imap+starttls://"),
            (changed("imap", '"imap://imap.shop.test"'), "imap", "imap:// sends the password readable. Write imaps://"),
            (changed("imap", '"imaps://imap.shop.test:143"'), "imap", "Write imap+starttls://imap.shop.test:143"),
            (changed("imap", '"smtps://smtp.shop.test"'), "imap", "is not an address of a server"),
            (changed("imap", '"imaps://a:b@imap.shop.test"'), "imap", "Write them as user and password"),
            (changed("smtp", '"smtp+starttls://smtp.shop.test:465"'), "smtp", "Write smtps://smtp.shop.test:465"),
            (changed("smtp", '"smtp://smtp.shop.test:99999"'), "smtp", "is not an address of a server"),
            (changed("address", '"support"'), "address", '"support" is not an e-mail address'),
            (changed("aliases", '["a@b.test", "c"]'), "aliases", '"c" is not an e-mail address'),
            (changed("name", '"support_"'), "name", 'Write small letters, digits and "-"'),
            (changed("poll_seconds", "0"), "poll_seconds", "at least 1"),
            (changed("poll_seconds", '"often"'), "poll_seconds", "Write a whole number"),
            (changed("lang", '"de"'), "lang", "one of these"),
            (changed("ca_file", '"none.pem"'), "ca_file", "none.pem cannot be read as certificates in PEM form"),
            (changed("pasword", '"secret"'), "pasword", "there is no such field. Did you mean password?"),
            (changed("imap_host", '"a"'), "imap_host", "there is no such field"),
            (without("smtp"), "smtp", "it is missing, and has no default"),
            (changed("folder", '"IN\\nBOX"'), "folder", "line break"),
            (
                without("password") + '\n[mailbox.oauth]\ntoken_url="http://a.test"\nclient_id="b"',
                "oauth.token_url",
                "begins with https://",
            ),
            (
                without("password") + '\n[mailbox.oauth]\ntoken_ur="http://a.test"\nclient_id="b"',
                "oauth.token_url",
                "it is missing",
            ),
        ],
    )
    def test_a_mistake_names_mailbox_field_and_what_to_write(
        self, text: str, field: str, reason: str, file: Path
    ) -> None:
        told = refused(file, text)
        assert told["name"].removeprefix("mailboxes.toml, mailbox ") in (f'"support", {field}', f'"support_", {field}')
        assert reason in told["reason"]

    def test_a_mailbox_without_a_name_is_told_by_its_place(self, file: Path) -> None:
        assert refused(file, MINIMAL + without("name"))["name"] == "mailboxes.toml, mailbox 2, name"

    @pytest.mark.parametrize(
        "text", [MINIMAL.replace("[[mailbox]]", "[mailbox]"), '[support]\nname = "a"', "mailbox = 1"]
    )
    def test_another_shape_of_file_is_told_how_to_begin(self, text: str, file: Path) -> None:
        assert "a table that begins with [[mailbox]]" in refused(file, text)["reason"]

    def test_a_file_that_is_not_toml_is_told_where_it_breaks(self, file: Path) -> None:
        assert "line 3" in refused(file, '[[mailbox]]\nname = "a"\nname b')["reason"]

    def test_a_file_that_is_not_there_is_told(self, file: Path) -> None:
        with pytest.raises(MisconfiguredSetting) as error:
            load_accounts(file)
        assert error.value.fields == {"name": str(file), "reason": "it cannot be read: No such file or directory"}

    @pytest.mark.parametrize(
        ("second", "field", "reason"),
        [
            (MINIMAL, "name", 'the mailbox "support" has "support" already'),
            (MINIMAL.replace('"support"', '"other"'), "folder", 'the mailbox "support" has "INBOX" already'),
            (
                MINIMAL.replace('name = "support"', 'name = "other"').replace("user = ", 'folder = "B"\nuser = '),
                "address",
                'the mailbox "support" has "support@shop.test" already',
            ),
            (
                MINIMAL.replace("support", "other") + 'aliases = ["Support@shop.test"]',
                "aliases",
                'the mailbox "support" has "support@shop.test" already',
            ),
        ],
    )
    def test_nothing_is_fetched_or_claimed_twice(self, second: str, field: str, reason: str, file: Path) -> None:
        told = refused(file, MINIMAL + second)
        assert told["name"].endswith(f", {field}")
        assert told["reason"] == reason


class TestAddresses:
    @pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
    def test_plain_is_for_this_machine(self, host: str) -> None:
        assert read_endpoint(f"smtp://{host}", "smtp").port == 25

    def test_plain_over_a_network_has_to_be_wanted(self) -> None:
        with pytest.raises(ValueError, match="allow_plain = true"):
            read_endpoint("smtp://10.0.0.5", "smtp")
        assert read_endpoint("smtp://10.0.0.5", "smtp", allow_plain=True).security is Security.PLAIN

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a@b.test", True),
            ("王小明@例子.test", True),
            ("o'neil+tag=x/y@b.test", True),
            ('"a b"@c.test', False),
            ("a@b@c.test", False),
            ("A <a@b.test>", False),
            ("a@b.test\n", False),
            ("a@" + "x" * 70 + ".test", False),
            ("@b.test", False),
            ("a@.test", False),
        ],
    )
    def test_an_address_is_one_address_and_nothing_else(self, text: str, expected: bool) -> None:
        assert is_address(text) is expected


@contextmanager
def provider(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[dict[str, str]], httpx.Response | Exception]
) -> Iterator[list[dict[str, str]]]:
    """httpx.post answered by a function; the forms it was given."""
    forms: list[dict[str, str]] = []

    def post(url: str, data: dict[str, str], timeout: float) -> httpx.Response:
        forms.append(dict(data))
        given = answer(data)
        if isinstance(given, Exception):
            raise given
        return given

    monkeypatch.setattr(httpx, "post", post)
    yield forms


def made(**fields: object) -> OAuth:
    return OAuth.model_validate({"token_url": "https://login.test/token", "client_id": "firstline"} | fields)


class TestTokens:
    def test_a_token_is_asked_for_once_while_it_lasts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with provider(
            monkeypatch, lambda _: httpx.Response(200, json={"access_token": "t", "expires_in": 3600})
        ) as forms:
            tokens = AccessTokens(made(refresh_token="r", client_secret="s", scope="mail"), "support")
            assert [tokens.get(), tokens.get()] == ["t", "t"]
        assert forms == [
            {
                "client_id": "firstline",
                "grant_type": "refresh_token",
                "refresh_token": "r",
                "client_secret": "s",
                "scope": "mail",
            }
        ]

    def test_a_token_is_asked_for_anew_before_it_ends_or_when_it_is_not_taken(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lasts = iter([0, 3600, 3600])
        with provider(
            monkeypatch, lambda _: httpx.Response(200, json={"access_token": "t", "expires_in": next(lasts)})
        ) as forms:
            tokens = AccessTokens(made(refresh_token="r"), "support")
            tokens.get()
            tokens.get()  # the first was over at once
            tokens.get()
            tokens.get(renew=True)
        assert len(forms) == 3

    def test_without_a_refresh_token_the_application_asks_for_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with provider(monkeypatch, lambda _: httpx.Response(200, json={"access_token": "t"})) as forms:
            AccessTokens(made(client_secret="s"), "support").get()
        assert forms == [{"client_id": "firstline", "grant_type": "client_credentials", "client_secret": "s"}]

    def test_a_newer_refresh_token_is_used_and_kept_where_nobody_else_reads(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        kept = tmp_path / "refresh"
        kept.write_text("r1\n")
        answer = {"access_token": "t", "refresh_token": "r2"}
        with provider(monkeypatch, lambda _: httpx.Response(200, json=answer)) as forms:
            tokens = AccessTokens(made(refresh_token_file=kept), "support")
            tokens.get()
            tokens.get(renew=True)
        assert [form["refresh_token"] for form in forms] == ["r1", "r2"]
        assert kept.read_text() == "r2"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (httpx.Response(400, json={"error": "invalid_grant"}), TokenRefused),
            (httpx.Response(401, json={"error": "invalid_client"}), TokenRefused),
            (httpx.Response(503), ConnectionError),
            (httpx.Response(200, json={}), ConnectionError),
            (httpx.Response(200, json=[1]), ConnectionError),
            (httpx.Response(200, text="<html>"), ConnectionError),
            (httpx.ConnectTimeout("slow"), ConnectionError),
        ],
    )
    def test_a_refusal_is_told_from_an_outage(
        self, answer: httpx.Response | Exception, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with provider(monkeypatch, lambda _: answer), pytest.raises(expected) as error:
            AccessTokens(made(refresh_token="very secret"), "support").get()
        assert "very secret" not in str(error.value)
