"""Looks at what is reported and proposes incidents: beside the answering, so that no customer waits for it.

One look costs a statement while nothing is new; a new report is compared with at most MOST others, however many
conversations are open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from base.clock import Clock
from base.database import Database
from base.i18n import LOCALES, N_, translate
from base.log import get_logger
from base.settings import Settings
from bot.surge import JOIN, MOST, Stacker, belongs, group_of, is_unusual, likeness, main_things, stack
from bot.topics import thing_name
from desk import conversations, incident_work, incidents, symptoms
from desk.incidents import Incident, MemberState
from desk.symptoms import Reported

log = get_logger(__name__)
_LOCK = 0x53555247
_LOOK_BACK = timedelta(hours=24)  # what was decided in it stays decided
_FORGET_EVERY = timedelta(hours=1)
_TITLE = N_("Several customers report: {thing}")
_NOTICE = N_("Since {time} several customers have reported trouble with {thing}. We are looking into it.")


@dataclass(slots=True)
class _Desk:
    """Conversations that are spoken for, the live incidents, and the places of the reports each of them is made of."""

    taken: set[int]
    alive: dict[int, Incident]
    inside: dict[int, list[int]]


class SurgeWatch:
    """Finds surges. Only one thread uses it; another process that looks at the same moment finds the work done."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        self._settings, self._database, self._clock = settings, database, clock
        self._length = timedelta(minutes=settings.surge_minutes)
        self._reports: list[Reported] = []  # the newest MOST of the last days, oldest first
        self._stacker, self._stack = Stacker(), stack([])
        self._forgotten = clock.now()

    def look(self) -> int:
        """Read what is new; return how many reports made a proposal or were added to one."""
        now = self._clock.now()
        if not self._settings.surge_customers:
            return 0
        self._forget(now)
        new = self._read(now)
        if not new:
            return 0
        with self._database.read() as session:
            desk = self._desk(session, now)
            if not any(self._finding(desk, at, now) for at in new):
                return 0
        with self._database.begin() as session:
            if session.get_bind().dialect.name == "postgresql":
                session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})
            desk = self._desk(session, now)  # somebody else may have looked meanwhile
            return sum(self._keep(session, desk, at, now) for at in new)

    def _read(self, now: datetime) -> list[int]:
        """Places of the reports that are new and inside the window."""
        seen = self._reports[-1].id if self._reports else 0
        with self._database.read() as session:
            new = symptoms.after(session, seen, now - symptoms.KEPT, MOST)
        if not new:
            return []
        rows = self._stacker.stack([one.symptom for one in new])
        self._stack = self._stack.followed_by(rows) if self._reports else rows
        self._reports = [*self._reports, *new][-MOST:]
        first = len(self._reports) - len(new)
        return [at for at in range(max(0, first), len(self._reports)) if self._is_now(at, now)]

    def _is_now(self, at: int, now: datetime) -> bool:
        return self._reports[at].at >= now - self._length

    def _forget(self, now: datetime) -> None:
        if now - self._forgotten > _FORGET_EVERY:
            self._forgotten = now
            with self._database.begin() as session:
                symptoms.forget(session, now)

    def _desk(self, session: Session, now: datetime) -> _Desk:
        """What has been decided so far, and what the live incidents are made of."""
        alive = {incident.id: incident for incident in incidents.live(session)}
        inside = {}
        for incident in alive.values():
            talks = {
                one.conversation_id
                for one in incidents.members(session, incident)
                if one.state is not MemberState.REMOVED
            }
            inside[incident.id] = [at for at, one in enumerate(self._reports) if one.conversation_id in talks]
        return _Desk(set(incidents.decided(session, now - _LOOK_BACK)), alive, inside)

    def _finding(self, desk: _Desk, at: int, now: datetime) -> Incident | list[int] | None:
        """The live incident a report is most like, or the group that makes a new one with it; None for neither."""
        report = self._reports[at]
        if report.conversation_id in desk.taken:
            return None
        one = self._stack.rows([at])
        scores = {known: belongs(likeness(one, self._stack.rows(like)))[0] for known, like in desk.inside.items()}
        best = max(scores, key=lambda known: scores[known], default=0)
        if best and scores[best] >= JOIN:
            return desk.alive[best]
        places = range(len(self._reports))
        current = [n for n in places if n <= at and self._is_now(n, now)]
        spoken = desk.taken | {report.conversation_id}
        free = [n for n in current if self._reports[n].conversation_id not in spoken]
        group = group_of(self._stack, at, np.array(free, np.intp))
        customers = len({self._reports[n].customer_id for n in group})
        if customers < self._settings.surge_customers:
            return None
        before = np.array([n for n in places if not self._is_now(n, now)], np.intp)
        return group if is_unusual(self._stack, group, before, len(current) - len(group), customers) else None

    def _keep(self, session: Session, desk: _Desk, at: int, now: datetime) -> bool:
        found = self._finding(desk, at, now)
        if found is None:
            return False
        if isinstance(found, Incident):
            group = [at]
            incident_work.suggest(session, found, self._reports[at].conversation_id, now)
        else:
            group, found = found, self._propose(session, [self._reports[n] for n in found], now)
            desk.alive[found.id] = found
        desk.inside.setdefault(found.id, []).extend(group)
        desk.taken.update(self._reports[n].conversation_id for n in group)
        return True

    def _propose(self, session: Session, group: Sequence[Reported], now: datetime) -> Incident:
        things, first = main_things(group), min(one.at for one in group)
        time = first.astimezone(ZoneInfo(self._settings.timezone)).strftime("%H:%M")
        named = {lang: self._named(session, group, things, lang) for lang in LOCALES}
        title = {lang: translate(_TITLE, lang, thing=named[lang]) for lang in LOCALES}
        notice = {lang: translate(_NOTICE, lang, thing=named[lang], time=time) for lang in LOCALES}
        talks = [one.conversation_id for one in sorted(group, key=lambda one: one.id)]
        found = incident_work.propose(session, title, notice, things, talks, first, now)
        log.info("incident_proposed", incident=found.id, customers=len({one.customer_id for one in group}))
        return found

    def _named(self, session: Session, group: Sequence[Reported], things: Sequence[str], lang: str) -> str:
        if things:
            return (" / " if lang == "en" else "、").join(thing_name(key, lang) for key in things)
        same = [one for one in group if one.symptom.lang == lang] or list(group)
        return conversations.get(session, same[0].conversation_id).subject or "?"
