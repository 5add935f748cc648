"""demo: a dozen customers come to the desk, so that there is something to see."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import click
import httpx

from base.errors import Conflict
from base.i18n import N_
from base.log import set_up_logging
from base.messages import Channel
from base.settings import Settings
from base.text import shorten
from desk import access, replies, staff
from desk.access import ThreadActor
from desk.models import Conversation, Staff
from kb import store
from web.demo import play
from web.demo.doors import EngineVisit, ServerVisit, Visit
from web.demo.play import PEOPLE, PLAY, Person
from web.demo.setup import ADMIN_EMAIL, add_administrator
from web.wiring import Services, build

PAUSE_SECONDS = 1.5  # between two messages, for somebody who watches the desk fill
SETTLE_SECONDS = 2.0  # the articles are all there when their number stays the same for so long
SETTLE_AT_MOST_SECONDS = 90.0
SHOWN_CHARS = 160


class NothingToAnswerFrom(Conflict):
    """The demo needs the demo articles, or any others."""

    code = "knowledge_base_empty"
    message = N_(
        "The knowledge base in {folder} is empty. Start `firstline serve --demo` there first, or read documents in "
        "with `firstline ingest FOLDER`."
    )


def run_demo(settings: Settings, fast: bool) -> None:
    """Play the customers through a running server if there is one, else straight through the engine.

    Raises NothingToAnswerFrom, and StorageUnavailable as every command does.
    """
    set_up_logging(settings.model_copy(update={"log_level": "warning"}))  # the play is what is to be read
    if not settings.database_url and not (settings.data_dir / "firstline.db").exists():
        raise NothingToAnswerFrom(folder=str(settings.data_dir.absolute()))
    services = build(settings)
    try:
        with httpx.Client(base_url=settings.base_url, timeout=20, trust_env=False) as client:
            served = _answers(client)
            _wait_for_articles(services, served)
            click.echo(_where(settings, served))
            visits = _play(_opener(services, client if served else None), fast)
        _staff_part(services, visits)
        click.echo(f"\nStaff console 坐席工作台  {settings.base_url}/inbox" + ("" if served else "  (firstline serve)"))
    finally:
        services.close()


def _answers(client: httpx.Client) -> bool:
    """Whether a Firstline is serving at the address of the settings."""
    try:
        answer = client.get("/healthz", timeout=3)
        return answer.status_code == httpx.codes.OK and "index" in answer.json()
    except (httpx.HTTPError, ValueError):
        return False


def _wait_for_articles(services: Services, served: bool) -> None:
    """`serve --demo` reads its articles while it serves: wait until their number stays the same."""
    deadline = time.monotonic() + SETTLE_AT_MOST_SECONDS
    found = _published(services)
    while served and time.monotonic() < deadline:
        time.sleep(SETTLE_SECONDS)
        before, found = found, _published(services)
        if found and found == before:
            return
        if found == 0 and before == 0 and time.monotonic() > deadline - SETTLE_AT_MOST_SECONDS + 10:
            break
    if not found:
        raise NothingToAnswerFrom(folder=str(services.settings.data_dir.absolute()))


def _published(services: Services) -> int:
    with services.database.read() as session:
        return store.counts(session).published


def _where(settings: Settings, served: bool) -> str:
    if served:
        return f"Through the server at {settings.base_url} 通过正在运行的服务"
    return "No server is running: straight through the engine 未启动服务，直接经由引擎"


def _opener(services: Services, client: httpx.Client | None) -> Callable[[Person], Visit]:
    if client is not None:
        return lambda person: ServerVisit(client, person)
    return lambda person: EngineVisit(services, person, f"demo-{secrets.token_urlsafe(12)}")


def _play(open_visit: Callable[[Person], Visit], fast: bool) -> dict[str, Visit]:
    """Let everybody speak, in the order of the play; return the visits by person."""
    visits: dict[str, Visit] = {}
    for line in PLAY:
        person = PEOPLE[line.who]
        visit = visits.get(line.who) or visits.setdefault(line.who, open_visit(person))
        click.echo(f"\n{person.name} ▸ {line.text}")
        for turn in visit.say(line.text):
            click.echo(f"    Firstline 一线 ◂ {_shown(turn)}")
        if not fast:
            time.sleep(PAUSE_SECONDS)
    return visits


def _shown(turn: dict[str, Any]) -> str:
    text = shorten(" ".join(turn["text"].split()), SHOWN_CHARS)
    lines = [f"[{one['n']}] {one['title']}" for one in turn["citations"]]
    if not lines:  # after an answer the buttons only ask whether it helped
        lines = [f"( {one['label']} )" for one in turn["quick_replies"]]
    if ticket := turn["ticket"]:
        lines.append(f"{ticket['name']} · {ticket['urgency_name']} · {ticket['promise']}")
    return "\n      ".join([text, *lines])


def _staff_part(services: Services, visits: dict[str, Visit]) -> None:
    """A colleague answers one customer and solves another's ticket, if the conversations are in this database."""
    answered = _talk(services, visits[play.ANSWERED_BY_STAFF])
    solved = _talk(services, visits[play.SOLVED_BY_STAFF])
    if answered is None or solved is None:
        click.echo(
            "\nThe server keeps its conversations in another database: no staff reply 服务使用另一个数据库，不演示坐席回复"
        )
        return
    member = _member(services)
    now = services.clock.now()
    with services.database.begin() as session:
        replies.reply(session, services.defaults, answered, member, play.STAFF_REPLY, now)
        replies.resolve(session, services.defaults, solved, member, play.ROOT_CAUSE, play.SOLUTION, now)
    click.echo(f"\n{member.name} ▸ {PEOPLE[play.ANSWERED_BY_STAFF].name}: {play.STAFF_REPLY}")
    click.echo(f"\n{member.name} ✓ {PEOPLE[play.SOLVED_BY_STAFF].name}: {play.SOLUTION}")


def _talk(services: Services, visit: Visit) -> Conversation | None:
    with services.database.read() as session:
        return access.conversation_of_thread(session, ThreadActor(Channel.WEBCHAT, visit.thread_id))


def _member(services: Services) -> Staff:
    """Somebody of the staff; the demo administrator is made, with a password shown once, when there is nobody."""
    password = add_administrator(services, services.clock.now())
    if password:
        click.echo(f"\nDemo administrator (shown once): {ADMIN_EMAIL}  password: {password}")
    with services.database.read() as session:
        return next(one for one in staff.list_all(session) if one.active)
