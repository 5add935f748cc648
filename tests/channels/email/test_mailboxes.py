"""Addresses: there is one where it can be read in one way only."""

from __future__ import annotations

import pytest

from channels.email.mailboxes import MAX_ADDRESSES, addresses_of, bare_address
from tests.channels.email.recorded import mail, recorded


def read(raw: bytes) -> list[tuple[str, str]]:
    return [(one.name, one.address) for one in addresses_of([raw])]


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        (b"a@B.Example", [("", "a@b.example")]),
        (b"Ann <a@b.example>", [("Ann", "a@b.example")]),
        (b'"Miller, Bob \\"the\\" second" <b@c.example>', [("Miller, Bob the second", "b@c.example")]),
        (b"Miller, Bob <b@c.example>, x@y.example", [("Miller, Bob", "b@c.example"), ("", "x@y.example")]),
        (b"Team, x@y.example", [("Team", ""), ("", "x@y.example")]),
        (b"'Ann' <a@b.example>", [("Ann", "a@b.example")]),
        (b"a@b.example (Ann)", [("Ann", "a@b.example")]),
        (b"=?gb2312?B?xOO6ww==?= <a@qq.example>", [("你好", "a@qq.example")]),
        ("张三 <a@b.example>".encode("gb18030"), [("张三", "a@b.example")]),
        (b"a@b.example; c@d.example", [("", "a@b.example"), ("", "c@d.example")]),
        (b"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", [("Pete", "pete@silly.test")]),
        (b"John <jdoe@machine(comment).  example>", [("John", "jdoe@machine.example")]),
        (b"Mary <@node.test,@other.test:mary@example.net>", [("Mary", "mary@example.net")]),
        (b"A Group(Some):Ed <e@x.test>, joe@y.test; (end)", [("Ed", "e@x.test"), ("", "joe@y.test")]),
        (b"Undisclosed recipients:;", []),
        (b"(Empty)(start)Hidden :(nobody(that I know)) ;", []),
        (b"(a name in a comment)", [("a name in a comment", "")]),
        (b"no..dots.@docomo.example", [("", "no..dots.@docomo.example")]),
        ('"ann" <ann@例子.测试>'.encode(), [("ann", "ann@xn--fsqu00a.xn--0zwm56d")]),
        (b"a@b.example <a@b.example>", [("a@b.example", "a@b.example")]),
        (b"Foo <foo@b.example", [("Foo", "foo@b.example")]),
        (b'"john"@b.example', [("", "john@b.example")]),
        (b'<"">', []),
        (b"Whomever", [("Whomever", "")]),
    ],
)
def test_a_list_of_mailboxes_is_read(raw: bytes, meant: list[tuple[str, str]]) -> None:
    assert read(raw) == meant


@pytest.mark.parametrize(
    "raw",
    [
        b"=?utf-8?q?admin?=@support.example",  # would be admin@ once it is decoded
        b"alice@customer.example]<bob@evil.example>",  # CVE-2023-27043
        b"alice@customer.example)bob@evil.example",
        b"alice@customer.example<bob@evil.example>",
        b"alice@customer.example <bob@evil.example>",
        b"<a@b.example> <c@d.example>",
        b"Ann <a@b.example> c@d.example",
        b"<a@b.example>c@d.example",
        b"<<a@b.example>>",
        b"a@b.example>",
        b"a@b@c.example",
        b'"a@evil.example> x"@b.example',
        b'"open <a@b.example>',
        b"a\\@evil.example@b.example",
        b"a b@c.example",
        b"a@[192.0.2.1]",
        b"a@-b.example",
        b"@b.example",
        b"a@",
        b"<>",
        "ad\u200bmin@b.example".encode(),
        b"a" * 65 + b"@b.example",
        b"a@" + b"b" * 64 + b".example",
    ],
)
def test_what_could_be_read_in_two_ways_is_no_address(raw: bytes) -> None:
    assert [address for _, address in read(raw) if address] == []


def test_a_quoted_name_that_looks_like_an_address_is_only_a_name() -> None:
    assert read(b'"victim@customer.example" <m@evil.example>') == [("victim@customer.example", "m@evil.example")]


def test_a_bare_address_is_alone() -> None:
    assert bare_address("<a@B.example>") == "a@b.example"
    assert bare_address("a@b.example, c@d.example") == bare_address("") == bare_address("<>") == ""


def test_the_list_ends_somewhere() -> None:
    assert len(read(b"a@b.example, " * 5000)) == MAX_ADDRESSES


def test_two_from_headers_are_two_senders() -> None:
    assert [one.address for one in recorded("two_from_headers").senders] == [
        "victim@customer.example",
        "mallory@evil.example",
    ]


def test_a_forged_mail_gives_nobodys_address() -> None:
    found = recorded("encoded_word_in_address")
    assert [one.address for one in found.senders] == [""]
    assert [one.address for one in found.reply_to] == [""]
    assert [one.address for one in found.to] == ["desk@support.example", "mallory@evil.example"]
    assert [one.address for one in found.cc] == [""]
    assert found.message_id == "[26.11.2026]@[EXCH-01]"


def test_a_mail_without_recipients_or_sender_is_read() -> None:
    found = mail("Subject: x")
    assert (found.senders, found.to, found.cc, found.reply_to, found.return_path) == ((), (), (), (), None)
