"""One customer, one history: the card shows every door and conversation, and two that are one person are joined and parted."""

from __future__ import annotations

from desk.models import Role
from tests.live import LiveDesk


def test_two_customers_are_joined_by_a_ticket_and_parted_again(live: LiveDesk) -> None:
    one, two = live.chat(), live.chat()
    one.ask("The scanner of the warehouse is broken, badge 8815")
    named = two.ask("I want to talk to a person about my invoice 5521")["ticket"]["name"]
    staff, page = live.browser(Role.AGENT), f"/inbox/{one.conversation_id()}"
    other = f"/inbox/{two.conversation_id()}"
    assert other not in staff.get(page).text.partition('id="side"')[2]

    assert staff.post(f"{page}/customer/join", data={"other": named.lower()}).status_code == 303
    for shown, linked in ((page, other), (other, page)):
        side = staff.get(shown).text.partition('id="side"')[2]
        assert linked in side
        assert "joined by a colleague" in side

    undo = staff.get(page).text.partition("/customer/part/")[2].partition('"')[0]
    assert staff.post(f"{page}/customer/part/{undo}").status_code == 303
    assert other not in staff.get(page).text.partition('id="side"')[2]
    assert staff.post(f"{page}/customer/part/{undo}").status_code in (404, 409)


def test_nobody_is_joined_with_themselves_or_with_nobody(live: LiveDesk) -> None:
    chat = live.chat()
    named = chat.ask("I want to talk to a person")["ticket"]["name"]
    staff, page = live.browser(Role.AGENT), f"/inbox/{chat.conversation_id()}"
    for other in (named, "FL-999999999", "nobody@customers.example", "", "4711 or so"):
        assert staff.post(f"{page}/customer/join", data={"other": other}).status_code == 422
    assert staff.post(f"/inbox/{'0' * 24}/customer/join", data={"other": named}).status_code == 404


def test_a_join_of_somebody_else_is_not_undone_from_here(live: LiveDesk) -> None:
    one, two, three = live.chat(), live.chat(), live.chat()
    names = [chat.ask("I want to talk to a person")["ticket"]["name"] for chat in (one, two, three)]
    staff, page = live.browser(Role.AGENT), f"/inbox/{one.conversation_id()}"
    staff.post(f"{page}/customer/join", data={"other": names[1]})
    undo = staff.get(page).text.partition("/customer/part/")[2].partition('"')[0]
    assert staff.post(f"/inbox/{three.conversation_id()}/customer/part/{undo}").status_code == 404
