"""A reader of Chinese finds no English on any page: the real app renders each, and its texts are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from desk import staff
from desk.models import Role
from desk.tables import ConversationRow, IncidentRow, TicketRow
from kb.tables import ArticleRow
from tests import articles
from web.app import create_app
from web.deps import Running
from web.wiring import Services

PASSWORD = "correct-horse-2026"
HEADERS = {"Accept-Language": "zh-CN,zh;q=0.9", "Accept": "text/html", "Origin": "http://testserver"}
# The same in both languages: names (one is a collection's), file types, keys, and what languages call themselves.
NAMES = {
    *("firstline", "haisong", "telegram", "slack", "whatsapp", "english", "en", "ctrl", "it", "erp", "vpn"),
    *("general", "markdown", "html", "pdf", "word", "excel", "csv", "txt", "docx", "xlsx"),
}
CORPUS = " ".join(
    re.sub(r"[#*`]|\d+\. ", "", " ".join([*articles.ARTICLES.values(), *articles.INTERNAL.values()])).split()
)
_SENTENCE = re.compile(r"(?:\b[A-Za-z][a-z']+[ ,]+){3,}[a-z']+")
_WORD = re.compile(r"[A-Za-z]{2,}")
_HAN = re.compile(r"[\u3400-\u9fff]")
_SHOWN_ATTRIBUTES = ("title", "aria-label", "placeholder", "alt")
_VOID = {"meta", "link", "input", "br", "hr", "img", "wbr", "col", "source"}


class _Reader(HTMLParser):
    """Collects what a reader sees or hears, without scripts and without what is marked as English."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[tuple[str, bool]] = []

    @property
    def _chinese(self) -> bool:
        return self._open[-1][1] if self._open else True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        lang = given.get("lang")
        read = self._chinese if lang is None else lang.startswith("zh")
        read = read and tag not in ("script", "style", "code")
        if read:
            said = [given.get(name) for name in _SHOWN_ATTRIBUTES]
            said += [
                text for name, text in attrs if name.startswith("data-") and name != "data-text" and " " in (text or "")
            ]
            self.texts += [text for text in said if text]
        if tag not in _VOID:
            self._open.append((tag, read))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            if self._open.pop()[0] == tag:
                return

    def handle_data(self, data: str) -> None:
        if self._chinese and data.strip():
            self.texts += " ".join(data.split()).split(" · ")


def english_in(html: str) -> list[str]:
    """The texts with four English words in a row, or with no Chinese at all. Quotations from articles are none."""
    reader = _Reader()
    reader.feed(html)
    return [text for text in map(_without_quotations, reader.texts) if _SENTENCE.search(text) or _is_english(text)]


def _without_quotations(text: str) -> str:
    text = re.sub(r"“([^”]+)”", lambda found: "" if found[1] in CORPUS else found[0], text)
    plain = " ".join(re.sub(r"\[\d\]|\*\*", "", text).split())
    return "" if len(plain.split()) > 2 and plain in CORPUS else text


def _is_english(text: str) -> bool:
    if _HAN.search(text) or re.search(r"[@/_\d]|\.\w", text):
        return False
    return any(word.lower() not in NAMES for word in _WORD.findall(text))


@pytest.fixture
def desk(make_services: Callable[..., Services], tmp_path: Path) -> TestClient:
    """The app with a knowledge base and one member of staff, who is signed in."""
    services = make_services(worker="off")
    articles.load(services, tmp_path / "articles", collection="手册")
    with services.database.begin() as session:
        staff.add(session, "王琳", "wang@haisong.example", PASSWORD, Role.ADMIN, services.clock.now(), "zh")
    client = TestClient(create_app(services), headers=HEADERS)
    answer = client.post(
        "/signin", data={"email": "wang@haisong.example", "password": PASSWORD}, follow_redirects=False
    )
    assert answer.status_code == 303
    return client


def say(client: TestClient, *texts: str) -> list[str]:
    """A customer writes in a new chat window; the replies come back as text."""
    run: Running = client.app.state.running  # type: ignore[attr-defined]
    opened = client.post("/api/v1/chat/sessions", json={"lang": "zh"}).json()
    bearer = {"Authorization": f"Bearer {opened['session']}"}
    for number, text in enumerate(texts):
        sent = client.post("/api/v1/chat/messages", json={"client_id": f"m{number}", "text": text}, headers=bearer)
        assert sent.status_code == 202
        run.worker.answer_one()
    turns = client.get("/api/v1/chat/turns", headers=bearer).json()["turns"]
    return [opened["greeting"], *(turn["text"] for turn in turns)]


def ids(client: TestClient, table: type) -> list[str]:
    run: Running = client.app.state.running  # type: ignore[attr-defined]
    with run.services.database.read() as session:
        return list(session.scalars(select(table.public_id)))  # type: ignore[attr-defined]


def assert_chinese(client: TestClient, *paths: str, status: int = 200) -> None:
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == status, path
        assert '<html lang="zh-CN"' in answer.text
        assert english_in(answer.text) == [], path


