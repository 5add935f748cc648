"""The staff console in a real browser: live, by keyboard, in both languages, on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from desk.models import Role
from tests.browser.conftest import NewPage
from tests.live import PASSWORD, Chat, LiveDesk, email_of


@pytest.fixture
def chat(live: LiveDesk) -> Chat:
    """A customer who waits for a person."""
    chat = live.chat()
    chat.ask("The printer on floor 4 shows PRN-21")
    chat.ask("I want to talk to a person")
    return chat


def open_inbox(new_page: NewPage, chat: Chat, role: Role = Role.AGENT, **options: object) -> Page:
    page = new_page("/inbox?view=all", role=role, **options)
    page.locator(f"#row-{chat.conversation_id()} a").click()
    expect(page.locator("#conversation")).to_have_attribute("data-conversation", chat.conversation_id())
    return page


def test_signing_in_leads_to_the_page_one_wanted_and_out_again(new_page: NewPage) -> None:
    page = new_page("/knowledge?q=laptop")
    expect(page.get_by_role("heading", name="Sign in to the desk")).to_be_visible()
    page.get_by_label("E-mail").fill(email_of(Role.MANAGER))
    page.get_by_label("Password").fill("wrong password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not right")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/knowledge\?q=laptop$"))
    page.locator("details.me summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/signin$"))


def test_a_message_appears_while_one_looks_on(new_page: NewPage, chat: Chat) -> None:
    page = open_inbox(new_page, chat)
    chat.post("It is the one beside the lift")
    expect(page.locator("#log .m-customer").last).to_contain_text("It is the one beside the lift")
    expect(page.locator(f"#row-{chat.conversation_id()}")).to_contain_text("now")


def test_a_reply_by_keyboard_reaches_the_customer_and_stands_in_its_place(new_page: NewPage, chat: Chat) -> None:
    page = open_inbox(new_page, chat)
    page.locator("#reply").fill("Hello, this is Mei. I fill tray 2 now.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#log .m-staff")).to_contain_text("I fill tray 2 now.")
    expect(page.locator("#reply")).to_have_value("")
    expect(page.locator("#head")).to_contain_text("assigned to you")
    expect(page.locator("#log .sys")).to_have_count(1)
    order = page.locator("#log > [data-seq]").evaluate_all("(turns) => turns.map((turn) => Number(turn.dataset.seq))")
    assert order == sorted(order)
    assert [turn["author"] for turn in chat.turns()][-2:] == ["system", "staff"]


def test_the_suggestion_is_put_into_the_reply_and_not_sent(new_page: NewPage, live: LiveDesk) -> None:
    chat = live.chat()
    chat.post("I want to talk to a person")
    chat.ask("My printer says PRN-21")
    page = open_inbox(new_page, chat)
    page.locator("#side").get_by_role("button", name="Insert").click()
    expect(page.locator("#reply")).to_have_value(re.compile("tray 2"))
    assert not [turn for turn in chat.turns() if turn["author"] == "staff"]


def test_a_note_is_seen_by_colleagues_only(new_page: NewPage, chat: Chat) -> None:
    page = open_inbox(new_page, chat)
    page.get_by_text("Internal note", exact=True).click()
    page.locator("#reply").fill("He called yesterday, too")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator("#log .m-note")).to_contain_text("He called yesterday, too")
    assert "called yesterday" not in str(chat.turns())


def test_two_colleagues_see_each_others_work_and_nobody_loses_what_they_write(new_page: NewPage, chat: Chat) -> None:
    mei, jonas = open_inbox(new_page, chat), open_inbox(new_page, chat, Role.EDITOR)
    mei.get_by_role("button", name="Take over").click()
    expect(mei.locator("#head")).to_contain_text("assigned to you")
    expect(jonas.locator("#head")).to_contain_text("with Mei Chen")
    mei.locator("#head summary", has_text="Resolve").click()
    mei.get_by_label("Cause").fill("tray empty")
    jonas.locator("#head summary.pick").click()
    jonas.locator("#head select").select_option("high")
    jonas.get_by_label("Why").fill("two departments")
    jonas.get_by_role("button", name="Change the urgency").click()
    expect(jonas.locator("#head .pick")).to_have_text("High")
    expect(mei.locator(f"#row-{chat.conversation_id()}")).to_contain_text("High")
    expect(mei.get_by_label("Cause")).to_have_value("tray empty")  # her open menu was not taken away
    mei.get_by_role("button", name="Mark as solved").click()
    expect(jonas.locator("#ticket-name")).to_contain_text("Solved")


def test_a_draft_outlives_a_look_at_another_conversation(new_page: NewPage, chat: Chat, live: LiveDesk) -> None:
    other = live.chat()
    other.ask("I want to talk to a person")
    page = open_inbox(new_page, chat)
    page.locator("#reply").fill("half a sentence")
    page.locator(f"#row-{other.conversation_id()} a").click()
    expect(page.locator("#reply")).to_have_value("")
    page.locator(f"#row-{chat.conversation_id()} a").click()
    expect(page.locator("#reply")).to_have_value("half a sentence")


def test_a_search_stays_while_messages_come_in(new_page: NewPage, chat: Chat, live: LiveDesk) -> None:
    page = new_page("/inbox?view=all", role=Role.AGENT)
    page.get_by_role("searchbox").press_sequentially("no such words")
    expect(page.locator("#rows")).to_contain_text("Nothing matches this search.")
    chat.ask("another message")
    expect(page.locator("#rows")).to_contain_text("Nothing matches this search.")


def test_an_ended_session_is_said_and_the_text_is_kept(new_page: NewPage, chat: Chat) -> None:
    page = open_inbox(new_page, chat)
    page.locator("#reply").fill("a long answer")
    page.context.clear_cookies(name="firstline_staff")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#toast")).to_contain_text("You have been signed out")
    expect(page.locator("#reply")).to_have_value("a long answer")


def test_the_countdown_runs(new_page: NewPage, chat: Chat) -> None:
    page = open_inbox(new_page, chat)
    countdown = page.locator("#head .sla")
    expect(countdown).to_have_text(re.compile(r"\d+h \d\dm|\d+:\d\d|\d+d"))


def test_language_and_darkness_are_chosen_and_stay(new_page: NewPage, chat: Chat) -> None:
    page = open_inbox(new_page, chat)
    page.get_by_role("link", name="中").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("#conversation")).to_be_visible()
    page.get_by_role("button", name="切换").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_a_phone_shows_one_pane_at_a_time(new_page: NewPage, chat: Chat) -> None:
    page = open_inbox(new_page, chat, viewport={"width": 390, "height": 844}, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    expect(page.locator("#rows")).to_be_hidden()
    for button in page.locator("#head .acts").locator("button:visible, summary:visible").all():
        expect(button).to_be_in_viewport(ratio=1)
    page.locator(".open-side").click()
    expect(page.locator("#side")).to_contain_text("Suggested answer")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Back to the list").click()
    expect(page.locator("#rows")).to_be_visible()


def test_why_an_answer_was_given_and_back_to_where_it_stands(new_page: NewPage, live: LiveDesk) -> None:
    chat = live.chat()
    chat.ask("The printer on floor 4 shows PRN-21")
    page = open_inbox(new_page, chat)
    page.locator("#log").get_by_role("link", name="Why this answer?").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Why this answer?")
    expect(page.get_by_role("img", name="sure enough for an answer")).to_be_visible()
    expect(page.locator(".record")).to_contain_text("byte for byte")
    page.get_by_text("What this threshold stands for").click()
    expect(page.locator(".risk")).to_contain_text("wrong among the answers given")
    page.locator(".crumbs a").click()
    expect(page.locator("#log .m-bot")).to_be_in_viewport()


def test_a_choice_is_marked_while_one_looks_on(new_page: NewPage, live: LiveDesk) -> None:
    chat = live.chat()
    button = chat.ask("Where do I find the settings?")["quick_replies"][0]
    page = open_inbox(new_page, chat)
    expect(page.locator("#log .offered li")).to_have_count(2)
    expect(page.locator("#log .offered .on")).to_have_count(0)
    chat.post(button["label"], action=button["action"])
    expect(page.locator("#log .offered .on")).to_contain_text(button["label"])
    expect(page.locator("#log .m-bot").last.locator(".ask-why")).to_be_visible()


def test_documents_are_dropped_in_and_reported_one_by_one(new_page: NewPage) -> None:
    page = new_page("/knowledge", role=Role.EDITOR)
    page.get_by_role("link", name="Add documents").click()
    files = [
        {"name": "boat.md", "mimeType": "text/markdown", "buffer": b"# The boat BT-1\n\nThe boat BT-1 is blue.\n"},
        {"name": "broken.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 nonsense"},
    ]
    page.set_input_files("#files", files)  # type: ignore[arg-type]
    expect(page.locator(".chosen li")).to_have_count(2)
    page.get_by_role("button", name="Add to the knowledge base").click()
    expect(page.get_by_role("row").filter(has_text="broken.pdf")).to_contain_text("Not taken")
    page.get_by_role("link", name="The boat BT-1").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The boat BT-1")
    page.get_by_role("button", name="Archive").click()
    expect(page.locator(".leaf-head")).to_contain_text("Archived")
    page.locator(".leaf-head").get_by_role("button", name="Restore").click()
    expect(page.locator(".leaf-head")).to_contain_text("Published")
