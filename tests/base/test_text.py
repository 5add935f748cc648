"""Text is cleaned, split, told apart by language and cut into tokens, in both languages and whatever comes."""

from __future__ import annotations

import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.text import (
    MAX_EMBED_CHARS,
    MAX_TOKEN_CHARS,
    clean,
    detect_language,
    for_embedding,
    is_identifier,
    normalise,
    query_tokens,
    search_tokens,
    shorten,
    split_sentences,
    stem,
    tokens,
)

HOSTILE = {
    "nothing": "",
    "blanks": " \t\u3000\u00a0\n",
    "NUL": "before\x00after",
    "lone surrogates": "\ud800 lone \udfff",
    "one letter that becomes eighteen": "\ufdfa" * 2_000,
    "a letter with 3,000 accents": "a" + "\u0301" * 3_000,
    "emoji families and flags": "👩‍👩‍👧‍👦🏳️‍🌈😀" * 50,
    "right to left override": "\u202eexe.tnemucod\u202c",
    "invisible": "\u200b\u200d\ufeff\u2060",
    "tags": "\U000e0041\U000e007f",
    "C1 controls": "".join(map(chr, range(0x80, 0xA0))),
    "private use and not characters": "\ue000\ufffe\uffff\U0010ffff",
    "old newlines": "a\rb\u2028c\u2029d\x85e",
    "statements": "'; DROP TABLE kb_chunks; --",
    "keyword syntax": '"a* OR NEAR(b c) NOT -d:e^2 {col}: AND"',
    "one word without end": "a" * 100_000,
    "joined without end": "a-" * 50_000,
    "stops without end": "." * 100_000,
    "rare Han": "𠮷野家 𰻝𰻝面",
}
PARAGRAPHS = {
    "ar": "لا أستطيع الطباعة من مكتبي منذ صباح اليوم، ما العمل؟",
    "bg": "Не мога да печатам от офиса си от тази сутрин.",
    "bn": "আজ সকাল থেকে আমি অফিস থেকে প্রিন্ট করতে পারছি না।",
    "cs": "Od rána nemohu z kanceláře tisknout.",
    "da": "Jeg har ikke kunnet udskrive siden i morges.",
    "de": "Ich kann seit heute früh nicht mehr drucken.",
    "el": "Δεν μπορώ να εκτυπώσω από το γραφείο μου από το πρωί.",
    "en": "I have not been able to print from my office since this morning.",
    "es": "No puedo imprimir desde mi oficina desde esta mañana.",
    "et": "Ma ei saa hommikust saadik oma kontorist printida.",
    "fa": "از امروز صبح نمی‌توانم از دفترم چاپ بگیرم.",
    "fi": "En ole voinut tulostaa toimistostani aamusta lähtien.",
    "fr": "Je n'arrive plus à imprimer depuis ce matin.",
    "he": "אני לא מצליח להדפיס מהמשרד שלי מהבוקר.",
    "hi": "मैं आज सुबह से अपने कार्यालय से प्रिंट नहीं कर पा रहा हूँ।",
    "hu": "Ma reggel óta nem tudok nyomtatni az irodámból.",
    "id": "Saya tidak bisa mencetak dari kantor sejak pagi ini.",
    "it": "Da stamattina non riesco a stampare dall'ufficio.",
    "ja": "今朝から会社のプリンターで印刷できません。",
    "ko": "오늘 아침부터 사무실에서 인쇄가 되지 않습니다.",
    "nl": "Ik kan sinds vanmorgen niet meer printen.",
    "no": "Jeg har ikke fått skrevet ut siden i morges.",
    "pl": "Od rana nie mogę drukować z mojego biura.",
    "pt": "Não consigo imprimir do meu escritório desde esta manhã.",
    "ro": "Nu mai pot imprima de azi dimineață.",
    "ru": "С сегодняшнего утра я не могу печатать из офиса.",
    "sv": "Jag har inte kunnat skriva ut sedan i morse.",
    "th": "ตั้งแต่เช้านี้ฉันพิมพ์เอกสารจากสำนักงานไม่ได้",
    "tr": "Bu sabahtan beri ofisimden yazdıramıyorum.",
    "uk": "Від сьогоднішнього ранку не можу друкувати з офісу.",
    "vi": "Từ sáng nay tôi không thể in từ văn phòng.",
    "zh": "从今天早上起，我在办公室就打印不了了，怎么办？",
}


