"""Bytes become the text that was meant, whatever the label says."""

from __future__ import annotations

import pytest

from channels.email.charset import charset_in_html, codec_of, decode, one_line
from tests.channels.email.recorded import recorded


@pytest.mark.parametrize(
    ("text", "sent_as", "label"),
    [
        ("朱镕基路店 囍", "gb18030", "gb2312"),
        ("张喆", "gb18030", "GB_2312-80"),
        ("退款", "gb18030", "gbk"),
        ("똠방각하", "cp949", "ks_c_5601-1987"),
        ("髙島屋①", "cp932", "shift_jis"),
        ("“quotes” 20 €", "cp1252", "iso-8859-1"),
        ("Привет", "cp1251", "windows-1251"),
        ("Привет", "koi8_r", "koi8-r"),
        ("שלום", "iso8859_8", "iso-8859-8-i"),
        ("您好", "utf_16_be", "utf-16be"),
        ("您好", "utf_7", "utf-7"),
        ("您好", "cp950", "big5"),
        ("您好", "utf_8", "'UTF-8'"),
    ],
)
def test_a_label_is_read_as_its_users_mean_it(text: str, sent_as: str, label: str) -> None:
    assert decode(text.encode(sent_as), label) == (text, False)


@pytest.mark.parametrize(
    ("text", "sent_as", "label"),
    [
        ("您好，請問發票可以補寄嗎？", "utf_8", "big5"),
        ("打印机卡纸了", "utf_8", "gb2312"),
        ("Grüße", "utf_8", "iso-8859-1"),
        ("打印机卡纸了，请帮忙", "gb18030", "iso-8859-1"),
        ("打印机卡纸了，请帮忙", "gb18030", "utf-8"),
        ("Grüße aus Köln", "cp1252", "us-ascii"),
    ],
)
def test_a_wrong_label_is_overruled_by_the_bytes(text: str, sent_as: str, label: str) -> None:
    assert decode(text.encode(sent_as), label) == (text, True)


@pytest.mark.parametrize("label", ["", "x-unknown", "default", "unicode_escape", "idna", "zlib", "punycode", "a\x00b"])
@pytest.mark.parametrize(
    ("text", "sent_as"),
    [
        ("打印机一直卡纸，重启也没用。", "utf_8"),
        ("我的账号今天早上被锁定了，请帮忙解锁，谢谢。", "gb18030"),
        ("繁體中文測試一下我的訂單沒有收到請問怎麼辦", "cp950"),
        ("これはテストです。注文をキャンセルしたいのですが", "euc_jp"),
        ("안녕하세요 반갑습니다 여러분 주문을 취소하고 싶습니다", "cp949"),
        ("Café déjà vu", "cp1252"),
    ],
)
def test_without_a_usable_label_the_bytes_decide(text: str, sent_as: str, label: str) -> None:
    assert decode(text.encode(sent_as), label)[0] == text


@pytest.mark.parametrize("short", ["媒", "锚", "浅", "隆隆"])
def test_two_bytes_that_could_be_utf8_stay_with_their_chinese_label(short: str) -> None:
    data = short.encode("gb18030")
    assert len(data.decode("utf-8")) == len(short)
    assert decode(data, "gb2312") == (short, False)


def test_the_hint_of_the_body_reads_a_header_that_is_not_encoded() -> None:
    assert decode("注文".encode("shift_jis"), hint="shift_jis") == ("注文", True)


def test_nul_and_lone_surrogates_are_gone() -> None:
    assert decode(b"a\x00b", "utf-8") == ("ab", False)
    assert decode(b"a\xed\xa0\x80b", "utf-8") == ("ab", True)


def test_utf8_made_of_utf16_halves_is_put_together() -> None:
    assert decode(b"ok \xed\xa0\xbd\xed\xb8\x80", "utf-8") == ("ok 😀", True)


def test_a_few_damaged_bytes_do_not_turn_long_utf8_into_something_else() -> None:
    damaged = "打印机一直卡纸，重启也没用，请尽快派人看看。".encode()[:-1]
    assert decode(damaged, "utf-8") == ("打印机一直卡纸，重启也没用，请尽快派人看看\ufffd", True)


def test_characters_of_windows_are_read_in_iso_2022_jp() -> None:
    assert decode(b"\x1b$B-!\x1b(B \x1b(I1\x1b(B a", "iso-2022-jp") == ("① ｱ a", True)
    assert decode("お問い合わせ".encode("iso2022_jp"), "ISO-2022-JP") == ("お問い合わせ", False)


def test_a_byte_order_mark_wins_over_the_label() -> None:
    assert decode("您好".encode("utf-8-sig"), "gb2312")[0] == "您好"
    assert decode("您好".encode("utf-16"), "")[0] == "您好"


def test_codecs_that_are_no_character_sets_are_unknown() -> None:
    assert {codec_of(name) for name in ("idna", "rot13", "hex", "unicode_escape", "undefined", "mbcs", "../x")} == {""}


def test_the_charset_in_html_is_found() -> None:
    assert charset_in_html(b'<head><META http-equiv=x content="text/html; charset=gb2312">') == "gb2312"
    assert charset_in_html(b"<p>charset=gb2312</p>") == ""


def test_one_line_has_no_line_ends_and_no_turned_direction() -> None:
    assert one_line(" a\r\n\tb\x00\u2028c \u202etxt.exe") == "a b c txt.exe"


def test_recorded_mails_are_read_in_their_own_characters() -> None:
    assert recorded("qq_gb2312").text.startswith("朱镕基路店的打印机 PRN-3F 一直卡纸，重启也没用。\n")
    assert recorded("netease_gbk").subject == "VPN连不上"
    assert recorded("netease_gbk").senders[0].name == "王芳"
    assert recorded("big5_label_on_utf8").text == "您好，請問發票可以補寄嗎？"
    assert recorded("iso2022jp_outlook").text == "①パスワード ㈱ABC"
    assert recorded("iso2022jp_outlook").subject == "お問い合わせ"
    assert recorded("ks_c_5601").text == "로그인이 안 됩니다. 똠방각하."
    assert recorded("latin1_smart_quotes").text == "The “Pro” plan costs 20 €, doesn’t it? Grüße aus Köln"
    assert recorded("latin1_smart_quotes").subject == "Café invoice"


def test_a_mail_without_any_charset_is_read_in_header_and_body() -> None:
    mail = recorded("no_charset_gb18030")
    assert (mail.senders[0].name, mail.subject) == ("李雷", "账号被锁定了怎么办")
    assert mail.text == "您好：\n我的账号今天早上被锁定了，请帮忙解锁，谢谢。\n李雷"
    assert mail.flaws == ("charset",)
