"""Whole conversations: every turn goes through the engine, and what comes back is held against the script."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from base.messages import Channel, Inbound
from bot.models import Outcome, OutcomeKind
from desk.models import Urgency
from evals.gold import same_article
from evals.measures import Measure, Plot, PlotKind, SuiteName, SuiteResult, share_of, times
from web.wiring import Services

_SUITE = SuiteName.FLOWS
_FIELDS = {"text", "action", "expect", "source", "contains", "without", "urgency", "lang", "ticket"}


@dataclass(frozen=True, slots=True)
class Step:
    """One message of a customer and what is to come back. Empty fields ask for nothing."""

    text: str
    action: str  # a pressed button: human, helped, not_helped; "choose:2" is the second title offered
    expect: frozenset[OutcomeKind]
    source: str
    contains: tuple[str, ...]
    without: tuple[str, ...]
    urgency: Urgency | None
    lang: str
    ticket: bool | None  # a ticket was opened, or added to, in this turn


@dataclass(frozen=True, slots=True)
class Flow:
    id: str
    lang: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Played:
    flow: Flow
    faults: tuple[str, ...]  # "turn 2: ticket instead of answer"; empty when all went as written
    wrong_steps: int
    milliseconds: tuple[float, ...]


def flow_of(fields: Mapping[str, Any], number: int) -> list[Flow]:
    """The conversation of a line. Raises ValueError, KeyError, TypeError for one that cannot be played."""
    steps = tuple(_step(turn) for turn in fields["turns"])
    if not steps:
        raise ValueError('"turns" is empty')
    return [Flow(str(fields.get("id", number)), str(fields.get("lang") or "en"), steps)]


def collect(services: Services, flows: Sequence[Flow]) -> list[Played]:
    """Play every conversation as a new customer. Conversations and tickets are made in this installation."""
    return [play(services, flow) for flow in flows]


def play(services: Services, flow: Flow) -> Played:
    """One conversation from its first turn to its last, whatever goes wrong on the way."""
    thread, faults, spent = f"flow-{uuid.uuid4().hex}", [], []
    last: Outcome | None = None
    wrong = 0
    for place, step in enumerate(flow.steps, start=1):
        action = _action(step.action, last)
        message = Inbound(
            Channel.CONSOLE, f"{thread}-{place}", thread, thread, step.text, datetime.now(UTC), locale=flow.lang,
            action=action,
        )  # fmt: skip
        started = time.perf_counter()
        last = services.engine.receive(message)
        spent.append((time.perf_counter() - started) * 1000)
        found = objections(step, last)
        wrong += bool(found)
        faults += [f"turn {place}: {fault}" for fault in found]
    return Played(flow, tuple(faults), wrong, tuple(spent))


def objections(step: Step, outcome: Outcome) -> list[str]:
    """What a turn did other than its script says."""
    found = []
    if step.expect and outcome.kind not in step.expect:
        found.append(f"{outcome.kind} ({outcome.reason}) instead of {' or '.join(sorted(step.expect))}")
    if step.source and not any(same_article(citation.source, [step.source]) for citation in outcome.citations):
        cited = ", ".join(citation.source for citation in outcome.citations) or "nothing"
        found.append(f"cites {cited} instead of {step.source}")
    text = outcome.text.casefold()
    found += [f'does not say "{part}"' for part in step.contains if part.casefold() not in text]
    found += [f'says "{part}"' for part in step.without if part.casefold() in text]
    if step.urgency and outcome.triage.urgency is not step.urgency:
        found.append(f"urgency {outcome.triage.urgency} instead of {step.urgency}")
    if step.lang and outcome.lang != step.lang:
        found.append(f"answers in {outcome.lang} instead of {step.lang}")
    if step.ticket is not None and bool(outcome.ticket) is not step.ticket:
        found.append("no ticket" if step.ticket else f"opens {outcome.ticket}")
    return found


def summarise(played: Sequence[Played]) -> SuiteResult:
    """The shares of conversations and of turns that went as written, by language and all."""
    measures: list[Measure] = []
    for lang in (*sorted({one.flow.lang for one in played}), "all"):
        ours = [one for one in played if lang in ("all", one.flow.lang)]
        turns = [place < len(one.flow.steps) - one.wrong_steps for one in ours for place in range(len(one.flow.steps))]
        measures += share_of(_SUITE, "conversations_as_written", lang, [not one.faults for one in ours])
        measures += share_of(_SUITE, "turns_as_written", lang, turns)
    spent = [ms for one in played for ms in one.milliseconds]
    measures += times(_SUITE, spent)
    plots = (Plot(PlotKind.LATENCY, "Time of a turn, saved", {"milliseconds": [round(ms, 2) for ms in spent]}),)
    misses = tuple(
        {"id": one.flow.id, "lang": one.flow.lang, "text": " | ".join(one.faults)} for one in played if one.faults
    )
    return SuiteResult(_SUITE, tuple(measures), plots if played else (), misses)


def _action(given: str, last: Outcome | None) -> str:
    """A button as the engine knows it; "choose:2" becomes the article that was offered second, if there was one."""
    name, _, number = given.partition(":")
    if name != "choose" or last is None or not number.isdigit():
        return given
    place = int(number) - 1
    return f"choose:{last.choices[place].article_id}" if 0 <= place < len(last.choices) else given


def _step(turn: Mapping[str, Any]) -> Step:
    if unknown := turn.keys() - _FIELDS:
        raise ValueError(f"a turn has no field {', '.join(sorted(unknown))}")
    expect, ticket = turn.get("expect", []), turn.get("ticket")
    if not turn.get("text") and not turn.get("action"):
        raise ValueError('a turn needs a "text" or an "action"')
    return Step(
        text=str(turn.get("text", "")), action=str(turn.get("action", "")),
        expect=frozenset(OutcomeKind(one) for one in ([expect] if isinstance(expect, str) else expect)),
        source=str(turn.get("source", "")), contains=_list(turn, "contains"), without=_list(turn, "without"),
        urgency=Urgency(turn["urgency"]) if turn.get("urgency") else None, lang=str(turn.get("lang", "")),
        ticket=None if ticket is None else bool(ticket),
    )  # fmt: skip


def _list(turn: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = turn.get(name, [])
    return (value,) if isinstance(value, str) else tuple(map(str, value))