@pytest.mark.parametrize(
    ("given_text", "cleaned"),
    [
        ("  a  b\t c  ", "a b c"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        ("zero\u200bwidth \ufeffand\x00 NUL", "zerowidth and NUL"),
        ("\u202eturned round\u202c", "turned round"),
        ("全角　空格", "全角 空格"),
        ("lone \ud800 half", "lone ? half"),
        ("ＰＲＮ－２１ stays as it was typed", "ＰＲＮ－２１ stays as it was typed"),
        ("line one   \n   line two", "line one\n line two"),
    ],
)
def test_cleaning_takes_away_what_cannot_be_seen_and_keeps_what_was_said(given_text: str, cleaned: str) -> None:
    assert clean(given_text) == cleaned


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_whatever_comes_every_function_answers_with_text_that_can_be_stored(text: str) -> None:
    stored = [
        clean(text),
        for_embedding(text),
        shorten(clean(text), 50),
        *split_sentences(clean(text)),
        *tokens(clean(text)),
    ]
    for piece in stored:
        piece.encode("utf-8")
        assert not any(unicodedata.category(char) == "Cc" and char != "\n" for char in piece)
    assert len(for_embedding(text)) <= MAX_EMBED_CHARS
    assert all(0 < len(token) <= MAX_TOKEN_CHARS and not any(map(str.isspace, token)) for token in tokens(clean(text)))
    assert detect_language(text) in ("zh", "en")


@given(st.text(st.characters(), max_size=200))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_sentences_lose_nothing_but_blanks(text: str) -> None:
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("怎么重置密码？", "zh"),
        ("How do I reset my password?", "en"),
        ("VPN 809 error 连不上", "zh"),
        ("My colleague 王小明 cannot sign in to the portal since Monday", "en"),
        ("please help 打印机 is broken and I need it today", "en"),
        ("PRN-21", "en"),
        ("密码", "zh"),
        ("プリンターが印刷できません", "en"),
        ("프린터 고장", "en"),
        ("Qué pasa?", "en"),
    ],
)
def test_the_language_to_answer_in_is_the_one_the_customer_writes(text: str, lang: str) -> None:
    assert detect_language(text) == lang


@pytest.mark.parametrize("code", PARAGRAPHS)
def test_of_thirty_languages_only_chinese_is_answered_in_chinese(code: str) -> None:
    assert detect_language(PARAGRAPHS[code]) == ("zh" if code == "zh" else "en")


