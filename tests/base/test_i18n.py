"""Texts, sizes, times and durations in the reader's language."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from base.errors import AppError, DatabaseTooNew, RetryLater, TooManyRequests
from base.i18n import explain, format_bytes, format_duration, format_time, known_locale, translate


@pytest.mark.parametrize(
    ("wish", "locale"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en_US", "en"),
        ("fr-FR, zh;q=0.5", "zh"),
        ("de", "en"),
        ("", "en"),
        (None, "en"),
        ("ZH", "zh"),
        ("*;q=0.1", "en"),
        ("../../etc", "en"),
    ],
)
def test_the_first_language_of_a_wish_that_we_speak_is_taken(wish: str | None, locale: str) -> None:
    assert known_locale(wish) == locale


def test_a_text_is_translated_with_its_fields() -> None:
    message = TooManyRequests.message
    english, chinese = (translate(message, locale, retry_after_seconds=9) for locale in ("en", "zh"))
    assert english == "Too many requests. Please wait 9 seconds and try again."
    assert chinese != english
    assert "9" in chinese


def test_an_unknown_language_reads_as_english() -> None:
    assert translate("Please sign in first.", "xx") == "Please sign in first."


def test_no_text_stays_no_text_in_chinese() -> None:
    """gettext answers an empty message with the catalogue's header."""
    assert translate("", "zh") == ""


def test_an_error_is_explained_with_its_fields_in_both_languages() -> None:
    error = DatabaseTooNew(found="9001")
    assert all("9001" in explain(error, locale) for locale in ("en", "zh"))


def test_an_error_that_lacks_a_field_is_still_explained() -> None:
    assert explain(TooManyRequests(), "en") == TooManyRequests.message


def test_an_error_tells_the_log_its_code_and_its_fields() -> None:
    assert str(RetryLater("slow down", retry_after_seconds=3, channel="slack")) == "retry_later slow down channel=slack"


def _all(kind: type[AppError]) -> set[type[AppError]]:
    return {kind}.union(*(_all(below) for below in kind.__subclasses__()))


def test_every_named_error_says_what_to_do_in_whole_sentences() -> None:
    for kind in _all(AppError):
        assert kind.message.endswith((".", "{reason}", "{command}", ")")), kind
        assert kind.code.replace("_", "").isalnum(), kind
        assert 400 <= kind.status < 600, kind


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 B"), (9, "9 B"), (1023, "1023 B"), (1536, "1.5 KB"), (10_485_760, "10 MB"), (5 * 1024**4, "5120 GB")],
)
def test_sizes_are_told_in_the_largest_fitting_unit(size: int, shown: str) -> None:
    assert format_bytes(size) == shown


@pytest.mark.parametrize(("locale", "shown"), [("en", "Mon, 23 Nov, 09:30"), ("zh", "11月23日 周一 09:30")])
def test_a_moment_is_told_in_the_readers_zone(locale: str, shown: str) -> None:
    assert format_time(datetime(2026, 11, 23, 1, 30, tzinfo=UTC), locale, "Asia/Shanghai") == shown


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0, "0 min", "0 分钟"),
        (-5, "0 min", "0 分钟"),
        (90, "2 min", "2 分钟"),
        (9_000, "2 h 30 min", "2 小时 30 分钟"),
        (36 * 3600, "36 h", "36 小时"),
        (49 * 3600, "2 d 1 h", "2 天 1 小时"),
    ],
)
def test_a_duration_is_told_in_words(seconds: float, english: str, chinese: str) -> None:
    assert (format_duration(seconds, "en"), format_duration(seconds, "zh")) == (english, chinese)
