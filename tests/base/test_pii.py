"""Personal data is found by its form and its check digits, next to Chinese text too; numbers of other kinds stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.pii import PiiKind, find_pii, mask

FOUND = [
    ("13812345678", PiiKind.MOBILE),
    ("138 1234 5678", PiiKind.MOBILE),
    ("138-1234-5678", PiiKind.MOBILE),
    ("+86 13812345678", PiiKind.MOBILE),
    ("8613812345678", PiiKind.MOBILE),
    ("１３８１２３４５６７８", PiiKind.MOBILE),
    ("11010519491231002X", PiiKind.ID_CARD),
    ("11010519491231002x", PiiKind.ID_CARD),
    ("１１０１０５１９４９１２３１００２Ｘ", PiiKind.ID_CARD),
    ("440524188001010014", PiiKind.ID_CARD),
    ("4111111111111111", PiiKind.BANK_CARD),
    ("4111 1111 1111 1111", PiiKind.BANK_CARD),
    ("5500-0000-0000-0004", PiiKind.BANK_CARD),
    ("378282246310005", PiiKind.BANK_CARD),
    ("6222021234567890128", PiiKind.BANK_CARD),
    ("GB82 WEST 1234 5698 7654 32", PiiKind.IBAN),
    ("DE89370400440532013000", PiiKind.IBAN),
    ("NO9386011117947", PiiKind.IBAN),
    ("wang.xiaoming+it@mail.example.cn", PiiKind.EMAIL),
    ("010-12345678", PiiKind.PHONE),
    ("(021) 12345678", PiiKind.PHONE),
    ("+1 415 555 2671", PiiKind.PHONE),
    ("+44 20 7946 0958", PiiKind.PHONE),
    ("+33 1 23 45 67 89", PiiKind.PHONE),
]
LEFT_ALONE = [
    "order 2026112313800138000",
    "订单号：202611231234567",
    "工单 20261123138123456781",
    "110105194912310021 has a wrong check digit",
    "11010519490231002X was born on 31 February",
    "4111 1111 1111 1112 fails the Luhn check",
    "9999999999999995 passes it but no bank issues it",
    "DE88370400440532013000 fails the IBAN check",
    "error E12345678",
    "part S20261123",
    "10.0.0.1 port 8080",
    "2026-11-23 10:00:00",
    "extension 8000",
    "1381234567 is a digit short",
    "138123456789 is a digit long",
    "12812345678 is no mobile prefix",
    "3.1415926535897932",
    "v13.812.34567.8",
    "name@host",
    "a@b@c",
]


@pytest.mark.parametrize(("value", "kind"), FOUND, ids=[value for value, _ in FOUND])
@pytest.mark.parametrize(
    "around",
    ["{}", "my number is {}, thanks", "我的号码是{}请联系", "（{}）", "A:{};B"],
    ids=["alone", "en", "zh", "brackets", "marks"],
)
def test_personal_data_is_found_exactly_wherever_it_stands(value: str, kind: PiiKind, around: str) -> None:
    text = around.format(value)
    assert [(finding.kind, text[finding.start : finding.end]) for finding in find_pii(text)] == [(kind, value)]


@pytest.mark.parametrize("text", LEFT_ALONE)
@pytest.mark.parametrize("around", ["{}", "你好{}谢谢"], ids=["alone", "zh"])
def test_numbers_that_are_not_personal_stay(text: str, around: str) -> None:
    assert mask(around.format(text)) == around.format(text)


@pytest.mark.parametrize(
    "text", ["护照 E12345678", "护照号：EA1234567", "passport no. 123456789", "Passport: G12345678"]
)
def test_a_passport_number_is_known_by_the_word_before_it(text: str) -> None:
    assert [finding.kind for finding in find_pii(text)] == [PiiKind.PASSPORT]


def test_a_card_of_an_unusual_bank_is_known_by_the_word_before_it() -> None:
    assert mask("卡号 9999999999999995") == "卡号 [bank_card]"


def test_masking_names_the_kind_and_keeps_the_rest() -> None:
    text = "我是王小明，手机 13812345678，邮箱 wang@example.com，身份证11010519491231002X。"
    assert mask(text) == "我是王小明，手机 [mobile]，邮箱 [email]，身份证[id_card]。"


def test_two_numbers_side_by_side_are_two_findings() -> None:
    assert mask("13812345678/13987654321") == "[mobile]/[mobile]"


@given(st.text(max_size=300))
def test_findings_are_in_order_inside_the_text_and_apart(text: str) -> None:
    ends = [0]
    for finding in find_pii(text):
        assert ends[-1] <= finding.start < finding.end <= len(text)
        ends.append(finding.end)


@pytest.mark.parametrize("text", ["a" * 50_000 + "@", "1" * 50_000, "+1 " * 20_000, "A1 " * 20_000, "1-" * 30_000])
def test_a_long_hostile_text_is_read_to_its_end(text: str) -> None:
    assert isinstance(find_pii(text), list)
