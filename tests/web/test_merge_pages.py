"""Merging in the inbox: chosen on the card, asked on a page of its own, done, shown on both sides, undone."""

from __future__ import annotations

import re
import secrets

import httpx
import pytest
from sqlalchemy import select

from desk import tickets
from desk.models import Role, TicketState
from desk.tables import ConversationRow, TicketRow
from tests.live import LiveDesk, by_mail

PERSON = "I want to talk to a person"


def ticket_of(live: LiveDesk, public_id: str) -> TicketRow:
    query = (
        select(TicketRow)
        .join(ConversationRow, ConversationRow.id == TicketRow.conversation_id)
        .where(ConversationRow.public_id == public_id)
        .order_by(TicketRow.id.desc())
    )
    with live.services.database.read() as session:
        row = session.scalars(query).first()
        assert row is not None
        session.expunge(row)
        return row


def name_of(live: LiveDesk, public_id: str) -> str:
    return f"FL-{ticket_of(live, public_id).number}"


def card(agent: httpx.Client, public_id: str) -> str:
    return agent.get(f"/inbox/{public_id}").text.partition('id="merge-title"')[2].partition("</section>")[0]


@pytest.fixture
def agent(live: LiveDesk) -> httpx.Client:
    return live.browser(Role.AGENT)


def test_two_of_one_customer_are_merged_and_parted(live: LiveDesk, agent: httpx.Client) -> None:
    sender = f"wang{secrets.token_hex(4)}@customers.example"
    one, two = (by_mail(live, f"{PERSON} about the {thing}", sender) for thing in ("scanner", "badge printer"))
    assert f"/inbox/{one}/merge?into={two}" in card(agent, one)

    asked = agent.get(f"/inbox/{one}/merge", params={"into": name_of(live, two).lower()}).text
    assert "These are two customers" not in asked
    assert f"{name_of(live, one)} is withdrawn. {name_of(live, two)} is owed instead" in asked
    assert ticket_of(live, one).state != TicketState.CANCELLED

    done = agent.post(f"/inbox/{one}/merge", data={"into": two})
    assert (done.status_code, done.headers["location"]) == (303, f"/inbox/{two}?view=all")
    ended, goes_on = agent.get(f"/inbox/{one}").text, agent.get(f"/inbox/{two}").text
    assert "This conversation was merged" in ended
    assert f"/inbox/{two}?view=all" in ended
    assert "Withdrawn: merged with another one" in ended
    assert 'name="text"' not in ended
    assert f"/inbox/{one}?view=all" in goes_on
    assert agent.post(f"/inbox/{one}/reply", data={"text": "hello"}).status_code == 409

    undo = re.search(rf"/inbox/{two}/merge/\d+/undo", goes_on)
    assert undo is not None
    assert agent.post(undo.group()).status_code == 303
    assert agent.post(undo.group()).status_code == 409
    assert 'name="text"' in agent.get(f"/inbox/{one}").text
    assert ticket_of(live, one).state == TicketState.NEW


def test_of_two_customers_the_page_says_who_is_answered_before_it_is_done(live: LiveDesk, agent: httpx.Client) -> None:
    target = by_mail(live, f"{PERSON}: the till is broken", "wang-c@customers.example")
    with live.services.database.read() as session:
        row = session.scalars(select(ConversationRow).where(ConversationRow.public_id == target)).one()
        thread = row.thread_id
    source = by_mail(live, "Same till here, I was in copy", "li-c@customers.example", follows=thread)
    assert re.findall(r"merge\?into=(\w+)", card(agent, source))[0] == target
    assert "its mail points at this one, of wang-c@customers.example" in card(agent, source)
    asked = agent.get(f"/inbox/{source}/merge?into={target}").text
    assert "Answers go to wang-c@customers.example only. li-c@customers.example gets none of them" in asked


def test_a_chat_is_where_it_goes_on_and_never_ends_in_another(live: LiveDesk, agent: httpx.Client) -> None:
    chat, mail = live.chat(), by_mail(live, f"{PERSON}: my card is lost")
    chat.ask(PERSON)
    window = chat.conversation_id()
    assert card(agent, window) == ""
    refused = agent.get(f"/inbox/{window}/merge?into={mail}")
    assert refused.status_code == 422
    assert "its window would stay silent" in refused.text
    assert agent.post(f"/inbox/{window}/merge", data={"into": mail}).status_code == 422
    assert "reads in the chat window" in agent.get(f"/inbox/{mail}/merge?into={window}").text
    assert agent.post(f"/inbox/{mail}/merge", data={"into": window}).status_code == 303
    assert "goes on here" in card(agent, window)


