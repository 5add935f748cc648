"""What happened to a ticket's clocks: the ordered event log read into cycles. Pure; `sla.py` computes with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from desk.models import Author, Urgency


class EventKind(StrEnum):
    OPENED = "opened"
    DISPATCHED = "dispatched"  # somebody in particular has it now
    FIRST_RESPONSE = "first_response"  # a reply to the customer; a later one counts as progress
    PROGRESS = "progress"  # the customer was told how it stands
    PAUSED = "paused"  # waiting for the customer
    RESUMED = "resumed"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    RETARGETED = "retargeted"  # another urgency
    CANCELLED = "cancelled"  # a mistake, merged into another ticket, withdrawn: nothing is owed until it is reopened


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """`by`: only a person of the staff answers; what the bot, the system or a note says leaves the clocks running."""

    kind: EventKind
    at: datetime  # UTC, aware
    by: Author = Author.STAFF
    urgency: Urgency | None = None  # of an OPENED or RETARGETED event


class GapKind(StrEnum):
    WAITING = "waiting"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"


OVER = (GapKind.RESOLVED, GapKind.CANCELLED)  # nobody was working on it: no clock runs in these


@dataclass(frozen=True, slots=True)
class Gap:
    """Time that does not count against the resolution. `end` is None while it lasts."""

    kind: GapKind
    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cycle:
    """One life of a ticket from opening to resolution. A late reopening begins another one."""

    number: int
    started_at: datetime
    urgencies: tuple[tuple[datetime, Urgency], ...]  # since when which; the first holds from the start
    dispatched_at: datetime | None = None
    responded_at: datetime | None = None
    told_at: datetime | None = None  # when the present wait for a progress report began
    resolved_at: datetime | None = None
    cancelled_at: datetime | None = None
    gaps: tuple[Gap, ...] = ()

    @property
    def urgency(self) -> Urgency:
        return self.urgencies[-1][1]

    @property
    def waiting(self) -> bool:
        return bool(self.gaps) and self.gaps[-1].end is None

    def segments(self, *without: GapKind) -> list[tuple[datetime, datetime | None]]:
        """The stretches in which a clock runs when it rests in gaps of these kinds. An open end is None."""
        stretches: list[tuple[datetime, datetime | None]] = []
        start = self.started_at
        for gap in self.gaps:
            if gap.kind not in without:
                continue
            stretches.append((start, gap.start))
            if gap.end is None:
                return stretches
            start = gap.end
        return [*stretches, (start, None)]


def read(
    events: Iterable[ClockEvent], urgency: Urgency, now: datetime, new_cycle_after: timedelta | None
) -> tuple[Cycle, ...]:
    """The cycles of a ticket as they stood at `now`, oldest first; later events are left out.

    events: in any order; those of one moment count in the order given. `urgency`: at opening, when the event names
    none. `new_cycle_after`: a reopening this long after the end starts anew; None: never. What was cancelled only a
    reopening brings back.
    Raises ValueError when nothing was opened.
    """
    log = sorted(events, key=lambda event: event.at)
    opened = next((event for event in log if event.kind is EventKind.OPENED), None)
    if opened is None:
        raise ValueError("the log of a clock begins with an opened event")
    began = opened.at.astimezone(UTC)
    cycles = [Cycle(1, began, ((began, opened.urgency or urgency),))]
    for event in log[log.index(opened) + 1 :]:
        if event.at > now:
            break
        event = replace(event, at=event.at.astimezone(UTC))
        over_at = cycles[-1].resolved_at or cycles[-1].cancelled_at
        late = over_at is not None and new_cycle_after is not None and event.at - over_at >= new_cycle_after
        if event.kind is EventKind.REOPENED and late:
            last = cycles[-1]
            cycles.append(Cycle(last.number + 1, event.at, ((event.at, last.urgency),)))
        else:
            cycles[-1] = _after(cycles[-1], event)
    return tuple(cycles)


def _after(cycle: Cycle, event: ClockEvent) -> Cycle:
    """The cycle after one event. What makes no sense in its state (a second pause, say) changes nothing."""
    at, resolved = event.at, cycle.resolved_at is not None
    if cycle.cancelled_at is not None and event.kind is not EventKind.REOPENED:
        return cycle
    match event.kind:
        case EventKind.DISPATCHED if cycle.dispatched_at is None:
            return replace(cycle, dispatched_at=at)
        case EventKind.FIRST_RESPONSE | EventKind.PROGRESS if event.by is Author.STAFF:
            return replace(cycle, responded_at=cycle.responded_at or at, told_at=at)
        case EventKind.PAUSED if not resolved and not cycle.waiting:
            return replace(cycle, gaps=(*cycle.gaps, Gap(GapKind.WAITING, at)))
        case EventKind.RESUMED if cycle.waiting:
            return replace(_closed(cycle, at), told_at=cycle.told_at and at)
        case EventKind.RESOLVED if not resolved:
            # A person who solves it, or a customer who says it is solved, has settled the reply too. The bot has not.
            settled = cycle.responded_at or (at if event.by in (Author.STAFF, Author.CUSTOMER) else None)
            return replace(_closed(cycle, at), resolved_at=at, responded_at=settled)
        case EventKind.REOPENED if (over_at := cycle.resolved_at or cycle.cancelled_at) is not None:
            gap = Gap(GapKind.RESOLVED if resolved else GapKind.CANCELLED, over_at, at)
            told_at = cycle.told_at and at
            return replace(cycle, resolved_at=None, cancelled_at=None, gaps=(*cycle.gaps, gap), told_at=told_at)
        case EventKind.RETARGETED if event.urgency is not None and event.urgency is not cycle.urgency:
            return replace(cycle, urgencies=(*cycle.urgencies, (at, event.urgency)))
        case EventKind.CANCELLED:
            return replace(_closed(cycle, at), cancelled_at=at)
        case _:
            return cycle


def _closed(cycle: Cycle, at: datetime) -> Cycle:
    """The cycle with its open gap, if any, ended."""
    return replace(cycle, gaps=(*cycle.gaps[:-1], replace(cycle.gaps[-1], end=at))) if cycle.waiting else cycle
