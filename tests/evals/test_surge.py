"""The measure of the surge: an incident poured into an ordinary hour is found, an ordinary hour holds none."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np

from desk.models import Category, Urgency
from desk.symptoms import Symptom
from evals.surge import INCIDENTS, Message, pour

RNG = np.random.default_rng(3)


def symptom(n: int | None, thing: str) -> Symptom:
    row = RNG.normal(0, 0.2 if n is not None else 1.0, 64).astype(np.float32)
    if n is not None:
        row[n] += 1.5
    return Symptom("en", Category.NETWORK, Urgency.NORMAL, (thing,), row / np.linalg.norm(row))


HISTORY = [symptom(None, f"thing{n % 40}") for n in range(300)]


def test_an_incident_is_found_whole_and_alone() -> None:
    incident = [Message("i1", "", symptom(0, "vpn")) for _ in range(8)]
    hour = pour(incident, [symptom(None, f"thing{n}") for n in range(10)], HISTORY, 1)
    assert hour.found
    assert (hour.members, hour.pure, hour.false) == (1.0, 1.0, 0)


def test_an_ordinary_hour_holds_no_incident() -> None:
    hour = pour([], [symptom(None, f"thing{n}") for n in range(20)], HISTORY, 1)
    assert (hour.found, hour.false) == (False, 0)


def test_messages_that_report_nothing_are_not_counted() -> None:
    incident = [Message("i1", "", symptom(0, "vpn")) for _ in range(4)] + [Message("i1", "", None)]
    assert pour(incident, [], HISTORY, 1).members == 1.0


def test_the_cases_are_whole() -> None:
    rows = [json.loads(line) for line in INCIDENTS.read_text(encoding="utf-8").splitlines()]
    told = Counter(row["incident"] for row in rows if row["incident"])
    assert len(told) == 40
    assert min(told.values()) >= 6
    assert {row["near"] for row in rows if row["near"]} <= told.keys()
    assert all(bool(row["incident"]) != bool(row["near"]) for row in rows)
    languages = Counter(row["lang"] for row in rows)
    assert languages["zh"] > 150 and languages["en"] > 150
    assert len({row["text"] for row in rows}) == len(rows)
