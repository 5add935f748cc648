"""What a customer's question may see, and that the reply names what its source applies to."""

from __future__ import annotations

from typing import Any

import pytest

from base.messages import Channel, Inbound
from bot.scope import customer_scope
from bot.writer import QuotingWriter, filed_under
from desk.conversations import Thread
from desk.models import Customer
from kb.models import Applies, Audience, Scope
from tests.bot.made import NOW, passage, request


def _inbound(**extra: Any) -> Inbound:
    return Inbound(Channel.WEBCHAT, "m", "t", "s", "How?", NOW, extra=extra)


def test_the_package_is_the_customer_s_own_whatever_a_message_says() -> None:
    gold = Thread(Customer(1, "c", "Li", "zh", "dedicated", NOW), None, ())
    assert customer_scope(_inbound(package="gold"), gold) == Scope(package="dedicated")
    assert customer_scope(_inbound(package="gold"), Thread(None, None, ())) == Scope(package="basic")


def test_the_channel_narrows_what_is_seen_and_never_widens_it() -> None:
    said = _inbound(product="TiDB", version="8.5", collection=["help"], audiences=["internal"])
    scope = customer_scope(said, Thread(None, None, ()))
    assert (scope.product, scope.version, scope.collections) == ("TiDB", "8.5", ("help",))
    assert scope.audiences == (Audience.PUBLIC,)
    assert customer_scope(_inbound(collection=7, product=None), Thread(None, None, ())) == Scope(package="basic")


@pytest.mark.parametrize(
    ("applies", "lang", "words"),
    [
        (Applies(("TiDB",), ("8.x",)), "en", "TiDB 8.x"),
        (Applies(("TiDB", "TiFlash")), "zh", "TiDB, TiFlash"),
        (Applies(versions=("2019", "2022")), "en", "version 2019, 2022"),
        (Applies(packages=("gold",), valid_until="2026-12-31"), "en", ""),
    ],
)
def test_the_reply_names_once_what_its_article_is_filed_under(applies: Applies, lang: str, words: str) -> None:
    found = passage("Restart the service.\n\nApplies to: something", applies=applies, lang=lang)
    assert filed_under([found, found], lang) == words
    answer = QuotingWriter().write(request(found, question="restart the service", lang=lang))
    assert answer is not None
    assert answer.text.count(words or "Applies to:") == 1


def test_an_article_for_some_packages_is_quoted_without_a_link() -> None:
    found = passage("Restart the service.", applies=Applies(packages=("gold",)))
    answer = QuotingWriter().write(request(found, question="restart the service"))
    assert answer is not None
    assert [citation.linked for citation in answer.citations] == [False]
