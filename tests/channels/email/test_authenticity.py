"""Who is believed: only our own server's finding, only the topmost, only about the one address in From."""

from __future__ import annotations

import pytest

from channels.email.authenticity import Verdict, verdict
from channels.email.models import Address

ALICE = (Address("Alice", "alice@customer.example"),)
OURS = "mx.shop.example"


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (f"{OURS}; dmarc=pass header.from=customer.example", Verdict.PASS),
        (f"{OURS}; dmarc=pass (p=none dis=none) header.from=customer.example", Verdict.PASS),
        (f"{OURS} 1; spf=pass smtp.mailfrom=bounce@mail.customer.example; dkim=none", Verdict.PASS),
        (f"{OURS}; dkim=pass (2048-bit key) header.d=customer.example header.i=@customer.example", Verdict.PASS),
        (f'{OURS}; dkim=pass header.d="customer.example"; spf=softfail smtp.mailfrom=x@y.example', Verdict.PASS),
        (f"{OURS.upper()}; DMARC=PASS header.from=Customer.Example", Verdict.PASS),
        # what passed speaks for somebody else
        (f"{OURS}; spf=pass smtp.mailfrom=mallory@evil.example", Verdict.UNKNOWN),
        (f"{OURS}; dkim=pass header.d=evil.example", Verdict.UNKNOWN),
        (f"{OURS}; dmarc=pass header.from=evil.example", Verdict.UNKNOWN),
        (f"{OURS}; spf=pass smtp.helo=customer.example", Verdict.UNKNOWN),
        # nothing passed
        (f"{OURS}; dmarc=none; spf=none; dkim=none", Verdict.UNKNOWN),
        (f"{OURS}; none", Verdict.UNKNOWN),
        (f"{OURS}", Verdict.UNKNOWN),
        ("", Verdict.UNKNOWN),
        (f"{OURS}; dmarc=fail (p=reject) header.from=customer.example", Verdict.FAIL),
        (f"{OURS}; dmarc=fail header.from=customer.example; dkim=pass header.d=customer.example", Verdict.FAIL),
        # words in comments, quotes and values are no results
        (f"{OURS}; spf=fail (dmarc=pass header.from=customer.example) smtp.mailfrom=a@b.example", Verdict.UNKNOWN),
        (f"{OURS}; x-note=none reason=\"dmarc=pass header.from=customer.example\"", Verdict.UNKNOWN),
        (f'{OURS}; spf=pass smtp.mailfrom="x; dmarc=pass header.from=customer.example"@evil.example', Verdict.UNKNOWN),
        (f"{OURS}; spf=none (a (b; dmarc=pass) c; dmarc=pass header.from=customer.example)", Verdict.UNKNOWN),
        # another server's name
        ("mx.evil.example; dmarc=pass header.from=customer.example", Verdict.UNKNOWN),
        (f"{OURS}.evil.example; dmarc=pass header.from=customer.example", Verdict.UNKNOWN),
        (f"({OURS}) mx.evil.example; dmarc=pass header.from=customer.example", Verdict.UNKNOWN),
    ],
)  # fmt: skip
def test_one_result_header(result: str, expected: Verdict) -> None:
    assert verdict(ALICE, [result], OURS) is expected


def test_a_header_the_sender_added_below_ours_is_not_read() -> None:
    forged = f"{OURS}; dmarc=pass header.from=customer.example"
    assert verdict(ALICE, [f"{OURS}; dmarc=none", forged], OURS) is Verdict.UNKNOWN
    assert verdict(ALICE, ["mx.relay.example; dmarc=none", forged], OURS) is Verdict.UNKNOWN


def test_nothing_is_believed_while_our_servers_name_is_not_configured() -> None:
    assert verdict(ALICE, ["; dmarc=pass header.from=customer.example"], "") is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "senders", [(), (*ALICE, Address("", "mallory@evil.example")), (Address("alice@customer.example", ""),)]
)
def test_none_or_several_senders_are_nobodys_word(senders: tuple[Address, ...]) -> None:
    assert verdict(senders, [f"{OURS}; dmarc=pass header.from=customer.example"], OURS) is Verdict.UNKNOWN


def test_neighbours_under_a_public_suffix_do_not_vouch_for_each_other() -> None:
    of_a = (Address("", "wang@alpha.com.cn"),)
    assert verdict(of_a, [f"{OURS}; dkim=pass header.d=beta.com.cn"], OURS) is Verdict.UNKNOWN
    assert verdict(of_a, [f"{OURS}; dkim=pass header.d=mail.alpha.com.cn"], OURS) is Verdict.PASS
