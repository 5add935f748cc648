"""In the first half minute of a demo its page says that the articles are still being read in, and takes that back by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.test_accessibility import every_look
from tests.live import LiveDesk


@every_look
def test_the_page_says_so_until_it_is_set_up(
    live: LiveDesk, new_page: NewPage, axe: Callable[[Page], list[str]], monkeypatch: pytest.MonkeyPatch, lang: str,
    scheme: str,
) -> None:  # fmt: skip
    opens = threading.Event()
    monkeypatch.setattr(live.app.state.running, "opens", opens)
    page = new_page("/demo", lang=lang, color_scheme=scheme)
    notice = page.get_by_role("main").get_by_role("status")
    expect(notice).to_contain_text("现在就可以提问" if lang == "zh" else "Ask already")
    assert axe(page) == []
    with page.expect_response("**/healthz") as looked:
        pass
    assert looked.value.json()["setting_up"] is True
    expect(notice).to_be_visible()
    opens.set()
    expect(notice).to_have_count(0)
