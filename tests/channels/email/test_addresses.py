"""Signed addresses and message ids: read back as made, and worth nothing once anything in them is changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.addresses import ReplyToken, Signer, bare, bounced_key
from channels.email.mime import read_mail

SIGNER = Signer("a secret")
THREAD = "0123456789abcdef"
SUPPORT = "Support@Shop.example"


def test_a_signed_address_names_its_thread() -> None:
    address = SIGNER.reply_address(SUPPORT, THREAD)
    assert SIGNER.read_address(address) == ReplyToken(THREAD)
    assert SIGNER.read_address(address.upper()) == ReplyToken(THREAD)
    assert bare(address) == "support@shop.example"


def test_a_colleagues_address_names_the_thread_and_the_colleague() -> None:
    address = SIGNER.reply_address(SUPPORT, THREAD, staff="ada1")
    assert SIGNER.read_address(address) == ReplyToken(THREAD, "ada1")


@pytest.mark.parametrize("staff", ["", "fedcba9876543210"])
def test_a_signed_address_can_be_written_to(staff: str) -> None:
    """Local parts have at most 64 characters: a longer one is no address, for other servers and for our own reader."""
    address = SIGNER.reply_address("support@shop.example", THREAD, staff)
    mail = read_mail(f"From: ada@shop.example\nTo: {address}\n\nThe reply.".encode())
    assert [SIGNER.read_address(one.address) for one in mail.to] == [ReplyToken(THREAD, staff)]


def test_a_mailbox_whose_name_leaves_no_room_gets_no_signed_address() -> None:
    assert SIGNER.reply_address("customer-service-europe@shop.example", THREAD) == ""


@pytest.mark.parametrize(
    "address",
    [
        "support@shop.example",
        f"support+c{THREAD}@shop.example",
        f"support+c{THREAD}.{'a' * 26}@shop.example",
        Signer("another secret").reply_address(SUPPORT, THREAD),
        SIGNER.reply_address(SUPPORT, THREAD).replace(THREAD, "0123456789abcdee"),
        SIGNER.reply_address(SUPPORT, THREAD).replace("+c", "+s"),
        SIGNER.reply_address(SUPPORT, THREAD, "ada1").replace("+s", "+c").replace("-ada1", ""),
        SIGNER.reply_address(SUPPORT, THREAD, "ada1").replace("ada1", "bob2"),
        SIGNER.reply_address(SUPPORT, THREAD).replace(".", ".."),
        "",
    ],
)
def test_whatever_is_made_up_or_changed_names_nothing(address: str) -> None:
    assert SIGNER.read_address(address) is None


def test_a_message_id_of_ours_names_its_thread_and_is_the_same_at_a_second_try() -> None:
    first = SIGNER.message_id(THREAD, "turn-17", "Shop.example")
    assert first == SIGNER.message_id(THREAD, "turn-17", "shop.example")
    assert SIGNER.read_message_id(first) == THREAD
    assert SIGNER.message_id(THREAD, "turn-18", "shop.example") != first


@pytest.mark.parametrize(
    "message_id",
    [
        "CAJ+abc@mail.example",
        f"{THREAD}.turn-17.{'a' * 26}@shop.example",
        SIGNER.message_id(THREAD, "turn-17", "shop.example").replace("turn-17", "turn-18"),
        SIGNER.message_id(THREAD, "turn-17", "shop.example").replace(THREAD, "f" * 16),
        Signer("another secret").message_id(THREAD, "turn-17", "shop.example"),
        SIGNER.reply_address(SUPPORT, THREAD),
        "",
    ],
)
def test_a_message_id_that_is_not_ours_names_nothing(message_id: str) -> None:
    assert SIGNER.read_message_id(message_id) is None


KEYS = ["turn-17", "turn-123456", "staff-1234567-42", "staff-e99-4"]


@pytest.mark.parametrize("key", KEYS)
def test_an_envelope_sender_names_the_mail_it_was_made_for(key: str) -> None:
    address = SIGNER.bounce_address("customer-support@shop.example", THREAD, key)
    assert bounced_key(address) == bounced_key(address.upper()) == key
    assert SIGNER.is_bounce_address(address, THREAD, key)
    assert (bare(address), SIGNER.read_address(address)) == ("customer-support@shop.example", None)
    mail = read_mail(f"From: MAILER-DAEMON@mx.example\nTo: {address}\n\nIt came back.".encode())
    assert [one.address for one in mail.to] == [address]


@pytest.mark.parametrize(
    "address",
    [
        SUPPORT,
        f"support+b-turn-17.{'a' * 16}@shop.example",
        Signer("another secret").bounce_address(SUPPORT, THREAD, "turn-17"),
        SIGNER.bounce_address(SUPPORT, "f" * 16, "turn-17"),
        SIGNER.bounce_address(SUPPORT, THREAD, "turn-18"),
        SIGNER.bounce_address(SUPPORT, THREAD, "turn-18").replace("turn-18", "turn-17"),
        SIGNER.reply_address(SUPPORT, THREAD),
        SIGNER.message_id(THREAD, "turn-17", "shop.example"),
        "",
    ],
)
def test_no_other_address_is_that_mails_envelope_sender(address: str) -> None:
    assert not SIGNER.is_bounce_address(address, THREAD, "turn-17")


@pytest.mark.parametrize(
    ("mailbox", "key"),
    [
        ("customer-service-department-of-central-europe@shop.example", "turn-17"),
        (SUPPORT, "Turn 17"),
        (SUPPORT, "x" * 60),
    ],
)
def test_a_mail_whose_envelope_sender_would_be_no_address_has_none(mailbox: str, key: str) -> None:
    assert SIGNER.bounce_address(mailbox, THREAD, key) == ""


@given(st.text(max_size=120))
def test_no_text_is_taken_for_a_token_by_chance(text: str) -> None:
    assert SIGNER.read_address(text) is None
    assert SIGNER.read_message_id(text) is None
    assert not SIGNER.is_bounce_address(text, THREAD, bounced_key(text))


@given(key=st.text(max_size=80))
def test_any_outbox_key_makes_a_valid_id(key: str) -> None:
    made = SIGNER.message_id(THREAD, key, "shop.example")
    assert SIGNER.read_message_id(made) == THREAD
    assert made.isascii()
    assert " " not in made
