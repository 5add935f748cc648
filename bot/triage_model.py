"""The learned part of triage: what labelled messages teach, read from a fitted file.

A message's meaning is compared with those of all labelled messages (kernel exp(2 (cosine - 1))); its words, the evidence
the rules found and the category words count linearly beside it. Fitted by `bot.triage_training`. A second set of
coefficients does without the embedding: for an embedder the file was not fitted for, and for one that is away.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from base.errors import InvalidInput
from base.i18n import N_
from bot.triage_grams import grams
from bot.triage_text import Message
from bot.triage_wording import CATEGORIES
from desk.models import Sentiment, Urgency

Floats = npt.NDArray[np.float64]
FORMAT: Final = 2
FILE: Final = Path(__file__).with_name("triage_model.npz")
INSTALLED: Final = "triage_model.npz"  # in the data folder: an installation's own
LEVELS: Final = tuple(Urgency)
TONES: Final = tuple(Sentiment)
OUTPUTS: Final = len(LEVELS) + len(CATEGORIES) + len(TONES) + 1  # levels, categories, tones, the wish for a person
SHARPNESS: Final = 2.0  # how soon nearness falls off with the cosine
_TEMPERATURE = 6.0  # turns scores into shares that are right about as often as they say
# A missed urgent costs far more than a false alarm: out of fold recall is .88 at 8 % false alarms (.82 at 5 % without).
URGENT_BONUS: Final = 0.1
_ENDS = (len(LEVELS), len(LEVELS) + len(CATEGORIES), OUTPUTS - 1)
_TELLING = 0.05  # lead in score of a word from which it is worth showing
_LETTERS = 4  # of a Latin word that may be shown alone; a single Han character says nothing
_RARE = 3.5  # inverse document frequency below which a word tells a reader nothing: "the", "on my", "我们"


class BadTriageModel(InvalidInput):
    """A file with a triage model that this version cannot use."""

    code = "bad_triage_model"
    message = N_("{file} cannot be used: {reason}. Make it anew with `firstline triage train --write`, or delete it.")


@dataclass(frozen=True, slots=True)
class Opinion:
    """Shares per level (4,), category (9,) and tone (4,), each summing to 1."""

    urgency: Floats
    category: Floats
    tone: Floats
    human: float  # about 0 to 1: how much it reads like a wish for a person
    telling: tuple[tuple[int, int], ...]  # tokens (first, last) of the words that spoke most for the level
    familiar: bool = True  # whether it resembles anything the model was taught

    @property
    def level(self) -> Urgency:
        return LEVELS[int(self.urgency.argmax())]


@dataclass(frozen=True, slots=True)
class Coefficients:
    words: npt.NDArray[np.float32]  # (vocabulary, OUTPUTS)
    figures: npt.NDArray[np.float64]  # (evidence + category words, OUTPUTS)


@dataclass(frozen=True, slots=True)
class Memory:
    """The labelled messages' meanings, on fewer axes and in eight bits, and what each says."""

    axes: npt.NDArray[np.float32]  # (dim, axes)
    rows: npt.NDArray[np.float32]  # (messages, axes)
    says: npt.NDArray[np.float32]  # (messages, OUTPUTS)
    strange_below: float  # the nearest cosine below which a message resembles nothing here


@dataclass(frozen=True, slots=True)
class TriageModel:
    """Reading is thread-safe."""

    version: str
    spec: str  # digest of the embedder it was fitted with
    about: Mapping[str, Any]
    vocabulary: Mapping[str, int]
    rarity: npt.NDArray[np.float32]  # (vocabulary,) inverse document frequency
    both: Coefficients
    words_only: Coefficients
    memory: Memory

    def judge(self, message: Message, figures: Floats, vector: npt.NDArray[np.float32] | None = None) -> Opinion:
        """The opinion on a message.

        figures: what the rules found, see `triage_features.figures`. vector: (dim,) the meaning of the text, a unit row, by
        the embedder the model was fitted with; None judges by the words alone.
        """
        part = self.words_only if vector is None else self.both
        found = grams(message)
        known = [gram for gram in found if gram in self.vocabulary]
        at = np.array([self.vocabulary[gram] for gram in known], np.intp)
        weights = self.rarity[at]
        weights = weights / max(float(np.sqrt(weights @ weights)), 1e-9)
        said = weights[:, None] * part.words[at]
        scores = said.sum(axis=0, dtype=np.float64) + figures @ part.figures
        familiar = True
        if vector is not None:
            cosines = self.memory.rows @ (vector @ self.memory.axes)
            scores = scores + nearness(cosines) @ self.memory.says
            familiar = bool(cosines.max() >= self.memory.strange_below)
        urgency, category, tone, (human,) = np.split(scores, _ENDS)
        urgency[0] += URGENT_BONUS
        telling = _telling(said[:, : len(LEVELS)], int(urgency.argmax()), self._meaning(known))
        return Opinion(
            _shares(urgency), _shares(category), _shares(tone), float(human) + 0.5,
            tuple(found[known[index]] for index in telling), familiar,
        )  # fmt: skip

    def _meaning(self, names: list[str]) -> npt.NDArray[np.bool_]:
        """Which words, or pairs with one such word, say something to a reader."""
        long = [len(name) >= _LETTERS if name.isascii() else "_" in name for name in names]
        rare = [any(self._rarity_of(word) >= _RARE for word in name.split("_")) for name in names]
        return np.array(long, np.bool_) & np.array(rare, np.bool_)

    def _rarity_of(self, word: str) -> float:
        at = self.vocabulary.get(word)
        return 99.0 if at is None else float(self.rarity[at])


