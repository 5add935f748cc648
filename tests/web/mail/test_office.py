"""The mailboxes of an installation: whose an address is, and what is made from its secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from base.errors import MisconfiguredSetting
from base.settings import Settings
from tests.web.mail.made import MAILBOXES
from web.mail.office import Office, open_office, own_addresses


@pytest.fixture
def office(tmp_path: Path) -> Office:
    (tmp_path / "mailboxes.toml").write_text(MAILBOXES)
    return open_office(Settings(data_dir=tmp_path), "a secret")


def test_the_mailboxes_of_the_data_folder_are_opened(office: Office) -> None:
    assert [one.name for one in office.accounts] == ["support", "sales"]
    support = office.account("support")
    assert support is office.accounts[0]
    assert own_addresses(office.accounts[0]) == {"support@shop.test", "help@shop.test"}
    assert office.account("Support") is None
    assert office.account("") is None


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("support@shop.test", "support"), ("SUPPORT@Shop.Test", "support"), ("help@shop.test", "support"),
        ("support+cabc.def@shop.test", "support"), ("sales+x@shop.test", "sales"), ("supporter@shop.test", ""),
        ("support@shop.test.evil.test", ""), ("support@evil.test", ""), ("wang@customers.test", ""), ("", ""), ("@", ""),
        ("support", ""), ("+@shop.test", ""),
    ],
)  # fmt: skip
def test_an_address_is_ours_with_or_without_what_follows_a_plus(office: Office, address: str, name: str) -> None:
    found = office.of_address(["somebody@else.test", address])
    assert (found.name if found else "") == name
    assert office.is_ours(address) is bool(name)


def test_no_address_belongs_to_no_mailbox(office: Office) -> None:
    assert office.of_address([]) is None


def test_an_installation_without_mailboxes_has_an_office_all_the_same(tmp_path: Path) -> None:
    office = open_office(Settings(data_dir=tmp_path), "a secret")
    assert office.accounts == ()
    assert not office.is_ours("support@shop.test")
    assert office.signer.read_message_id(office.signer.message_id("abc", "turn-1", "shop.test")) == "abc"


def test_a_file_that_is_named_must_be_there_and_one_in_the_data_folder_need_not(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.toml"
    with pytest.raises(MisconfiguredSetting):
        open_office(Settings(data_dir=tmp_path, mailboxes=str(elsewhere)), "a secret")
    elsewhere.write_text(MAILBOXES)
    assert len(open_office(Settings(data_dir=tmp_path, mailboxes=str(elsewhere)), "a secret").accounts) == 2


def test_a_file_that_says_nothing_usable_is_refused_in_the_data_folder_too(tmp_path: Path) -> None:
    (tmp_path / "mailboxes.toml").write_text("[[mailbox]]\nname = 'support'\n")
    with pytest.raises(MisconfiguredSetting):
        open_office(Settings(data_dir=tmp_path), "a secret")


def test_what_is_signed_and_marked_depends_on_the_secret_alone(tmp_path: Path) -> None:
    one, same, other = (open_office(Settings(data_dir=tmp_path), secret) for secret in ("a", "a", "b"))
    address = one.signer.reply_address("support@shop.test", "abc")
    assert same.signer.read_address(address) == one.signer.read_address(address)
    assert other.signer.read_address(address) is None
    assert one.loop_mark == same.loop_mark != other.loop_mark
    assert len(one.loop_mark) == 24
