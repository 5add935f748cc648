"""Merging as a colleague sees it: offered on the card, asked, done, undone; readable in every look."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from desk.models import Role
from tests.browser.conftest import NewPage
from tests.live import LiveDesk, by_mail

PERSON = "I want to talk to a person"
WORDS = {
    "en": ("Merge into …", "Merge", "Undo the merge", "Withdraw this ticket", "Withdraw"),
    "zh": ("并入……", "合并", "撤销合并", "撤销这张工单", "撤销"),
}


@pytest.mark.parametrize(("lang", "scheme"), [("en", "light"), ("zh", "light"), ("en", "dark"), ("zh", "dark")])
def test_two_are_merged_parted_and_one_is_withdrawn(
    live: LiveDesk, new_page: NewPage, axe: Callable[[Page], list[str]], lang: str, scheme: str
) -> None:
    merge_into, merge, undo, withdraw_this, withdraw = WORDS[lang]
    sender = f"c{secrets.token_hex(4)}@customers.example"
    one, two = (by_mail(live, f"{PERSON} about the {thing}", sender) for thing in ("scanner", "badge printer"))
    page = new_page(f"/inbox/{one}?view=all", lang=lang, role=Role.AGENT, color_scheme=scheme)
    page.get_by_text(merge_into).click()
    offered = page.locator(f'a[href="/inbox/{one}/merge?into={two}"]')
    expect(offered).to_be_visible()
    assert axe(page) == []
    offered.click()
    expect(page.locator(".both-sides blockquote")).to_have_count(2)
    assert axe(page) == []
    page.get_by_role("button", name=merge, exact=True).click()
    page.wait_for_url(f"**/inbox/{two}?view=all")
    assert axe(page) == []
    page.locator("#log .m-note a").click()
    expect(page.locator(".conv .closed a")).to_be_visible()
    assert axe(page) == []
    page.get_by_role("button", name=undo).click()
    expect(page.locator("#reply")).to_be_visible()

    page.get_by_text(withdraw_this).click()
    assert axe(page) == []
    page.get_by_role("button", name=withdraw, exact=True).click()
    expect(page.locator(".badge-s.s-cancelled")).to_be_visible()
    expect(page.get_by_text(withdraw_this)).to_have_count(0)
    assert axe(page) == []