def nearness(cosines: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """How much labelled messages at these cosines have to say."""
    return np.asarray(np.exp(SHARPNESS * (cosines - 1.0)))


def _telling(said: npt.NDArray[np.float32], level: int, meant: npt.NDArray[np.bool_]) -> list[int]:
    """Rows of the words that spoke most for a level and less for every other, most first."""
    if not len(said):
        return []
    lead = said[:, level] - np.delete(said, level, axis=1).max(axis=1)
    lead = np.where(meant, lead, 0.0)
    return [int(row) for row in np.argsort(-lead, kind="stable")[:3] if lead[row] >= _TELLING]


def _shares(scores: Floats) -> Floats:
    powers = np.exp(_TEMPERATURE * (scores - scores.max()))
    shares: Floats = powers / powers.sum()
    return shares


def write_model(model: TriageModel, path: Path) -> None:
    """The model as a file; the same model gives the same bytes. Written beside and moved into place."""
    scale = np.abs(model.memory.rows).max(axis=1, keepdims=True) / 127
    head = {"format": FORMAT, "version": model.version, "spec": model.spec, "about": dict(model.about),
            "strange_below": model.memory.strange_below}  # fmt: skip
    arrays = {
        "head": np.frombuffer(json.dumps(head, ensure_ascii=False, sort_keys=True).encode(), np.uint8),
        "vocabulary": np.frombuffer("\n".join(model.vocabulary).encode(), np.uint8),
        "rarity": model.rarity.astype(np.float16),
        "both.words": model.both.words.astype(np.float16),
        "both.figures": model.both.figures.astype(np.float32),
        "words_only.words": model.words_only.words.astype(np.float16),
        "words_only.figures": model.words_only.figures.astype(np.float32),
        "axes": model.memory.axes.astype(np.float16),
        "rows": np.round(model.memory.rows / scale).astype(np.int8),
        "scale": scale.astype(np.float16),
        "says": model.memory.says.astype(np.float16),
    }
    half = path.with_name(path.name + ".tmp")
    with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), buffer.getvalue(), zipfile.ZIP_DEFLATED)  # no time of day
    half.replace(path)


def read_model(path: Path) -> TriageModel:
    """The model in a file. Raises BadTriageModel when it is damaged or of another format."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return _parsed({name: arrays[name] for name in arrays.files})
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        reason = f"{type(error).__name__}: {error}"
        raise BadTriageModel(reason, file=str(path), reason=str(error)[:200]) from error


def _parsed(arrays: Mapping[str, npt.NDArray[Any]]) -> TriageModel:
    head = json.loads(arrays["head"].tobytes().decode())
    if head["format"] != FORMAT:
        raise ValueError(f"format {head['format']}, not {FORMAT}")
    vocabulary = {gram: at for at, gram in enumerate(arrays["vocabulary"].tobytes().decode().split("\n"))}
    both, words_only = (
        Coefficients(arrays[f"{part}.words"].astype(np.float32), arrays[f"{part}.figures"].astype(np.float64))
        for part in ("both", "words_only")
    )
    rows = arrays["rows"].astype(np.float32) * arrays["scale"].astype(np.float32)
    memory = Memory(
        arrays["axes"].astype(np.float32), rows, arrays["says"].astype(np.float32), float(head["strange_below"])
    )
    rarity = arrays["rarity"].astype(np.float32)
    shapes = (both.words.shape, words_only.words.shape, memory.says.shape[1:], rarity.shape)
    size = len(vocabulary)
    if shapes != ((size, OUTPUTS), (size, OUTPUTS), (OUTPUTS,), (size,)) or len(memory.says) != len(rows):
        raise ValueError(f"its parts do not fit together: {shapes}")
    return TriageModel(
        str(head["version"]), str(head["spec"]), head["about"], vocabulary, rarity, both, words_only, memory
    )


@cache
def shipped_model() -> TriageModel:
    """The model that ships with Firstline. Read once, about 0.1 s."""
    return read_model(FILE)


def model_of(data_dir: Path) -> TriageModel:
    """The model an installation judges with: its own one, else the one that ships. Raises BadTriageModel."""
    own = data_dir / INSTALLED
    return read_model(own) if own.exists() else shipped_model()
