"""Why this answer? The page and the API for staff: what the record says, and what has become of it since."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from base.i18n import N_, translate
from bot import policy
from bot.guard import Remark
from bot.model_writer import ModelWriter, make_chat_model
from bot.models import OutcomeKind
from desk.models import Role
from desk.tables import ConversationRow, TurnRow
from ingest.pipeline import IngestOptions
from ingest.sources import walk
from kb import store
from tests import articles
from tests.bot.chat_server import Script, serve
from tests.live import Chat, LiveDesk, read_events
from tests.web.test_xss import assert_dead
from tests.web.test_zh_pages import desk as desk
from tests.web.test_zh_pages import english_in, say
from web.answer_record import chosen_after
from web.deps import Running
from web.why_words import FAULTS, OUTCOME_NAMES, REASONS

HOTEL = "VPN error 809 when connecting from a hotel"


@pytest.fixture
def agent(live: LiveDesk) -> httpx.Client:
    return live.browser(Role.AGENT)


@pytest.fixture
def api(live: LiveDesk) -> httpx.Client:
    return live.browser(Role.AGENT, Accept="application/json")


@pytest.fixture
def unsure(live: LiveDesk) -> Iterator[None]:
    """Nothing is sure enough for an answer: the assistant asks which article is meant, whatever else was uploaded."""
    thinker = live.services.thinker
    kept = thinker._settings
    thinker._settings = kept.model_copy(update={"answer_confidence": 1.0, "clarify_confidence": 0.0})
    yield
    thinker._settings = kept


def why(client: httpx.Client, chat: Chat, seq: int) -> str:
    answer = client.get(f"/inbox/{chat.conversation_id()}/answers/{seq}")
    assert answer.status_code == 200
    return answer.text


def test_every_turn_of_the_assistant_leads_to_its_record(live: LiveDesk, agent: httpx.Client) -> None:
    chat = live.chat()
    seqs = [chat.ask(text)["seq"] for text in (HOTEL, "thanks", "I want to talk to a person")]
    html = agent.get(f"/inbox/{chat.conversation_id()}").text
    assert re.findall(r'href="/inbox/\w+/answers/(\d+)"', html) == [str(seq) for seq in seqs]


def test_an_answer_explains_itself(live: LiveDesk, agent: httpx.Client) -> None:
    chat = live.chat()
    html = why(agent, chat, chat.ask(HOTEL)["seq"])
    for words in (
        "What was found supports an answer", "sure enough for an answer", "answers from 50%", "asks back from 5%",
        "wrong among the answers given", "Stands word for word in version 1.", "quoted as", "as it was written",
        "quoting/2", policy.VERSION, "multilingual-e5-small", "byte for byte", "Meaning computed", "firstline replay",
    ):  # fmt: skip
        assert words in html, words
    assert "?version=1" in html


def test_a_message_that_needs_no_search_says_so(live: LiveDesk, agent: httpx.Client) -> None:
    chat = live.chat()
    html = why(agent, chat, chat.ask("I want to talk to a person")["seq"])
    assert "The customer wants a person." in html
    assert "Nothing was searched for this message." in html
    assert 'class="gauge' not in html


@pytest.mark.usefixtures("unsure")
def test_what_was_offered_and_what_was_chosen_stand_in_the_transcript(live: LiveDesk, agent: httpx.Client) -> None:
    chat = live.chat()
    asked = chat.ask(HOTEL)
    address = f"/inbox/{chat.conversation_id()}"
    offered = re.compile(r'<ul class="offered".*?</ul>', re.S)
    before = offered.search(agent.get(address).text)
    assert before is not None
    assert HOTEL in before.group()
    assert 'class="on"' not in before.group()
    button = asked["quick_replies"][0]
    chosen = chat.ask(button["label"], action=button["action"])
    after = offered.search(agent.get(address).text)
    assert after is not None
    assert re.search(r'<li class="on">.*?' + HOTEL, after.group(), re.S)
    assert "offered, and chosen by the customer" in why(agent, chat, asked["seq"])
    html = why(agent, chat, chosen["seq"])
    assert "The customer chose this article" in html
    assert f"chose “{HOTEL}”" in html


@pytest.mark.usefixtures("unsure")
def test_a_typed_choice_counts_as_one(live: LiveDesk, api: httpx.Client) -> None:
    chat = live.chat()
    asked = chat.ask(HOTEL)
    chat.ask("1")
    record = api.get(f"/api/v1/conversations/{chat.conversation_id()}/answers/{asked['seq']}").json()
    assert [choice["chosen"] for choice in record["choices"]] == [True] + [False] * (len(record["choices"]) - 1)
    assert chosen_after([]) == ""


def test_the_api_gives_the_same_record(live: LiveDesk, api: httpx.Client) -> None:
    chat = live.chat()
    asked = chat.ask(HOTEL)
    address = f"/api/v1/conversations/{chat.conversation_id()}/answers/{asked['seq']}"
    record = api.get(address).json()
    assert (record["outcome"], record["reason"], record["lang"]) == ("answer", "supported", "en")
    assert record["queries"] == [HOTEL]
    best = record["candidates"][0]
    assert (best["rank"], best["source"]["title"], best["source"]["standing"]) == (1, HOTEL, "current")
    assert [quotation["stands"] for quotation in record["quotations"]] == [True] * len(record["quotations"])
    assert {n for candidate in record["candidates"] for n in candidate["citations"]} >= {1}
    assert record["thresholds"]["answer"] == live.services.settings.answer_confidence
    assert record["risk"]["answered"] > record["risk"]["wrong"]
    assert set(record["milliseconds"]) >= {"search", "answer"}
    in_chinese = api.get(address, headers={"Accept-Language": "zh-CN"}).json()["explanation"]
    assert in_chinese == translate(REASONS["supported"], "zh")
    described = api.get("/api/v1/openapi.json").json()
    schema = described["paths"]["/api/v1/conversations/{public_id}/answers/{seq}"]["get"]["responses"]["200"]
    assert schema["content"]["application/json"]["schema"]["$ref"].endswith("/AnswerRecordOut")


def test_what_is_no_answer_of_the_assistant_is_not_found(live: LiveDesk, api: httpx.Client) -> None:
    chat, other = live.chat(), live.chat()
    reply = chat.ask(HOTEL)
    other.ask("hello")
    found = f"/api/v1/conversations/{chat.conversation_id()}/answers/"
    assert api.get(f"{found}{reply['seq']}").status_code == 200
    for seq in (reply["seq"] - 1, 999, 2**53):
        assert api.get(f"{found}{seq}").status_code == 404
    assert api.get(f"/api/v1/conversations/{other.conversation_id()}/answers/40").status_code == 404
    assert api.get(f"{found}0").status_code == 422


def test_the_customer_of_the_conversation_never_sees_it(live: LiveDesk) -> None:
    chat = live.chat()
    reply = chat.ask(HOTEL)
    for path in ("/inbox/{}/answers/{}", "/api/v1/conversations/{}/answers/{}"):
        answer = live.browser(None, **chat.bearer).get(path.format(chat.conversation_id(), reply["seq"]))
        assert "confidence" not in answer.text
        assert answer.status_code in (303, 401)
    assert "candidates" not in str(chat.turns())


def test_hostile_words_stay_words(live: LiveDesk, agent: httpx.Client) -> None:
    chat = live.chat()
    html = why(agent, chat, chat.ask("PRN-21 <script>alert(1)</script> <img src=x onerror=alert(1)>")["seq"])
    assert_dead(html)
    assert "&lt;script&gt;alert(1)" in html


def test_a_damaged_or_foreign_record_is_no_error_of_the_page(live: LiveDesk, agent: httpx.Client) -> None:
    chat = live.chat()
    seq = chat.ask(HOTEL)["seq"]
    talk = chat.conversation_id()
    with live.services.database.begin() as session:
        row = session.scalar(select(TurnRow).where(TurnRow.id == chat.turns()[-1]["id"]))
        assert row is not None
        record = {name: row.payload["record"][name] for name in ("outcome", "reason", "lang")}
        payload = {**row.payload, "record": {**record, "fit": "fit/0"}}
        session.execute(update(TurnRow).where(TurnRow.id == row.id).values(payload=payload))
    html = why(agent, chat, seq)
    assert "What was found supports an answer" in html
    assert "Rebuilt from the record" not in html
    with live.services.database.begin() as session:
        session.execute(
            update(TurnRow).where(TurnRow.seq == seq, TurnRow.id == chat.turns()[-1]["id"]).values(payload={})
        )
    assert agent.get(f"/inbox/{talk}/answers/{seq}").status_code == 404
    assert "/answers/" not in agent.get(f"/inbox/{talk}").text


@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_a_model_wrote_and_was_not_said_is_shown(live: LiveDesk, agent: httpx.Client, lang: str) -> None:
    agent.cookies.set("firstline_lang", lang)
    thinker = live.services.thinker
    kept = thinker._writer
    with serve(Script(text="Buy a new router for 300 USD. [1]")) as base_url:
        model = make_chat_model("openai:small", base_url=base_url, api_key="", timeout_seconds=10, max_tokens=100)
        thinker._writer = ModelWriter(model, "openai:small", timeout_seconds=10, organisation="Haisong IT")
        try:
            chat = live.chat()
            seq = chat.ask(HOTEL)["seq"]
        finally:
            thinker._writer = kept
    html = why(agent, chat, seq)
    assert "Buy a new router for 300 USD." in html
    assert "model/1:openai:small" in html
    fault, unsaid = FAULTS["answer_not_grounded"], N_("Written by the model and left out: “{sentence}”: {reason}")
    assert translate(fault, lang) in html
    assert translate(unsaid, lang).partition("{")[0] in html
    assert lang == "en" or translate(fault, "zh") != fault


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_an_article_that_changed_or_went_since_is_named(desk: TestClient, tmp_path: Path) -> None:
    run: Running = desk.app.state.running  # type: ignore[attr-defined]
    say(desk, "在酒店连接 VPN 报错 809")
    talk, seq = _answer(run)
    page = f"/inbox/{talk}/answers/{seq}"
    assert "逐字" in desk.get(page).text or "word for word" in desk.get(page).text
    changed = {
        name: text.replace("三分之一", "一半").replace("酒店网络", "宾馆网络")
        for name, text in articles.ARTICLES.items()
    }
    articles.write(tmp_path / "changed", changed)
    run.services.pipeline.run(walk(tmp_path / "changed"), IngestOptions(collection="手册"))
    html = desk.get(page, headers={"Cookie": _english(desk)}).text
    assert "changed since: version 2 is the visible one now" in html
    assert "Version 2, the visible one now, no longer says it." in html
    old = re.search(r'href="(/knowledge/\w+\?version=1)"', html)
    assert old is not None
    assert "三分之一" in desk.get(old.group(1)).text
    assert "三分之一" not in desk.get(old.group(1).partition("?")[0]).text
    assert desk.get(old.group(1).replace("=1", "=9")).status_code == 404
    with run.services.database.begin() as session:
        article = old.group(1).split("/")[2].partition("?")[0]
        store.archive(session, run.services.keywords, article, run.services.clock.now())
    html = desk.get(page, headers={"Cookie": _english(desk)}).text
    assert "withdrawn since: customers can no longer see it" in html
    assert "The record leads to another text today." in html


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_no_english_on_the_page_for_a_reader_of_chinese(desk: TestClient) -> None:
    run: Running = desk.app.state.running  # type: ignore[attr-defined]
    say(desk, "在酒店连接 VPN 报错 809", "谢谢", "没有解决，还是连不上", "我要找真人")
    with run.services.database.read() as session:
        seqs = session.scalars(select(TurnRow.seq).where(TurnRow.author == "bot")).all()
    talk, _ = _answer(run)
    assert len(seqs) >= 3
    for seq in seqs:
        assert english_in(desk.get(f"/inbox/{talk}/answers/{seq}").text) == []


@pytest.mark.parametrize(
    "pattern", [r'Decision\(\s*OutcomeKind\.(\w+),\s*"(\w+)"', r'_(ticket|to_person)\(\s*case,\s*"(\w+)"']
)
def test_every_reason_of_the_policy_has_words(pattern: str) -> None:
    source = Path(policy.__file__).read_text(encoding="utf-8")
    found = {reason for kind, reason in re.findall(pattern, source) if kind != "SILENT"}
    assert found
    assert found | set(Remark) <= REASONS.keys()
    assert set(OUTCOME_NAMES) == set(OutcomeKind)


@pytest.mark.usefixtures("unsure")
def test_a_choice_shows_at_once_in_an_open_page(live: LiveDesk, agent: httpx.Client) -> None:
    chat = live.chat()
    asked = chat.ask(HOTEL)
    button = asked["quick_replies"][0]
    with agent.stream("GET", f"/inbox/events?view=all&conversation={chat.conversation_id()}") as stream:
        events = read_events(stream)
        assert next(events).name == "ready"
        chat.post(button["label"], action=button["action"])
        html = next(event.data for event in events if f"#turn-{asked['id']}" in event.data)
    redrawn = html.split(f'hx-target="#turn-{asked["id"]}"', 1)[1].split("</hx-partial>")[0]
    assert redrawn.startswith(' hx-swap="outerHTML"')
    assert '<li class="on">' in redrawn


def _answer(run: Running) -> tuple[str, int]:
    """(public id of the only conversation, seq of its first answer)."""
    with run.services.database.read() as session:
        talk = session.scalars(select(ConversationRow.public_id)).one()
        seq = session.scalars(select(TurnRow.seq).where(TurnRow.author == "bot").order_by(TurnRow.seq)).first()
    assert seq is not None
    return talk, seq


def _english(client: TestClient) -> str:
    return "; ".join([*(f"{name}={value}" for name, value in client.cookies.items()), "firstline_lang=en"])
