"""One space for both languages: the mean vector of a text's language is subtracted before vectors are compared.

For the built-in model a linear map follows, one for questions and one for passages: it brings what help-desk people ask
nearer to what help-desk articles say (decisions/0004).

Embedding models keep languages apart: a Chinese question is nearer to any Chinese passage than to the English one that
answers it. Taking away what all texts of a language have in common removes that wall. Questions and passages have
means of their own. The means come from `centring_sentences.json`: the same 40 topics in both languages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from kb.encoder import Encoder, TextKind, Vectors, unit_rows

CENTRING = "lang-mean/1"  # raise the number when the sentences or the arithmetic change
LANGUAGES = ("zh", "en")
FALLBACK_LANGUAGE = "en"  # how base.text.detect_language reads every other language

_SENTENCES = Path(__file__).with_name("centring_sentences.json")
# Share of the sample questions that must find their own passage. By chance it is 0.025; models trained for a language
# reach 0.95, one that never saw Chinese 0.38 (by shared digits and Latin words).
_UNDERSTOOD = 0.6


@dataclass(frozen=True)
class Topic:
    """A question and the passage that answers it, in one language."""

    lang: str
    question: str
    passage: str


@dataclass(frozen=True, eq=False)
class LanguageMeans:
    """The mean vector, (dim,) float32, of each kind of text in each language."""

    vectors: Mapping[tuple[TextKind, str], Vectors]
    maps: Mapping[TextKind, Vectors] = field(default_factory=dict)  # (dim, dim) each; none for most models

    @property
    def dim(self) -> int:
        return len(next(iter(self.vectors.values())))

    def centre(self, rows: Vectors, langs: Sequence[str], kind: TextKind) -> Vectors:
        """Return (n, dim) unit rows without the mean of each row's language, mapped where there is a map.

        A language we do not know counts as "en".

        A row that equals its mean is kept as it is: zero has no direction.
        """
        means = np.empty_like(rows)
        for index, lang in enumerate(langs):
            means[index] = self.vectors[kind, lang if lang in LANGUAGES else FALLBACK_LANGUAGE]
        centred = rows - means
        lost = np.linalg.norm(centred, axis=1) < 1e-6
        centred[lost] = rows[lost]
        found = unit_rows(centred)
        turn = self.maps.get(kind)
        if turn is None:
            return found
        # Row by row: a product of matrices gives other last digits than the same row alone.
        return unit_rows(np.stack([turn @ row for row in found])) if len(found) else found

    def to_arrays(self) -> dict[str, Vectors]:
        """What np.savez keeps: "query.zh" -> vector."""
        means = {f"{kind}.{lang}": vector for (kind, lang), vector in self.vectors.items()}
        # What a map adds to leaving things as they are: small numbers, which half precision keeps well.
        added = {kind: turn - np.eye(len(turn), dtype=np.float32) for kind, turn in self.maps.items()}
        return means | {f"map.{kind}": values.astype(np.float16) for kind, values in added.items()}

    @staticmethod
    def from_arrays(arrays: Mapping[str, Vectors]) -> LanguageMeans:
        """The reverse of to_arrays. Raises KeyError when one is missing."""
        means = {(kind, lang): arrays[f"{kind}.{lang}"] for kind in TextKind for lang in LANGUAGES}
        given = {kind: arrays[f"map.{kind}"] for kind in TextKind if f"map.{kind}" in arrays}
        maps = {kind: np.eye(len(turn), dtype=np.float32) + turn.astype(np.float32) for kind, turn in given.items()}
        return LanguageMeans(means, maps)


@cache
def sentences() -> tuple[Topic, ...]:
    """Return the sample: 40 topics in each language, parallel, Chinese first."""
    topics = json.loads(_SENTENCES.read_text(encoding="utf-8"))
    return tuple(Topic(lang, **topic[lang]) for lang in LANGUAGES for topic in topics)


@dataclass(frozen=True)
class Sample:
    """What encoding the sample tells about a model."""

    means: LanguageMeans
    languages: tuple[str, ...]  # those in which its questions find their passages; empty when the model is of no use


def compute_means(encoder: Encoder, topics: Sequence[Topic] | None = None) -> Sample:
    """Encode the sample (or `topics`, which must hold both languages) and return means and understood languages.

    A model for English alone gives Chinese questions vectors that say nothing: they do not find their own passages.
    """
    chosen = topics if topics is not None else sentences()
    means: dict[tuple[TextKind, str], Vectors] = {}
    understood: list[str] = []
    for lang in LANGUAGES:
        mine = [topic for topic in chosen if topic.lang == lang]
        questions = encoder.encode([topic.question for topic in mine], TextKind.QUERY)
        passages = encoder.encode([topic.passage for topic in mine], TextKind.PASSAGE)
        means[TextKind.QUERY, lang] = questions.mean(axis=0, dtype=np.float32)
        means[TextKind.PASSAGE, lang] = passages.mean(axis=0, dtype=np.float32)
        nearest = (questions @ passages.T).argmax(axis=1)
        if np.mean(nearest == np.arange(len(mine))) >= _UNDERSTOOD:
            understood.append(lang)
    return Sample(LanguageMeans(means), tuple(understood))
