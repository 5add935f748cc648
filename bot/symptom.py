"""What a message reports as broken, so that several such reports can be seen as one incident; and whether one is known."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from base.i18n import N_, known_locale, translate
from bot.models import Known, Triage
from desk.incidents import Notice
from desk.models import Category, Urgency
from desk.symptoms import Symptom

_REPORTS = frozenset(Category) - {Category.SERVICE_REQUEST, Category.OTHER}
_NEARBY = 2  # things of a report that may be the broken one; a question is about its first
_KNOWN = N_("**Known problem**: {notice}")
_LATEST = N_("**Latest news**: {text}")


def symptom_of(triage: Triage, vector: npt.NDArray[np.float32] | None) -> Symptom | None:
    """The symptom a message reports; None where it reports none: a question, a wish, an order, an all-clear."""
    if triage.urgency is Urgency.LOW or triage.category not in _REPORTS or triage.all_clear:
        return None
    return Symptom(triage.lang, triage.category, triage.urgency, tuple(key for key, _ in triage.things), vector)


def known_incident(
    notices: Sequence[Notice], triage: Triage, symptom: Symptom | None, conversation_id: int | None,
    memory: dict[str, Any],
) -> Known | None:  # fmt: skip
    """The open incident a message is about and that this customer has not been told of; the newest of several.

    A fault of the very thing may be the incident; whoever only asks about the thing is told all the same.
    """
    told: Collection[str] = memory.get("noticed", ())
    for notice in reversed(notices):
        if notice.incident in told or conversation_id in notice.conversations:
            continue
        about = {key for key, _ in triage.things[: _NEARBY if symptom is not None else 1]}
        if about & notice.objects:
            return Known(notice.incident, _text(notice, triage.lang), symptom is not None)
    return None


def _text(notice: Notice, lang: str) -> str:
    lang = known_locale(lang)
    said = translate(_KNOWN, lang, notice=notice.text.get(lang, ""))
    if latest := notice.latest.get(lang):
        said = f"{said}\n\n{translate(_LATEST, lang, text=latest)}"
    return said