def test_the_reader_finds_english_and_leaves_names_and_quotations_alone() -> None:
    assert english_in('<p>请稍候</p><p title="Please wait a moment">好</p>') == ["Please wait a moment"]
    assert english_in("<button>Send</button>") == ["Send"]
    assert english_in('<p>Firstline</p><p lang="en">Please wait a moment</p><br><b>zh/vpn.md</b>') == []


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_no_english_on_the_pages_of_customers(desk: TestClient) -> None:
    say(desk, "全公司都登不上 ERP，今天还要月结")
    assert_chinese(desk, "/demo", *(f"/status/{one}" for one in ids(desk, TicketRow)))
    run: Running = desk.app.state.running  # type: ignore[attr-defined]
    with run.services.database.read() as session:
        public = session.scalars(select(ArticleRow.public_id).where(ArticleRow.audience == "public")).all()
    assert_chinese(desk, *(f"/articles/{one}" for one in public))
    assert_chinese(desk, "/articles/none", "/status/none", "/nothing-here", status=404)


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_no_english_in_the_inbox(desk: TestClient) -> None:
    assert_chinese(desk, "/inbox", "/inbox?view=mine", "/inbox?view=all&q=没有这个词")
    say(desk, "全公司都登不上 ERP，今天还要月结", "我要找真人")
    say(desk, "在酒店连接 VPN 报错 809", "没有解决，还是连不上")
    say(desk, "食堂今天吃什么？")
    talks = ids(desk, ConversationRow)
    assert_chinese(desk, "/inbox?view=all", *(f"/inbox/{one}" for one in talks))
    for act, form in (
        ("assign", {"staff": "me"}), ("reply", {"text": "您好，正在处理。", "kind": "reply"}),
        ("reply", {"text": "查过日志", "kind": "note"}), ("urgency", {"urgency": "high", "reason": "影响变大"}),
        ("release", {}), ("resolve", {"root_cause": "证书过期", "solution": "已更新证书"}),
    ):  # fmt: skip
        for one in talks:
            answer = desk.post(f"/inbox/{one}/{act}", data=form)
            assert english_in(answer.text) == [], act
    assert_chinese(desk, *(f"/inbox/{one}" for one in talks), *(f"/status/{one}" for one in ids(desk, TicketRow)))


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_no_english_on_the_pages_of_incidents(desk: TestClient) -> None:
    assert_chinese(desk, "/incidents")
    for text in ("ERP 打不开，一直白屏", "ERP 白屏，入不了账", "我们部门的 ERP 全是白屏，用不了"):
        say(desk, text)
    run: Running = desk.app.state.running  # type: ignore[attr-defined]
    assert run.services.surge.look() > 0
    (incident,) = ids(desk, IncidentRow)
    assert_chinese(desk, "/inbox", "/incidents", f"/incidents/{incident}")
    talks = ids(desk, ConversationRow)
    texts = {"title_en": "ERP", "title_zh": "ERP 故障", "notice_en": "ERP", "notice_zh": "正在处理。"}
    form = {"urgency": "high", "chosen": talks[:2], **texts}
    assert desk.post(f"/incidents/{incident}/open", data=form).status_code == 200
    assert "正在处理。" in say(desk, "ERP 白屏，打不开了")[-1]
    assert desk.post(f"/incidents/{incident}/tell", data={"text_zh": "修好一半", "text_en": "ERP"}).status_code == 200
    assert run.worker.tell_some() > 0
    assert_chinese(desk, f"/incidents/{incident}", f"/inbox/{talks[0]}", "/inbox?view=all")
    for deed, form in (("dismiss", {}), ("members", {"ticket": "FL-99999"}), ("tell", {"text_en": "only"})):
        answer = desk.post(f"/incidents/{incident}/{deed}", data=form)
        assert answer.status_code in (409, 422)
        assert english_in(answer.text) == [], deed


def test_no_english_in_the_knowledge_base(desk: TestClient) -> None:
    assert_chinese(desk, "/knowledge", "/knowledge?q=没有这个词", "/knowledge/upload")
    for one in ids(desk, ArticleRow):
        assert_chinese(desk, f"/knowledge/{one}")
        desk.post(f"/knowledge/{one}/archive")
        assert_chinese(desk, f"/knowledge/{one}")
    files = [
        ("files", ("新文章.md", "# 自行车柜\n\n钥匙在 1 号楼前台领取，押金 50 元。\n".encode(), "text/markdown")),
        ("files", ("空的.md", b"", "text/markdown")),
        ("files", ("坏的.pdf", b"%PDF-1.7 nonsense", "application/pdf")),
        ("files", ("程序.exe", b"MZ", "application/octet-stream")),
    ]
    answer = desk.post("/knowledge/upload", files=files, data={"collection": "手册"})
    assert answer.status_code == 200
    assert "自行车柜" in answer.text or "新文章.md" in answer.text
    assert english_in(answer.text) == []


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_no_english_when_signing_in_goes_wrong(desk: TestClient) -> None:
    desk.cookies.clear()
    assert_chinese(desk, "/signin")
    answer = desk.post("/signin", data={"email": "wang@haisong.example", "password": "不对"})
    assert answer.status_code == 401
    assert english_in(answer.text) == []
    refused = desk.post("/signin", data={}, headers={"Origin": "https://elsewhere.example"})
    assert refused.status_code == 403
    assert english_in(refused.text) == []


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_the_assistant_speaks_chinese_to_who_writes_chinese(desk: TestClient) -> None:
    said = [
        *say(desk, "你好", "谢谢", "我要转人工"),
        *say(desk, "在酒店连接 VPN 报错 809"),
        *say(desk, "食堂今天吃什么？", "那食堂在哪？"),
        *say(desk, "全公司都上不了网，电话也打不通！"),
    ]
    assert [line for text in said for line in text.splitlines() if english_in(line)] == []
    assert not [text for text in said if re.search(r"[，。：；？！] | [，。：；？！]", text.replace("。 [1]", ""))]