@pytest.mark.parametrize("into", ["", "FL-999999999", "0" * 24, "4711 or so", "' OR 1=1 --", "%00"])
def test_what_is_no_conversation_is_not_found_and_nothing_happens(
    live: LiveDesk, agent: httpx.Client, into: str
) -> None:
    one = by_mail(live, f"{PERSON}, my chair squeaks")
    assert agent.get(f"/inbox/{one}/merge", params={"into": into}).status_code == 422
    assert agent.post(f"/inbox/{one}/merge", data={"into": into}).status_code == 422
    assert agent.post(f"/inbox/{one}/merge", data={"into": one}).status_code == 422
    assert agent.get(f"/inbox/{'0' * 24}/merge", params={"into": one}).status_code == 404


def test_a_merge_of_others_is_not_undone_from_here(live: LiveDesk, agent: httpx.Client) -> None:
    one, two, three = (by_mail(live, f"{PERSON} number {n}") for n in range(3))
    agent.post(f"/inbox/{one}/merge", data={"into": two})
    undo = re.search(r"/merge/(\d+)/undo", card(agent, two))
    assert undo is not None
    assert agent.post(f"/inbox/{three}/merge/{undo[1]}/undo").status_code == 404
    assert agent.post(f"/inbox/{three}/merge/{'9' * 30}/undo").status_code in (404, 422)


def test_a_ticket_is_withdrawn_from_its_card_and_opens_again_when_they_write(
    live: LiveDesk, agent: httpx.Client
) -> None:
    chat = live.chat()
    chat.ask(PERSON)
    address = f"/inbox/{chat.conversation_id()}"
    assert "Withdraw this ticket" in agent.get(address).text
    before = len(chat.turns())
    assert agent.post(f"{address}/withdraw", data={"why": "customer"}).status_code == 303
    shown = agent.get(address).text
    assert "Withdrawn: the customer does not need it any more. Nothing is owed on it." in shown
    assert "Withdraw this ticket" not in shown
    assert 'class="u u-' not in shown.partition('id="head"')[2].partition("</header>")[0]
    assert len(chat.turns()) == before  # the customer is told nothing
    notes = shown.count("withdrew FL-")
    assert agent.post(f"{address}/withdraw").status_code == 303
    assert agent.get(address).text.count("withdrew FL-") == notes
    chat.ask("The scanner is broken after all, please send somebody")
    assert ticket_of(live, chat.conversation_id()).state == TicketState.OPEN


@pytest.mark.parametrize("why", ["merged", "x" * 400])
def test_only_a_person_s_reasons_withdraw(live: LiveDesk, agent: httpx.Client, why: str) -> None:
    one = by_mail(live, f"{PERSON}, a last time")
    assert agent.post(f"/inbox/{one}/withdraw", data={"why": why}).status_code == 422
    assert ticket_of(live, one).state == TicketState.NEW


def test_the_status_page_says_what_became_of_it_and_names_no_other_customer_s(
    live: LiveDesk, agent: httpx.Client
) -> None:
    sender = f"wang{secrets.token_hex(4)}@customers.example"
    mine, also = (by_mail(live, f"{PERSON} about {thing}", sender) for thing in ("a desk", "a lamp"))
    theirs, alone = by_mail(live, f"{PERSON} about a bin"), by_mail(live, f"{PERSON} about a plant")
    agent.post(f"/inbox/{also}/merge", data={"into": mine})
    agent.post(f"/inbox/{theirs}/merge", data={"into": mine})
    agent.post(f"/inbox/{alone}/withdraw")
    said = {one: live.browser().get(f"/status/{ticket_of(live, one).public_id}").text for one in (also, theirs, alone)}
    assert f"it goes on as {name_of(live, mine)}." in said[also]
    assert "merged with another one and is looked after there" in said[theirs]
    assert name_of(live, mine) not in said[theirs]
    assert "nothing is owed on it any more" in said[alone]
    for page in said.values():
        assert "Withdrawn" in page
        assert "This ticket is solved" not in page


def test_a_withdrawn_ticket_is_open_no_more(live: LiveDesk, agent: httpx.Client) -> None:
    one = by_mail(live, f"{PERSON}, it is urgent")
    with live.services.database.read() as session:
        before = tickets.count_open(session)
    agent.post(f"/inbox/{one}/withdraw")
    with live.services.database.read() as session:
        assert tickets.count_open(session) == before - 1
