"""The watch over what is reported: several customers with the same trouble become one proposal, whatever their language."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from base.clock import FixedClock
from base.messages import Channel
from base.settings import Settings
from bot.models import OutcomeKind
from bot.surge_watch import SurgeWatch
from desk import incident_updates, incident_work, incidents, staff, symptoms
from desk.incidents import Incident, IncidentState, MemberState
from desk.models import Author, Role, Urgency
from tests import articles
from tests.bot.conftest import Chat
from tests.conftest import MONDAY_MORNING
from tests.desk.made import PASSWORD, defaults
from web.markdown import text_html
from web.wiring import Services, build

OUTAGE = [
    "The ERP shows a white page since nine, I cannot book any goods",
    "ERP 打不开，一直白屏，入不了账",
    "ERP is down for me: blank page after login",
    "我们部门的 ERP 全是白屏，用不了",
]
TEXT = {"en": "ERP down", "zh": "ERP 故障"}
NOTICE = {"en": "The ERP is down, we are on it.", "zh": "ERP 有故障，正在处理。"}


@pytest.fixture
def desk(tmp_path: Path, model_cache: Path) -> Iterator[Services]:
    (tmp_path / "data").mkdir()
    model_cache.mkdir(parents=True, exist_ok=True)
    (tmp_path / "data" / "models").symlink_to(model_cache, target_is_directory=True)
    settings = Settings(data_dir=tmp_path / "data", port=8000, log_level="error", vector_index="exact")
    services = build(settings, clock=FixedClock(MONDAY_MORNING))
    articles.load(services, tmp_path / "articles")
    yield services
    services.close()


def reported(desk: Services, *texts: str, channel: Channel = Channel.CONSOLE) -> list[Chat]:
    chats = []
    for text in texts:
        chats.append(Chat(desk, channel))
        chats[-1].say(text)
    return chats


def live(desk: Services) -> list[Incident]:
    with desk.database.read() as session:
        return incidents.live(session)


def in_it(desk: Services, incident: Incident) -> set[int]:
    with desk.database.read() as session:
        found = incidents.members(session, incident)
    return {one.conversation_id for one in found if one.state is not MemberState.REMOVED}


def opened(desk: Services) -> Incident:
    (found,) = live(desk)
    with desk.database.begin() as session:
        ada = staff.add(session, "Ada", "ada@haisong.example", PASSWORD, Role.AGENT, desk.clock.now())
        chosen = sorted(in_it(desk, found))
        incident_work.open_incident(
            session, defaults(), found, ada, TEXT, NOTICE, Urgency.HIGH, chosen, desk.clock.now()
        )
        return incidents.by_id(session, found.id)


def test_the_same_trouble_in_two_languages_on_two_channels_is_one_proposal(desk: Services) -> None:
    chats = reported(desk, *OUTAGE[:2]) + reported(desk, *OUTAGE[2:], channel=Channel.WEBCHAT)
    assert desk.surge.look() > 0
    (found,) = live(desk)
    assert found.state is IncidentState.PROPOSED
    assert "erp" in found.objects
    assert found.title["zh"].startswith("多位客户反映")
    assert in_it(desk, found) == {chat.conversation().id for chat in chats}


def test_two_customers_are_no_surge_and_one_customer_never_is(desk: Services) -> None:
    reported(desk, *OUTAGE[:2])
    angry = Chat(desk)
    for text in OUTAGE[:1] * 4:
        angry.say(text)
    desk.surge.look()
    with desk.database.read() as session:
        assert len(symptoms.after(session, 0, MONDAY_MORNING - timedelta(days=1), 100)) > 3
    found = live(desk)
    assert found == [] or len(in_it(desk, found[0])) == 3  # two and the angry one are three customers


def test_different_troubles_are_no_incident(desk: Services) -> None:
    reported(
        desk, "My mouse is dead", "打印机卡纸了", "I cannot log in to payroll, wrong password", "会议室投影没有画面",
        "The invoice of May is charged twice",
    )  # fmt: skip
    desk.surge.look()
    assert live(desk) == []


def test_questions_and_thanks_report_nothing(desk: Services) -> None:
    reported(desk, "How do I install the VPN?", "谢谢", "When does the service desk open?", "I want a person")
    with desk.database.read() as session:
        assert symptoms.after(session, 0, MONDAY_MORNING - timedelta(days=1), 100) == []


def test_what_was_reported_long_ago_does_not_count(desk: Services) -> None:
    reported(desk, *OUTAGE[:2])
    assert isinstance(desk.clock, FixedClock)
    desk.clock.advance(minutes=61)
    reported(desk, OUTAGE[2])
    desk.surge.look()
    assert live(desk) == []


def test_a_later_report_joins_the_proposal_and_is_asked_about_only_once(desk: Services) -> None:
    reported(desk, *OUTAGE[:3])
    desk.surge.look()
    (found,) = live(desk)
    (late,) = reported(desk, OUTAGE[3])
    desk.surge.look()
    assert late.conversation().id in in_it(desk, found)
    late.say("ERP 还是白屏")
    assert desk.surge.look() == 0
    assert len(live(desk)) == 1


def test_what_was_dismissed_is_not_proposed_again(desk: Services) -> None:
    chats = reported(desk, *OUTAGE)
    desk.surge.look()
    (found,) = live(desk)
    with desk.database.begin() as session:
        ada = staff.add(session, "Ada", "ada@haisong.example", PASSWORD, Role.AGENT, desk.clock.now())
        incident_work.dismiss(session, found, ada, desk.clock.now())
    for chat in chats:
        chat.say("ERP 还是白屏，用不了")
    desk.surge.look()
    assert live(desk) == []


def test_another_process_that_looks_too_finds_the_work_done(desk: Services) -> None:
    reported(desk, *OUTAGE)
    other = SurgeWatch(desk.settings, desk.database, desk.clock)
    assert desk.surge.look() > 0
    assert other.look() == 0
    assert len(live(desk)) == 1


def test_the_watch_can_be_switched_off(desk: Services) -> None:
    reported(desk, *OUTAGE)
    off = desk.settings.model_copy(update={"surge_customers": 0})
    assert SurgeWatch(off, desk.database, desk.clock).look() == 0
    assert live(desk) == []


def test_a_customer_with_the_same_trouble_is_told_and_may_join(desk: Services) -> None:
    reported(desk, *OUTAGE)
    desk.surge.look()
    found = opened(desk)
    late = Chat(desk)
    outcome = late.say("ERP 白屏，打不开了")
    assert NOTICE["zh"] in outcome.text
    assert "<strong>已知问题</strong>：ERP" in text_html(outcome.text)
    same, other, *_ = late.turns()[-1].payload["quick_replies"]
    assert (same["label"], other["label"]) == ("我也是这个问题", "是别的问题")
    joined = late.say("", action=same["action"])
    assert (joined.kind, joined.reason) == (OutcomeKind.TICKET, "same_incident")
    assert joined.ticket
    assert late.conversation().id in in_it(desk, found)
    assert NOTICE["zh"] not in late.say("ERP 还是打不开").text  # told once


def test_typing_me_too_is_the_same_as_pressing(desk: Services) -> None:
    reported(desk, *OUTAGE)
    desk.surge.look()
    found = opened(desk)
    late = Chat(desk)
    late.say("The ERP is a blank page, I cannot work")
    assert late.say("same here, thanks").reason == "same_incident"
    assert late.conversation().id in in_it(desk, found)


def test_whoever_has_another_problem_is_left_alone_from_then_on(desk: Services) -> None:
    reported(desk, *OUTAGE)
    desk.surge.look()
    found = opened(desk)
    late = Chat(desk)
    late.say("The ERP prints my invoices with the wrong date, it is broken")
    outcome = late.say("something else")
    assert outcome.reason == "not_incident"
    assert late.conversation().id not in in_it(desk, found)
    desk.surge.look()
    assert late.conversation().id not in in_it(desk, found)


def test_a_question_about_the_thing_is_answered_under_the_notice(desk: Services) -> None:
    reported(desk, *["VPN is down with error 809, I cannot connect"] * 2, *["VPN 连不上，报错 809"] * 2)
    desk.surge.look()
    opened(desk)
    outcome = Chat(desk).say("What does VPN error 809 mean?")
    assert NOTICE["en"] in outcome.text
    assert outcome.kind is OutcomeKind.ANSWER
    assert outcome.citations


def test_whoever_wants_a_person_gets_one_also_during_an_incident(desk: Services) -> None:
    reported(desk, *OUTAGE)
    desk.surge.look()
    opened(desk)
    late = Chat(desk)
    outcome = late.say("ERP is down, let me talk to a person please")
    assert (outcome.kind, outcome.reason) == (OutcomeKind.TICKET, "wants_human")


def test_a_button_of_an_incident_merged_since_joins_the_one_it_was_merged_into(desk: Services) -> None:
    reported(desk, *OUTAGE)
    desk.surge.look()
    found = opened(desk)
    late = Chat(desk)
    late.say("ERP 白屏，打不开了")
    same = late.turns()[-1].payload["quick_replies"][0]["action"]
    now = desk.clock.now()
    with desk.database.begin() as session:
        ada = staff.list_all(session)[0]
        other = incident_work.propose(session, TEXT, NOTICE, ["erp"], [], now, now)
        incident_work.open_incident(session, defaults(), other, ada, TEXT, NOTICE, Urgency.HIGH, [], now)
        other = incidents.by_id(session, other.id)
        incident_work.merge(session, found, other, ada, now)
    assert late.say("", action=same).reason == "same_incident"
    assert late.conversation().id in in_it(desk, other)


def test_nobody_is_promised_news_of_an_incident_that_is_over(desk: Services) -> None:
    reported(desk, *OUTAGE)
    desk.surge.look()
    found = opened(desk)
    late = Chat(desk)
    late.say("The ERP is a blank page, I cannot work")
    same = late.turns()[-1].payload["quick_replies"][0]["action"]
    with desk.database.begin() as session:
        ada = staff.list_all(session)[0]
        incident_updates.write(
            session, defaults(), found, ada, {"en": "Solved", "zh": "已解决"}, desk.clock.now(), resolves=True
        )
    outcome = late.say("", action=same)
    assert (outcome.kind, outcome.reason, outcome.ticket != "") == (OutcomeKind.TICKET, "incident_over", True)
    assert "list of those affected" not in outcome.text
    assert late.conversation().id not in in_it(desk, found)


def test_a_pressed_button_of_an_incident_that_is_over_or_unknown_still_gives_a_ticket(desk: Services) -> None:
    chat = Chat(desk)
    chat.say("The ERP is a blank page")
    outcome = chat.say("", action="same:000000000000000000000000")
    assert (outcome.kind, outcome.ticket != "") == (OutcomeKind.TICKET, True)
    assert [turn.author for turn in chat.turns()][-1] is Author.BOT
