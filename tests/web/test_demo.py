"""`firstline demo`: the play goes through the real doors, with and without a server."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from base.errors import Unavailable
from base.messages import Channel, Inbound
from base.settings import Settings
from bot.models import OutcomeKind
from desk.models import Author, ConversationState, TicketState, Urgency
from desk.tables import ConversationRow, TicketRow, TurnRow
from tests import articles
from tests.live import running
from web.commands.demo import NothingToAnswerFrom, run_demo
from web.demo import play
from web.demo.doors import EngineVisit
from web.demo.play import PEOPLE, PLAY
from web.demo.setup import load_articles
from web.demo_questions import DEMO_QUESTIONS
from web.wiring import Services

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture
def quiet_port(settings: Settings) -> Settings:
    """The settings with a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return settings.model_copy(update={"port": probe.getsockname()[1]})


def count(services: Services, row: type, *where: object) -> int:
    with services.database.read() as session:
        return int(session.scalar(select(func.count()).select_from(row).where(*where)) or 0)  # type: ignore[arg-type]


def test_everybody_of_the_play_speaks_and_is_known() -> None:
    assert {line.who for line in PLAY} == set(PEOPLE)
    assert len(PEOPLE) == 12
    assert {person.lang for person in PEOPLE.values()} == {"zh", "en"}
    assert {play.ANSWERED_BY_STAFF, play.SOLVED_BY_STAFF} <= set(PEOPLE)


def test_what_the_demo_page_offers_to_ask_is_answered(services: Services) -> None:
    load_articles(services)
    found = {}
    for lang, offered in DEMO_QUESTIONS.items():
        for _, text in offered:
            said = Inbound(Channel.WEBCHAT, text, text, text, text, services.clock.now(), locale=lang)
            found[text] = services.engine.ask(said)
    *questions, outage = (text for _, text in DEMO_QUESTIONS["en"])
    *zh_questions, zh_outage = (text for _, text in DEMO_QUESTIONS["zh"])
    assert {text: found[text].kind for text in (*questions, *zh_questions)} == dict.fromkeys(
        (*questions, *zh_questions), OutcomeKind.ANSWER
    )
    for text in (outage, zh_outage):
        triage = found[text].triage
        assert triage is not None
        assert (found[text].kind, triage.urgency) == (OutcomeKind.TICKET, Urgency.URGENT)


def test_without_a_server_the_customers_are_answered_by_the_engine(
    make_services: Callable[..., Services], quiet_port: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    services = make_services()
    articles.load(services, tmp_path)
    run_demo(quiet_port, fast=True)
    said = capsys.readouterr().out
    assert "straight through the engine" in said
    assert all(f"{PEOPLE[line.who].name} ▸ {line.text}" in said for line in PLAY)
    assert count(services, ConversationRow) == len(PEOPLE)
    assert count(services, TurnRow, TurnRow.author == Author.CUSTOMER) == len(PLAY)
    assert count(services, TurnRow, TurnRow.author == Author.BOT) == len(PLAY)


def test_a_colleague_answers_one_customer_and_solves_anothers_ticket(
    make_services: Callable[..., Services], quiet_port: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    services = make_services()
    articles.load(services, tmp_path)
    run_demo(quiet_port, fast=True)
    assert "Demo administrator (shown once)" in capsys.readouterr().out
    assert count(services, TurnRow, TurnRow.author == Author.STAFF, TurnRow.text == play.STAFF_REPLY) == 1
    assert count(services, ConversationRow, ConversationRow.state == ConversationState.STAFF) == 1
    assert count(services, TicketRow, TicketRow.state == TicketState.RESOLVED) == 1


def test_the_outage_is_urgent_and_the_wish_for_a_person_a_ticket(
    make_services: Callable[..., Services], quiet_port: Settings, tmp_path: Path
) -> None:
    services = make_services()
    articles.load(services, tmp_path)
    for who, text in (("wang", PLAY[2].text), ("zhou", "别让机器人回复，我要找人工")):
        turns = EngineVisit(services, PEOPLE[who], f"demo-{who}").say(text)
        assert turns[-1]["ticket"]["urgency"] == ("urgent" if who == "wang" else "low")


def test_through_a_running_server_the_widgets_api_is_used(
    make_services: Callable[..., Services], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    services = make_services()
    articles.load(services, tmp_path)
    with running(services) as live:
        run_demo(services.settings.model_copy(update={"port": int(live.url.rpartition(":")[2])}), fast=True)
        said = capsys.readouterr().out
        assert f"Through the server at {live.url}" in said
        assert count(services, ConversationRow) == len(PEOPLE)
        assert count(services, TurnRow, TurnRow.author == Author.STAFF) == 1
        assert said.count("Firstline 一线 ◂") >= len(PLAY)


def test_an_empty_knowledge_base_says_what_to_do(
    make_services: Callable[..., Services], quiet_port: Settings, tmp_path: Path
) -> None:
    with pytest.raises(NothingToAnswerFrom) as nothing_there:
        run_demo(quiet_port, fast=True)
    assert str(quiet_port.data_dir) in nothing_there.value.fields["folder"]
    make_services()  # an installation now, but nothing in it
    with pytest.raises(NothingToAnswerFrom):
        run_demo(quiet_port, fast=True)


def test_a_server_that_does_not_answer_is_named_as_the_trouble(
    make_services: Callable[..., Services], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.demo.doors.ANSWER_SECONDS", 0.3)
    services = make_services(worker="off")
    articles.load(services, tmp_path)
    with running(services) as live, pytest.raises(Unavailable) as caught:
        run_demo(services.settings.model_copy(update={"port": int(live.url.rpartition(":")[2])}), fast=True)
    assert caught.value.code == "demo_no_answer"
