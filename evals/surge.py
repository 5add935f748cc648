"""`python -m evals.surge`: is one incident seen as one? Labelled incidents poured into an ordinary hour's reports.

Cases: 40 invented incidents by two authors, each reported by seven to nine customers in two languages, with messages
that only look alike (`evals/cases/surge/incidents.jsonl`); the ordinary reports are the untouched triage messages.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from base.settings import Settings
from base.text import detect_language
from bot.surge import JOIN, Stack, belongs, group_of, is_unusual, likeness, stack
from bot.symptom import symptom_of
from bot.triage import Judge, Triager
from bot.triage_model import model_of
from desk.symptoms import Symptom
from evals.cases import CASES
from kb.embed import Embedder
from web.wiring import embedder_of

INCIDENTS = CASES / "surge" / "incidents.jsonl"
ORDINARY = CASES / "triage"
LEAST = 3  # customers, as `surge_customers`


@dataclass(frozen=True, slots=True)
class Message:
    incident: str  # "" for none
    near: str  # the incident it looks like and is not
    symptom: Symptom | None


@dataclass(frozen=True, slots=True)
class Poured:
    """What became of one hour with one incident in it."""

    found: bool  # a group most of which is the incident
    members: float  # share of its reports in that group
    pure: float  # share of the group that belongs
    alike: float  # share of the lookalikes in it
    false: int  # groups that are no incident


def read_incidents(embedder: Embedder, judge: Judge) -> list[Message]:
    """The labelled messages with their symptoms."""
    rows = [json.loads(line) for line in INCIDENTS.read_text(encoding="utf-8").splitlines()]
    return [Message(r["incident"], r["near"], symptom(r["text"], embedder, judge)) for r in rows]


def read_ordinary(embedder: Embedder, judge: Judge) -> list[Symptom]:
    """The symptoms of the untouched triage messages."""
    paths = sorted(ORDINARY.glob("untouched*.jsonl"))
    texts = [json.loads(line)["text"] for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return [found for text in texts if (found := symptom(text, embedder, judge)) is not None]


def symptom(text: str, embedder: Embedder, judge: Judge) -> Symptom | None:
    """What a message reports, as the desk would note it."""
    lang = detect_language(text)
    vector = embedder.embed_query(text, lang)
    return symptom_of(judge.triage(text, vector=embedder.meaning(text, lang), lang=lang), vector)


def pour(incident: Sequence[Message], ordinary: Sequence[Symptom], history: Sequence[Symptom], seed: int) -> Poured:
    """One hour: the incident's reports, what looks like them, and ordinary ones, in a random order."""
    told = [one for one in incident if one.symptom is not None]
    hour: list[tuple[str, Symptom]] = [("in" if one.incident else "near", one.symptom) for one in told if one.symptom]
    hour += [("", one) for one in ordinary]
    random.Random(seed).shuffle(hour)
    every = stack([*history, *(one for _, one in hour)])
    start = len(history)
    before = np.arange(start)
    groups: list[list[int]] = []
    taken: set[int] = set()
    for at in range(start, start + len(hour)):
        _place(every, at, start, before, groups, taken)
    kinds = [[hour[at - start][0] for at in group] for group in groups]
    right = [kind for kind in kinds if kind.count("in") >= 2 and 2 * kind.count("in") >= len(kind)]
    count = sum(kind == "in" for kind, _ in hour)
    looking = max(1, sum(kind == "near" for kind, _ in hour))
    best = max(right, key=lambda kind: kind.count("in"), default=[])
    return Poured(
        bool(right), best.count("in") / max(1, count), best.count("in") / max(1, len(best)),
        best.count("near") / looking, len(kinds) - len(right),
    )  # fmt: skip


def _place(
    every: Stack, at: int, start: int, before: np.ndarray, groups: list[list[int]], taken: set[int]
) -> None:  # fmt: skip
    """What `SurgeWatch` does with one report, without a desk."""
    one = every.rows([at])
    scores = [belongs(likeness(one, every.rows(group)))[0] for group in groups]
    if scores and max(scores) >= JOIN:
        groups[int(np.argmax(scores))].append(at)
        taken.add(at)
        return
    free = np.array([n for n in range(start, at) if n not in taken], np.intp)
    group = group_of(every, at, free)
    if len(group) >= LEAST and is_unusual(every, group, before, at + 1 - start - len(group), len(group)):
        groups.append(group)
        taken.update(group)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.surge", description=__doc__)
    parser.add_argument("--hourly", type=int, nargs="+", default=[5, 20, 60], help="ordinary reports an hour")
    given = parser.parse_args(arguments)
    settings = Settings()
    embedder = embedder_of(settings)
    judge = Triager(embedder, model_of(settings.data_dir))
    messages, ordinary = read_incidents(embedder, judge), read_ordinary(embedder, judge)
    random.Random(5).shuffle(ordinary)
    history, rest = ordinary[: len(ordinary) // 2], ordinary[len(ordinary) // 2 :]
    names = sorted({one.incident for one in messages if one.incident})
    reported = [one.symptom is not None for one in messages if one.incident]
    print(f"{len(names)} incidents, {len(reported)} messages, {sum(reported)} of them read as reports")
    print("an hour  lookalikes  found  members  pure  alike  false an hour")
    for hourly in given.hourly:
        for alike in (False, True):
            hours = []
            for n, name in enumerate(names):
                incident = [one for one in messages if one.incident == name or (alike and one.near == name)]
                hours.append(pour(incident, random.Random(n).sample(rest, hourly), history, n))
            found = [hour for hour in hours if hour.found]
            members, pure, near = (
                sum(getattr(hour, field) for hour in found) / max(1, len(found))
                for field in ("members", "pure", "alike")
            )
            false = sum(hour.false for hour in hours) / len(hours)
            beside = "yes" if alike else "no"
            print(
                f"{hourly:7}  {beside:10}  {len(found):2}/{len(names)}  {members:7.2f}  {pure:4.2f}  {near:5.2f}  {false:.2f}"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
