"""The report on urgency: who may open it, what it counts, in both languages."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from fastapi.testclient import TestClient
from sqlalchemy import select

from base.clock import mondays
from desk import csat, tickets
from desk.models import Role, TicketState
from desk.tables import ConversationRow, RatingRow, TicketRow
from tests.live import LiveDesk
from tests.web.test_zh_pages import assert_chinese, ids, say
from tests.web.test_zh_pages import desk as desk

CLAIM = "Our whole warehouse cannot ship, every scanner is offline and forty people stand still"


def correct(live: LiveDesk, level: str, reason: str) -> None:
    """A customer's claim, its ticket's level changed by a manager."""
    chat = live.chat()
    chat.ask(CLAIM)
    form = {"urgency": level, "reason": reason}
    answer = live.browser(Role.MANAGER).post(f"/inbox/{chat.conversation_id()}/urgency", data=form)
    assert answer.status_code < 400, answer.text


def test_only_who_leads_the_desk_may_open_it(live: LiveDesk) -> None:
    assert live.browser(Role.AGENT).get("/reports/triage").status_code == 403
    assert "/reports/triage" not in live.browser(Role.AGENT).get("/inbox").text
    assert "/reports/triage" in live.browser(Role.MANAGER).get("/inbox").text
    assert live.browser().get("/reports/triage").status_code in (303, 401)


def test_a_corrected_level_stands_there_with_what_the_assistant_had_seen(live: LiveDesk) -> None:
    correct(live, "normal", "<b>a test shop</b>")
    page = live.browser(Role.MANAGER).get("/reports/triage")
    assert page.status_code == 200
    assert CLAIM in page.text
    assert "&lt;b&gt;a test shop&lt;/b&gt;" in page.text
    assert "Weighted kappa" in page.text
    assert "Urgent" in page.text


def rate(live: LiveDesk, score: int) -> None:
    """A customer's ticket, solved and rated."""
    services, now = live.services, live.services.clock.now()
    number = live.chat().ask("I want to talk to a person")["ticket"]["name"].removeprefix("FL-")
    with services.database.begin() as session:
        found = session.scalar(select(TicketRow.id).where(TicketRow.number == int(number)))
        assert found is not None
        csat.rate(session, tickets.move(session, services.defaults, found, TicketState.RESOLVED, now), score, "", now)


def rated(live: LiveDesk, row: str) -> list[str]:
    """The cells of the row of ratings that begins with this."""
    table = live.browser(Role.MANAGER).get("/reports/triage").text.partition('id="ratings"')[2].partition("</table>")[0]
    [line] = re.findall(rf'<th scope="row">{row}</th>(.*)</tr>', table)
    return re.findall(r'<td class="num">(?:<b>)?([^<]*)', line)


def test_the_ratings_of_the_same_weeks_stand_above_it(live: LiveDesk) -> None:
    with live.services.database.begin() as session:
        session.query(RatingRow).delete()  # of other tests on this server
    weeks = mondays(live.services.clock.now(), ZoneInfo(live.services.settings.timezone), 8)
    assert [rated(live, str(week)) for week in weeks[1:]] == [["0", "–", "–"]] * 7
    for score in (5, 4, 4, 1):
        rate(live, score)
    assert rated(live, str(weeks[0])) == rated(live, "Together") == ["4", "3.5", "75%"]


def test_it_is_chinese_for_who_reads_chinese(desk: TestClient) -> None:
    assert_chinese(desk, "/reports/triage")
    say(desk, "整个仓库的扫码枪都离线了，四十个人站着没法发货")
    (talk,) = ids(desk, ConversationRow)
    form = {"urgency": "normal", "reason": "只是演练"}
    assert desk.post(f"/inbox/{talk}/urgency", data=form).status_code == 200
    assert_chinese(desk, "/reports/triage")
    page = desk.get("/reports/triage").text
    assert "只是演练" in page
    assert "整个仓库" in page
    assert "加权 kappa" in page
    assert "客户评价" in page
