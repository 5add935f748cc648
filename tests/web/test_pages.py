"""Small things on every page: initials, tints, times ago, reasons said again in the reader's language."""

from __future__ import annotations

from datetime import timedelta

import pytest
from jinja2 import UndefinedError

from desk.models import Urgency
from web.pages import initials, make_environments, tint
from web.present import Presenter
from web.wiring import Services


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Mei Chen", "MC"),
        ("王小明", "王"),
        ("Lin 林", "L"),
        ("David Chen 陈大为", "DC"),
        ("王芳 Wang Fang", "王"),
        ("ana", "A"),
        ("", "?"),
        ("Jean Luc Picard", "JP"),
        ("ß", "SS"),
    ],
)
def test_initials_fit_into_an_avatar(name: str, shown: str) -> None:
    assert initials(name) == shown


def test_a_person_keeps_their_tint() -> None:
    assert tint("a") == tint("a")
    assert {tint(str(number)) for number in range(100)} == set(range(8))


@pytest.mark.parametrize(
    ("ago", "english", "chinese"),
    [
        (0, "now", "刚刚"),
        (59, "now", "刚刚"),
        (61, "1 min", "1 分钟前"),
        (7200, "2 h", "2 小时前"),
        (200_000, "2 d", "2 天前"),
    ],
)
def test_the_list_says_how_long_ago(services: Services, ago: int, english: str, chinese: str) -> None:
    at = services.clock.now() - timedelta(seconds=ago)
    assert Presenter(services, "en").ago(at) == english
    assert Presenter(services, "zh").ago(at) == chinese


def test_a_stored_reason_is_said_again_in_the_readers_language(services: Services) -> None:
    stored = {
        "kind": "x",
        "code": "x",
        "quote": "断网",
        "message": "Mentions: “{quote}”",
        "fields": {},
        "text": "as stored",
    }
    assert "断网" in Presenter(services, "en").reason(stored)
    assert Presenter(services, "zh").reason({**stored, "message": "{missing}"}) == "as stored"
    assert Presenter(services, "zh").reason({"text": "Mei: the whole floor"}) == "Mei: the whole floor"


def test_both_languages_have_their_templates_and_a_typo_is_noticed() -> None:
    environments = make_environments()
    assert set(environments) == {"en", "zh"}
    with pytest.raises(UndefinedError):
        environments["en"].from_string("{{ no_such_name }}").render()


def test_every_template_compiles_in_both_languages() -> None:
    for environment in make_environments().values():
        for name in environment.list_templates():
            environment.get_template(name)


def test_urgency_is_offered_from_the_worst(services: Services) -> None:
    assert [level.rank for level in Urgency] == [0, 1, 2, 3]
