"""How good a triage model is on labelled messages, beside what no model at all would reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from base.agreement import confusion, macro_f1, weighted_kappa
from bot.triage import read
from bot.triage_training import Lesson
from bot.wants_human import LIKE_A_WISH, asks_for_person
from desk.models import Category, Sentiment, Urgency
from evals.triage import LEVELS

_BINS = 5
L = TypeVar("L")


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled message and what a model made of it."""

    lesson: Lesson
    lang: str
    level: Urgency
    category: Category
    human: float  # likeness of a wish for a person
    tone: Sentiment


def figures(found: Sequence[Judged]) -> dict[str, float]:
    """accuracy, macro_f1, weighted_kappa, urgent_recall, urgent_false, category, tone, wish_recall, wish_precision."""
    pairs = [(str(one.lesson.urgency), str(one.level)) for one in found]
    urgent = str(Urgency.URGENT)
    wishes = [(bool(one.lesson.human), one.human >= LIKE_A_WISH) for one in found]
    return {
        "accuracy": _share([truth == judged for truth, judged in pairs]),
        "macro_f1": round(macro_f1(pairs, LEVELS), 4),
        "weighted_kappa": round(weighted_kappa(confusion(pairs, LEVELS)), 4),
        "urgent_recall": _share([judged == urgent for truth, judged in pairs if truth == urgent]),
        "urgent_false": _share([judged == urgent for truth, judged in pairs if truth != urgent]),
        "tone": _share([one.tone is one.lesson.tone for one in found]),
        "category": _share([one.category is one.lesson.category for one in found]),
        "wish_recall": _share([judged for truth, judged in wishes if truth]),
        "wish_precision": _share([truth for truth, judged in wishes if judged]),
    }


def baselines(found: Sequence[Judged]) -> list[tuple[str, list[Judged]]]:
    """The same messages judged by keywords (the rules alone), and by length alone (the commonest level of each fifth)."""
    return [("keywords", [_by_rules(one) for one in found]), ("length", _by_length(found))]


def lines(found: Sequence[Judged], others: Sequence[tuple[str, Sequence[Judged]]]) -> Iterator[str]:
    """A table: the model by language and over all, then the others over all."""
    yield f"{'':12} {'n':>5}  F1    kappa urgent false category wish: recall precision"
    for lang in ("zh", "en"):
        yield _line(lang, [one for one in found if one.lang == lang])
    yield _line("all", found)
    for name, judged in others:
        yield _line(name, judged)


def _line(name: str, found: Sequence[Judged]) -> str:
    seen = figures(found)
    return (
        f"{name:12} {len(found):5}  {seen['macro_f1']:.3f} {seen['weighted_kappa']:.3f} {seen['urgent_recall']:.3f}  "
        f"{seen['urgent_false']:.3f} {seen['category']:.3f}    {seen['wish_recall']:.3f}        {seen['wish_precision']:.3f}"
    )


def _by_rules(one: Judged) -> Judged:
    reading = read(one.lesson.text)
    category = list(Category)[int(reading.words.argmax())] if reading.words.any() else Category.OTHER
    wish = asks_for_person(one.lesson.text) is not None
    return replace(one, level=reading.verdict.urgency, category=category, human=float(wish))


def _by_length(found: Sequence[Judged]) -> list[Judged]:
    sizes = np.array([len(one.lesson.text.encode()) for one in found], float)
    bins = np.digitize(sizes, np.quantile(sizes, np.arange(1, _BINS) / _BINS))
    parts = {part: [one.lesson for one, at in zip(found, bins, strict=True) if at == part] for part in set(bins)}
    level = {part: _commonest([lesson.urgency for lesson in lessons]) for part, lessons in parts.items()}
    category = {part: _commonest([lesson.category for lesson in lessons]) for part, lessons in parts.items()}
    return [
        replace(one, level=level[at], category=category[at], human=0.0) for one, at in zip(found, bins, strict=True)
    ]


def _commonest(labels: Sequence[L | None]) -> L:
    (found, _), *_ = Counter(label for label in labels if label is not None).most_common(1)
    return found


def _share(hits: Sequence[bool]) -> float:
    return round(sum(hits) / len(hits), 4) if hits else 0.0