@pytest.mark.parametrize("text", ["", "12345", "???", "😀"])
def test_where_there_is_nothing_to_judge_by_the_default_decides(text: str) -> None:
    assert (detect_language(text, "zh"), detect_language(text, "en")) == ("zh", "en")


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("一。二！三？四；五", ["一。", "二！", "三？", "四；", "五"]),
        ("真的吗？！他说：“好。”然后走了。", ["真的吗？！", "他说：“好。”", "然后走了。"]),
        ("Pi is 3.14. Version 2.0.1 is out.", ["Pi is 3.14.", "Version 2.0.1 is out."]),
        ("Ask Dr. Smith, e.g. at 5 p.m. on Monday. Thanks.", ["Ask Dr. Smith, e.g. at 5 p.m. on Monday.", "Thanks."]),
        ("The U.S. office is closed. Call us.", ["The U.S. office is closed.", "Call us."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("Open https://a.example/?q=1&r=2 now. Done!", ["Open https://a.example/?q=1&r=2 now.", "Done!"]),
        ("1. Open it.\n2. Close it.", ["1. Open it.", "2. Close it."]),
        ("先打开设置\n再点连接", ["先打开设置", "再点连接"]),
        ("好的!谢谢", ["好的!", "谢谢"]),
        ("等等……再说", ["等等……", "再说"]),
        ("Wait... what?", ["Wait...", "what?"]),
        ("", []),
        ("。。。", ["。。。"]),
    ],
)
def test_a_text_falls_into_its_sentences(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("打印机脱机", ["打印", "印机", "机脱", "脱机"]),
        ("锁", ["锁"]),
        ("PRN-3F", ["prn-3f", "prn", "3f"]),
        ("ＰＲＮ－３Ｆ", ["prn-3f", "prn", "3f"]),
        ("v2.1", ["v2.1", "v2"]),
        ("C++ C# .NET", ["c++", "c#", "net"]),
        ("0x80070005", ["0x80070005"]),
        ("printers printing printed", ["printer", "print", "print"]),
        ("the and is", []),
        ("VPN错误809", ["vpn", "错误", "809"]),
        ("10.0.0.1:8080/status", ["10.0.0.1:8080/status", "10", "8080", "status"]),
        ("HS_CONFIG", ["hs_config", "hs", "config"]),
        ("ﬁle", ["file"]),
        ("𠮷野家", ["𠮷野", "野家"]),
        ("프린터 テスト", ["프린터", "テスト"]),
    ],
)
def test_tokens_keep_identifiers_whole_and_cut_chinese_into_pairs(text: str, found: list[str]) -> None:
    assert tokens(text) == found


@pytest.mark.parametrize("code", PARAGRAPHS)
def test_a_word_of_any_language_is_found_again_by_itself(code: str) -> None:
    text = PARAGRAPHS[code]
    assert set(query_tokens(text)) <= set(tokens(text))
    assert tokens(text)


def test_a_question_gives_distinct_tokens_without_function_characters() -> None:
    assert query_tokens("我 的 密码 密码 reset reset") == ["密码", "reset"]
    assert len(query_tokens(" ".join(f"word{i}" for i in range(500)), limit=64)) == 64


def test_chunks_are_looked_up_by_characters_too_but_not_by_those_that_say_nothing() -> None:
    found = search_tokens("我的 VPN 特别慢")
    assert found == ["我的", "vpn", "特别", "别慢", "特", "别", "慢"]
    assert set(found) & set(tokens("很慢", characters=True)) == {"慢"}
    assert "慢" not in tokens("很慢")
    assert [token for token in search_tokens("VPN 满了怎么办") if len(token) == 1] == ["满"]
    assert len(search_tokens("慢" * 3 + "".join(chr(0x4E00 + n) for n in range(400)))) == 128


@pytest.mark.parametrize(
    ("token", "expected"),
    [("809", True), ("prn-3f", True), ("v2", True), ("node.js", True), ("vpn", False), ("打印", False)],
)
def test_what_names_one_thing_is_an_identifier(token: str, expected: bool) -> None:
    assert is_identifier(token) is expected


def test_comparing_folds_width_case_and_ligatures() -> None:
    assert normalise("ＨＳ Ｃｏｎｎｅｃｔ") == normalise("hs connect")


def test_stems_are_right_when_many_threads_ask_at_once(request: pytest.FixtureRequest) -> None:
    request.addfinalizer(partial(sys.setswitchinterval, sys.getswitchinterval()))
    sys.setswitchinterval(1e-5)
    words = [
        f"{start}{end}" for start in ("connect", "print", "reset", "install") for end in ("ing", "ed", "s", "er")
    ] * 60
    stem.cache_clear()
    expected = {word: stem(word) for word in words}
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            stem.cache_clear()
            assert dict(zip(words, pool.map(stem, words), strict=True)) == expected


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("short", 10, "short"),
        ("One sentence. Another that is long.", 20, "One sentence.…"),
        ("word " * 20, 23, "word word word word…"),
        ("密码" * 20, 11, "密码密码密码密码密码…"),
    ],
)
def test_a_text_is_shortened_at_a_sentence_or_a_word(text: str, limit: int, shown: str) -> None:
    assert shorten(text, limit) == shown
    assert len(shown) <= limit
