"""The first story: one customer message, from the chat window to the answer, the ticket and the person.

Each test is one thing that must work for a customer or a colleague, told as it happens.
"""

from __future__ import annotations

import re

from desk.models import Role
from tests.live import LiveDesk, eventually


def test_an_english_question_gets_an_answer_with_its_source(live: LiveDesk) -> None:
    chat = live.chat("en")
    reply = chat.ask("The printer shows PRN-21. What should I do?")
    assert reply["author"] == "bot"
    assert reply["lang"] == "en"
    assert "tray 2 is empty" in reply["text"]
    source = reply["citations"][0]
    assert source["title"] == "Printer shows PRN-21: paper tray empty"
    assert source["quote"]
    page = live.browser().get(source["url"].replace(live.services.settings.base_url, ""))
    assert page.status_code == 200
    assert "tray 2 is empty" in page.text


def test_a_chinese_question_gets_a_chinese_answer_with_its_source(live: LiveDesk) -> None:
    reply = live.chat("zh").ask("我忘记密码了，怎么重置？")
    assert reply["lang"] == "zh"
    assert reply["citations"][0]["title"] == "忘记密码怎么重置"
    assert "忘记密码怎么重置" in reply["text"]
    assert [button["label"] for button in reply["quick_replies"]] == ["有帮助", "还没解决"]


def test_a_chinese_question_is_answered_from_an_english_article_in_a_chinese_frame(live: LiveDesk) -> None:
    reply = live.chat("zh").ask("打印机显示 PRN-21 是什么意思？")
    assert reply["lang"] == "zh"
    assert "PRN-21" in reply["text"]
    assert reply["citations"][0]["lang"] == "en"


def test_an_answer_that_helped_ends_the_matter(live: LiveDesk) -> None:
    chat = live.chat("en")
    chat.ask("What does PRN-21 mean?")
    reply = chat.ask("This helped", action="helped")
    assert reply["ticket"] is None
    assert reply["author"] == "bot"


def test_an_answer_that_did_not_help_leads_to_a_person(live: LiveDesk) -> None:
    chat = live.chat("en")
    chat.ask("What does PRN-21 mean?")
    replies = [chat.ask("Still not working", action="not_helped")]
    if replies[-1]["ticket"] is None:  # another source, or the offer of a person, first
        replies.append(chat.ask("I want to talk to a person"))
    assert replies[-1]["ticket"]["name"].startswith("FL-")


def test_what_nobody_wrote_down_becomes_a_ticket_with_a_deadline_and_a_status_page(live: LiveDesk) -> None:
    chat = live.chat("en")
    reply = chat.ask("The lawnmower of the roof garden leaks oil and my desk is ruined. Please fix it.")
    if reply["ticket"] is None:
        assert [button["action"] for button in reply["quick_replies"]][-1] in ("human", "not_helped")
        reply = chat.ask("Talk to a person", action="human")
    ticket = reply["ticket"]
    assert re.match(r"FL-\d+$", ticket["name"])
    assert re.search(r"\d\d:\d\d", ticket["promise"])
    page = live.browser().get("/status/" + ticket["url"].rpartition("/")[2])
    assert page.status_code == 200
    assert ticket["promise"] in page.text
    assert "How this was computed" in page.text


def test_a_wish_for_a_person_is_honoured_in_that_turn(live: LiveDesk) -> None:
    for lang, words in (
        ("en", "Can I talk to a real person please?"),
        ("zh", "给我转人工"),
        ("zh", "我要投诉，叫你们经理来"),
    ):
        reply = live.chat(lang).ask(words)
        assert reply["ticket"], words


def test_the_button_for_a_person_works_before_any_question(live: LiveDesk) -> None:
    chat = live.chat("zh")
    reply = chat.ask("转人工", action="human")
    assert reply["ticket"]
    assert reply["lang"] == "zh"


def test_an_outage_is_an_urgent_ticket_on_top_of_everybodys_list(live: LiveDesk) -> None:
    chat = live.chat("en")
    reply = chat.ask("Nobody in the whole company can log in to the ERP, all work has stopped!")
    assert reply["ticket"]["urgency"] == "urgent"
    listed = live.browser(Role.AGENT).get("/inbox?view=unassigned").text
    rows = re.findall(r'<li id="row-(\w+)">(.*?)</li>', listed, re.S)
    pinned = [public_id for public_id, row in rows if "pinned" in row]
    assert chat.conversation_id() in pinned
    assert [public_id for public_id, _ in rows][: len(pinned)] == pinned
    beside = live.browser(Role.AGENT).get(f"/inbox/{chat.conversation_id()}").text
    assert "Why this urgency" in beside


def test_a_colleague_reads_replies_and_solves_while_the_customer_watches(live: LiveDesk) -> None:
    chat, agent = live.chat("en"), live.browser(Role.AGENT)
    page = "/status/" + chat.ask("I want to talk to a person")["ticket"]["url"].rpartition("/")[2]
    address = f"/inbox/{chat.conversation_id()}"

    with chat.events(str(chat.last_event_id())) as events:
        assert next(events).name == "ready"
        agent.post(f"{address}/reply", data={"text": "Hello, this is Mei. Which floor are you on?"})
        told = [next(events) for _ in range(3)]
    assert [event.json.get("author") for event in told if event.name == "turn"] == ["system", "staff"]
    assert [event.json["state"] for event in told if event.name == "state"] == ["staff"]
    assert next(e for e in told if e.name == "turn" and e.json["author"] == "staff").json["author_name"] == "Mei Chen"

    chat.post("Floor 4, and the printer shows PRN-21")  # the assistant knows this one, and keeps silent
    eventually(lambda: [turn for turn in chat.turns() if "Floor 4" in turn["text"]])
    agent.post(f"{address}/reply", data={"text": "Tray 2 is filled. Please try again."})
    assert [turn["author"] for turn in chat.turns()][-2:] == ["customer", "staff"]

    agent.post(f"{address}/resolve", data={"root_cause": "tray empty", "solution": "filled tray 2"})
    assert "Solved" in live.browser().get(page).text
    assert chat.ask("What does PRN-21 mean?")["author"] == "bot"  # the assistant is back


def test_who_comes_back_finds_the_conversation_where_it_was(live: LiveDesk) -> None:
    chat = live.chat("en")
    chat.ask("What does PRN-21 mean?")
    seen = chat.last_event_id()
    live.browser(Role.AGENT).post(f"/inbox/{chat.conversation_id()}/reply", data={"text": "Did that help?"})
    with chat.events(str(seen)) as events:  # the window was closed meanwhile
        assert next(events).name == "ready"
        missed = next(event for event in events if event.name == "turn" and event.json["author"] == "staff")
    assert missed.json["text"] == "Did that help?"
    assert [turn["seq"] for turn in chat.turns()] == [1, 2, 3, 4]
