"""What one new report costs the watch over surges, with few and with many open conversations on the desk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from sqlalchemy import insert

from base.clock import FixedClock
from bot.surge import MOST
from bot.surge_watch import SurgeWatch
from desk.tables import ConversationRow, CustomerRow, SymptomRow
from evals.bench.figures import Figures, percentile, spread_ms, timed
from evals.bench.installation import temporary_services
from web.wiring import Services

FEW, MANY, QUICK_MANY = MOST, 10_000, 4_000
LOOKS, QUICK_LOOKS = 60, 15
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
_DIM, _THINGS = 384, 40


def measure(quick: bool) -> Figures:
    """Median and tail of a look at one new report, and the ratio of many open conversations to few."""
    few, many = (_looks(count, QUICK_LOOKS if quick else LOOKS) for count in (FEW, QUICK_MANY if quick else MANY))
    return {
        "few": FEW, **spread_ms(few, "few_"), "many": QUICK_MANY if quick else MANY, **spread_ms(many, "many_"),
        "p50_ratio_many_to_few": round(percentile(many, 0.5) / percentile(few, 0.5), 3),
    }  # fmt: skip


def _looks(talks: int, looks: int) -> list[float]:
    """Seconds of each look on a desk with so many open conversations, each with a report of the last hours."""
    with temporary_services() as services:
        rng = np.random.default_rng(1)
        _fill(services, rng, 1, talks, timedelta(hours=6))
        clock = FixedClock(NOW)
        watch = SurgeWatch(services.settings, services.database, clock)
        watch.look()  # reads what is there
        found = []
        for n in range(looks):
            _fill(services, rng, talks + 1 + n, 1, timedelta())
            found.append(timed(watch.look))
        return found


def _fill(services: Services, rng: np.random.Generator, first: int, count: int, over: timedelta) -> None:
    vectors = rng.normal(size=(count, _DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = range(first, first + count)
    times = [NOW - over * (count - 1 - n) / max(1, count) for n in range(count)]
    with services.database.begin() as session:
        session.execute(
            insert(CustomerRow),
            [
                {"id": n, "public_id": f"c{n}", "name": "", "lang": "en", "package": "basic", "created_at": NOW}
                for n in ids
            ],
        )
        session.execute(
            insert(ConversationRow),
            [
                {
                    "id": n, "public_id": f"t{n}", "customer_id": n, "channel": "webchat", "thread_id": f"t{n}",
                    "state": "bot", "lang": "en", "memory": {}, "created_at": NOW, "updated_at": NOW,
                }
                for n in ids
            ],
        )  # fmt: skip
        session.execute(
            insert(SymptomRow),
            [
                {
                    "at": at, "turn_id": n, "conversation_id": n, "customer_id": n, "lang": "en", "category": "software",
                    "urgency": "normal", "objects": [f"thing{int(rng.integers(_THINGS))}"],
                    "vector": row.astype("<f2").tobytes(),
                }
                for n, at, row in zip(ids, times, vectors, strict=True)
            ],
        )  # fmt: skip
