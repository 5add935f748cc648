"""Incidents in the console: proposed above the inbox, opened, told to everybody, merged and taken apart, in both languages."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from desk import conversations, incident_work, incidents
from desk.incidents import Incident, IncidentState, MemberState
from desk.models import Role
from desk.tables import AuditRow, ConversationRow
from tests.live import Chat, LiveDesk, eventually

EN, ZH = "The scanner app shows error SC-9 and will not start", "扫描应用报错 SC-9，打不开了"
TEXTS = {"title_en": "Scanner app", "title_zh": "扫描应用", "notice_en": "We are on it.", "notice_zh": "正在处理。"}


@pytest.fixture
def chats(live: LiveDesk) -> list[Chat]:
    """One customer who reads English, one who reads Chinese."""
    found = [live.chat("en"), live.chat("zh")]
    for chat, text in zip(found, (EN, ZH), strict=True):
        chat.ask(text)
    return found


@pytest.fixture
def incident(live: LiveDesk, chats: list[Chat]) -> Incident:
    services, now = live.services, live.services.clock.now()
    with services.database.begin() as session:
        ids = [talk_id(live, chat) for chat in chats]
        words = {"en": "Scanner app", "zh": "扫描应用"}
        return incident_work.propose(session, words, words, [], ids, now, now)


def talk_id(live: LiveDesk, chat: Chat) -> int:
    with live.services.database.read() as session:
        public_id = chat.conversation_id()
        found = session.scalar(select(ConversationRow.id).where(ConversationRow.public_id == public_id))
    assert found is not None
    return found


def post(live: LiveDesk, incident: Incident, deed: str, **form: object) -> int:
    client = live.browser(Role.AGENT)
    return client.post(f"/incidents/{incident.public_id}/{deed}", data=form, follow_redirects=False).status_code


def now_of(live: LiveDesk, incident: Incident) -> Incident:
    with live.services.database.read() as session:
        return incidents.by_id(session, incident.id)


def opened(live: LiveDesk, incident: Incident, *chosen: Chat) -> Incident:
    form = {"urgency": "high", "chosen": [chat.conversation_id() for chat in chosen], **TEXTS}
    assert post(live, incident, "open", **form) == 303
    return now_of(live, incident)


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_a_proposal_stands_above_the_inbox_and_in_the_list(live: LiveDesk, incident: Incident) -> None:
    client = live.browser(Role.AGENT)
    assert f"/incidents/{incident.public_id}" in client.get("/inbox?view=all").text
    page = client.get("/incidents").text
    assert f"/incidents/{incident.public_id}" in page
    assert "Waiting for your decision" in page


@pytest.mark.parametrize(("lang", "title"), [("en", "Is this one incident?"), ("zh", "这是同一个事件吗？")])
def test_a_proposal_shows_who_said_what(live: LiveDesk, incident: Incident, lang: str, title: str) -> None:
    client = live.browser(Role.AGENT)
    client.cookies.set("firstline_lang", lang)
    page = client.get(f"/incidents/{incident.public_id}").text
    assert title in page
    assert EN in page and ZH in page
    assert page.count('name="chosen"') == 2


def test_opening_takes_in_the_ticked_ones_only(live: LiveDesk, incident: Incident, chats: list[Chat]) -> None:
    found = opened(live, incident, chats[0])
    assert found.state is IncidentState.OPEN
    with live.services.database.read() as session:
        states = {one.conversation_id: one.state for one in incidents.members(session, found)}
    assert states == {talk_id(live, chats[0]): MemberState.MEMBER, talk_id(live, chats[1]): MemberState.REMOVED}


def test_what_was_typed_is_still_there_when_a_language_is_missing(live: LiveDesk, incident: Incident) -> None:
    client = live.browser(Role.AGENT)
    form = {"urgency": "high", **TEXTS, "notice_zh": " ", "title_en": "A title of mine"}
    page = client.post(f"/incidents/{incident.public_id}/open", data=form)
    assert page.status_code == 422
    assert "A title of mine" in page.text
    assert "in English and in Chinese" in page.text
    assert now_of(live, incident).state is IncidentState.PROPOSED


def test_one_update_reaches_everybody_in_their_language(live: LiveDesk, incident: Incident, chats: list[Chat]) -> None:
    found = opened(live, incident, *chats)
    refused = live.browser(Role.AGENT).post(f"/incidents/{found.public_id}/tell", data={"text_en": "Half is done"})
    assert refused.status_code == 422
    assert "Half is done" in refused.text
    assert post(live, found, "tell", text_en="Half is done", text_zh="修好一半") == 303
    for chat, text in zip(chats, ("Half is done", "修好一半"), strict=True):
        eventually(lambda chat=chat, text=text: chat.turns()[-1]["text"] == text)
    assert "Half is done" in live.browser(Role.AGENT).get(f"/incidents/{found.public_id}").text


def test_its_end_is_told_and_solves_the_tickets(live: LiveDesk, incident: Incident, chats: list[Chat]) -> None:
    found = opened(live, incident, *chats)
    assert post(live, found, "tell", text_en="Solved", text_zh="已解决", resolves="true") == 303
    assert now_of(live, found).state is IncidentState.RESOLVED
    eventually(lambda: chats[1].turns()[-1]["text"] == "已解决")
    assert post(live, found, "tell", text_en="More", text_zh="还有") == 422


def test_a_ticket_is_added_by_its_number_and_taken_out_again(live: LiveDesk, incident: Incident) -> None:
    found, chat = opened(live, incident), live.chat()
    chat.ask("I want to talk to a person")
    number = chat.turns()[-1]["ticket"]["name"]
    for wrong in ("FL-99999", "hello", "1' OR 1=1"):
        page = live.browser(Role.AGENT).post(f"/incidents/{found.public_id}/members", data={"ticket": wrong})
        assert (page.status_code, "There is no ticket" in page.text) == (422, True)
    assert post(live, found, "members", ticket=number.lower()) == 303
    assert number in live.browser(Role.AGENT).get(f"/incidents/{found.public_id}").text
    talk = chat.conversation_id()
    page = live.browser(Role.AGENT).get(f"/inbox/{talk}").text
    assert f"/incidents/{found.public_id}" in page
    assert post(live, found, "members/remove", conversation=talk) == 303
    with live.services.database.read() as session:
        states = {one.conversation_id: one.state for one in incidents.members(session, found)}
    assert states[talk_id(live, chat)] is MemberState.REMOVED


def test_two_incidents_become_one_and_two_again(live: LiveDesk, incident: Incident, chats: list[Chat]) -> None:
    first = opened(live, incident, chats[0])
    with live.services.database.begin() as session:
        now = live.services.clock.now()
        other = incident_work.propose(session, {"en": "Other"}, {}, [], [talk_id(live, chats[1])], now, now)
    second = opened(live, other, chats[1])
    assert post(live, second, "merge", into=first.public_id) == 303
    assert "Undo the merge" in live.browser(Role.AGENT).get(f"/incidents/{first.public_id}").text
    assert post(live, second, "again") == 303
    assert now_of(live, second).state is IncidentState.OPEN


def test_a_dismissal_can_be_taken_back_and_is_on_record(live: LiveDesk, incident: Incident) -> None:
    assert post(live, incident, "dismiss") == 303
    assert "Propose it again" in live.browser(Role.AGENT).get(f"/incidents/{incident.public_id}").text
    assert post(live, incident, "again") == 303
    assert now_of(live, incident).state is IncidentState.PROPOSED
    with live.services.database.read() as session:
        target = f"incident:{incident.id}"
        deeds = list(session.scalars(select(AuditRow.action).where(AuditRow.target == target).order_by(AuditRow.id)))
    assert deeds == ["dismissed_incident", "proposed_incident_again"]


def test_deciding_twice_says_that_somebody_was_quicker(live: LiveDesk, incident: Incident) -> None:
    opened(live, incident)
    assert post(live, incident, "open", urgency="high", **TEXTS) == 409
    assert post(live, incident, "dismiss") == 409


def test_the_parents_conversation_leads_to_its_incident(live: LiveDesk, incident: Incident, chats: list[Chat]) -> None:
    found = opened(live, incident, *chats)
    with live.services.database.read() as session:
        parent = incidents.parent_conversation(session, found)
        assert parent is not None
        public_id = conversations.get(session, parent).public_id
    client = live.browser(Role.AGENT)
    assert (
        client.get(f"/inbox/{public_id}", follow_redirects=False).headers["location"] == f"/incidents/{found.public_id}"
    )
    assert client.post(f"/inbox/{public_id}/reply", data={"text": "hello"}).status_code == 422


def test_an_unknown_incident_is_not_found(live: LiveDesk) -> None:
    client = live.browser(Role.AGENT)
    assert client.get("/incidents/nope").status_code == 404
    assert client.post("/incidents/nope/dismiss").status_code == 404


def test_texts_of_customers_and_staff_are_never_read_as_html(live: LiveDesk, incident: Incident) -> None:
    bad = "<script>alert(1)</script>"
    form = dict.fromkeys(TEXTS, bad)
    assert post(live, incident, "open", urgency="high", **form) == 303
    page = live.browser(Role.AGENT).get(f"/incidents/{incident.public_id}").text
    assert bad not in page
    assert "alert(1)" in words(page)
