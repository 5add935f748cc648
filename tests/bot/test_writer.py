"""Writers: one contract for all of them, and what QuotingWriter quotes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from bot.ground import quoted
from bot.model_writer import ModelWriter
from bot.quote import quote_from
from bot.writer import AnswerWriter, QuotingWriter
from kb.models import Audience
from tests.bot.made import passage, request
from tests.bot.sentences import PASSAGES

VPN = passage(PASSAGES["vpn"], title="VPN error 809 when connecting from a hotel")
VPN_ZH = passage(PASSAGES["vpn_zh"], title="在酒店连接 VPN 报错 809", lang="zh", n=2)
SAID = "Error 809 means the hotel network blocks the VPN ports. [1] Select TCP 443 mode. [1]"


def model_writer() -> ModelWriter:
    model = GenericFakeChatModel(messages=iter([AIMessage(content=SAID)] * 9))
    return ModelWriter(model, "fake:words", timeout_seconds=10, organisation="Haisong IT")


@pytest.mark.parametrize("make", [QuotingWriter, model_writer])
class TestEveryWriter:
    def test_cites_every_marker_and_only_those(self, make: Callable[[], AnswerWriter]) -> None:
        answer = make().write(request(VPN, question="VPN error 809"))
        assert answer is not None
        markers = {int(n) for n in re.findall(r"\[(\d+)\]", answer.text)}
        assert markers == {citation.n for citation in answer.citations} == {1}
        assert answer.lang == "en"

    def test_quotes_exact_words_in_its_citations(self, make: Callable[[], AnswerWriter]) -> None:
        answer = make().write(request(VPN, question="VPN error 809"))
        assert answer is not None
        assert all(quoted(citation.quote, [VPN.text]) for citation in answer.citations)

    def test_shows_what_it_gives(self, make: Callable[[], AnswerWriter]) -> None:
        shown: list[str] = []
        answer = make().write(request(VPN, question="VPN error 809"), shown.append)
        assert answer is not None
        assert "".join(shown) == answer.text

    def test_has_nothing_to_say_without_passages(self, make: Callable[[], AnswerWriter]) -> None:
        shown: list[str] = []
        assert make().write(request(), shown.append) is None
        assert shown == []

    def test_names_itself(self, make: Callable[[], AnswerWriter]) -> None:
        writer = make()
        answer = writer.write(request(VPN, question="VPN error 809"))
        assert answer is not None
        assert answer.writer == writer.name
        assert re.fullmatch(r"\w+/\d+(:.+)?", writer.name)

    def test_the_audience_of_a_citation_is_its_passages(self, make: Callable[[], AnswerWriter]) -> None:
        internal = passage(VPN.text, audience=Audience.INTERNAL)
        answer = make().write(request(internal, question="VPN error 809"))
        assert answer is not None
        assert {citation.audience for citation in answer.citations} == {"internal"}


def lines_of_quote(text: str) -> list[str]:
    body = text.split("\n\n", 1)[1]
    return [line for line in re.sub(r"\s*\[1\]", "", body).splitlines() if line.strip()]


@pytest.mark.parametrize("name", [name for name in PASSAGES if not name.endswith("_zh")])
def test_a_quotation_is_made_of_the_passages_own_lines(name: str) -> None:
    found = passage(PASSAGES[name])
    answer = QuotingWriter().write(request(found, question="how much and when", max_chars=5000))
    assert answer is not None
    assert all(line in found.text or "article" in line for line in lines_of_quote(answer.text))


@pytest.mark.parametrize(
    ("found", "lang", "words"),
    [
        (VPN, "en", "From our article"),
        (VPN_ZH, "en", "only have this in Chinese"),
        (VPN, "zh", "英文"),
        (VPN_ZH, "zh", "出自"),
    ],
)
def test_a_quotation_is_framed_in_the_customers_language(found: object, lang: str, words: str) -> None:
    answer = QuotingWriter().write(request(found, question="809", lang=lang))  # type: ignore[arg-type]
    assert answer is not None
    assert words in answer.text.split("\n\n")[0]
    assert answer.lang == lang


STEPS = "Follow these steps:\n\n" + "\n".join(
    f"{n}. Press button number {n} and wait for the light." for n in range(1, 9)
)


def test_no_step_of_a_list_is_lost() -> None:
    text = "Some words before that matter little here.\n\n" * 6 + STEPS + "\n\nAnd a long epilogue. " * 20
    quote = quote_from(passage(text), "which button do I press, and the light", 300)
    assert all(f"{n}. Press" in quote.text for n in range(1, 9))
    assert "Follow these steps:" in quote.text
    assert quote.cut


@pytest.mark.parametrize("size", [100, 300, 600])
@pytest.mark.parametrize(
    "text", ["A sentence that goes on. " * 400, "| a | b |\n| - | - |\n" + "| 1 | 2 |\n" * 300, "x" * 9000, STEPS * 20]
)
def test_a_quotation_stays_short(text: str, size: int) -> None:
    quote = quote_from(passage(text), "question", size)
    assert quote.text
    assert len(quote.text) <= max(size * 2 + 60, 9000 if " " not in text else 0)


def test_a_marker_never_breaks_a_table_or_a_fence() -> None:
    for block in ("| Level | Reply |\n| --- | --- |\n| Urgent | 30 min |", "```\nrun --all\n```"):
        answer = QuotingWriter().write(request(passage(block)))
        assert answer is not None
        assert answer.text.endswith("\n\n[1]")


@pytest.mark.parametrize("text", ["", "   \n", "---\n***"])
def test_a_passage_without_words_is_no_answer(text: str) -> None:
    assert QuotingWriter().write(request(passage(text))) is None


def test_addresses_behind_links_are_left_to_the_article() -> None:
    answer = QuotingWriter().write(request(passage("See [the portal](https://portal.example/a_(b)) for more.")))
    assert answer is not None
    assert "See the portal for more." in answer.text
    assert "https" not in answer.text
