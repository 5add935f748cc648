"""The learned part of triage: kernel ridge regression over a message's embedding and its evidence.

Trained in a moment, in closed form, on the labelled messages of `triage_prototypes.json`; the same messages give the
same model, bit for bit on one machine. The evidence of the prototypes is read by the very rules it stands beside, so
the model knows how far to trust them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from base.text import detect_language
from bot.triage_evidence import extract
from bot.triage_features import features
from bot.triage_lexicon import scan
from bot.triage_rules import judge
from bot.triage_wording import CATEGORIES, category_scores
from desk.models import Category, Urgency
from kb.embed import Embedder

Floats = npt.NDArray[np.float64]
_FILE = Path(__file__).with_name("triage_prototypes.json")
_LEVELS = tuple(Urgency)
# All by cross-validation over the prototypes, folds of similar messages kept together.
_SHARPNESS = 2.0  # of the embedding kernel: exp(sharpness * (cosine - 1))
_EVIDENCE_WEIGHT = 0.002  # of the evidence's inner product beside the embedding kernel
_WORDS_WEIGHT = 0.02  # of the category words' inner product
_URGENCY_RIDGE, _CATEGORY_RIDGE = 0.3, 0.1
# A missed urgent costs far more than a false alarm: at 0.15 recall is 0.94 at 4.5 % false alarms (0.88 at 2 % without).
_URGENT_BONUS = 0.15
_HUMAN_RIDGE = 0.3
# A message that is farther from every labelled one than this share of them is from its nearest is out of the model's
# depth. Of 800 questions to public knowledge bases 143 were urgent without this, 31 with it; over the labelled messages
# urgent recall went from .95 to .94.
_STRANGE_SHARE = 0.2
_TEMPERATURE = 6.0  # turns scores into shares that are right about as often as they say


@dataclass(frozen=True, slots=True)
class Prototype:
    text: str
    urgency: Urgency
    category: Category
    human: bool  # asks for a person


@dataclass(frozen=True, slots=True)
class Lessons:
    """What the model learns from. `wishes`: texts that are labelled only by whether they ask for a person."""

    messages: tuple[Prototype, ...]
    wishes: tuple[tuple[str, bool], ...]

    @property
    def texts(self) -> list[str]:
        """All texts, messages first: the order of their vectors."""
        return [message.text for message in self.messages] + [text for text, _ in self.wishes]


@dataclass(frozen=True, slots=True)
class Opinion:
    """Shares per level (4,) and per category (9,), each summing to 1, and the most similar prototypes, best first."""

    urgency: Floats
    category: Floats
    human: float  # about 0 to 1: how much it reads like a wish for a person
    neighbours: tuple[tuple[Prototype, float], ...]  # with cosine
    familiar: bool  # whether it resembles what the model was taught

    @property
    def level(self) -> Urgency:
        return _LEVELS[int(self.urgency.argmax())]


def lessons() -> Lessons:
    """The labelled messages, in file order."""
    rows = json.loads(_FILE.read_text(encoding="utf-8"))
    messages = (
        Prototype(row["text"], Urgency(row["urgency"]), Category(row["category"]), row.get("human", False))
        for row in rows["messages"]
    )
    return Lessons(tuple(messages), tuple((row["text"], row["human"]) for row in rows["wishes"]))


class Head:
    """The fitted model. Reading is thread-safe."""

    def __init__(self, taught: Lessons, vectors: Floats) -> None:
        """vectors: (n, dim) unit rows, `taught.texts` embedded as queries."""
        known = taught.messages
        read = [extract(prototype.text) for prototype in known]
        self._known = known
        self._vectors = vectors.astype(np.float32)  # read whole for every message: half the memory to go through
        known_evidence = np.array([features(evidence, judge(evidence)) for evidence in read])
        known_words = np.array([category_scores(scan(message.text))[0] for message in known])
        levels = np.array([prototype.urgency.rank for prototype in known])
        categories = np.array([CATEGORIES.index(prototype.category) for prototype in known])
        own = vectors[: len(known)]
        similar = _similar(own, own)
        nearest = (own @ own.T - 3.0 * np.eye(len(own))).max(axis=1)  # of the others
        self._strange_below = float(np.quantile(nearest, _STRANGE_SHARE))
        self._for_urgency = _ridge(
            similar + _EVIDENCE_WEIGHT * known_evidence @ known_evidence.T, levels, len(_LEVELS), _URGENCY_RIDGE
        )
        self._for_category = _ridge(
            similar + _WORDS_WEIGHT * known_words @ known_words.T, categories, len(CATEGORIES), _CATEGORY_RIDGE
        )
        # Evidence and words enter the kernel linearly: all prototypes at once, as one small matrix each.
        self._by_evidence = _EVIDENCE_WEIGHT * known_evidence.T @ self._for_urgency
        self._by_words = _WORDS_WEIGHT * known_words.T @ self._for_category

        wishes = np.array([*(message.human for message in known), *(human for _, human in taught.wishes)], int)
        self._for_human = _ridge(_similar(vectors, vectors), wishes, 2, _HUMAN_RIDGE)

    def judge(self, vector: npt.NDArray[np.float32], evidence: Floats, words: Floats, nearest: int = 3) -> Opinion:
        """Opinion on a message. vector: (dim,) unit; evidence: triage_features; words: category_scores."""
        cosines = (self._vectors @ vector).astype(np.float64)
        similar_to_all = _sharpened(cosines)
        similar = similar_to_all[: len(self._known)]
        urgency = similar @ self._for_urgency + evidence @ self._by_evidence
        urgency[Urgency.URGENT.rank] += _URGENT_BONUS
        category = similar @ self._for_category + words @ self._by_words
        best = _best(cosines[: len(self._known)], nearest)
        neighbours = tuple((self._known[at], float(cosines[at])) for at in best)
        human = float(similar_to_all @ self._for_human[:, 1]) + 0.5
        familiar = bool(cosines[best[0]] >= self._strange_below)
        return Opinion(_shares(urgency), _shares(category), human, neighbours, familiar)


def _best(cosines: Floats, nearest: int) -> npt.NDArray[np.intp]:
    """The places of the `nearest` greatest, greatest first; of equals the one that comes first."""
    lowest = np.partition(cosines, -nearest)[-nearest] if nearest < len(cosines) else -np.inf
    places = np.nonzero(cosines >= lowest)[0]
    return places[np.argsort(-cosines[places], kind="stable")][:nearest]


def _similar(vectors: Floats, others: Floats) -> Floats:
    return _sharpened(vectors @ others.T)


def _sharpened(cosines: Floats) -> Floats:
    kernel: Floats = np.exp(_SHARPNESS * (cosines - 1.0))
    return kernel


def _ridge(kernel: Floats, labels: npt.NDArray[np.int64], classes: int, ridge: float) -> Floats:
    """(n, classes) dual coefficients. Rare classes get a smaller ridge, so that they are not drowned."""
    rarity = 1.0 / np.sqrt(np.bincount(labels, minlength=classes)[labels])
    rarity /= rarity.mean()
    targets = np.eye(classes)[labels] - 1.0 / classes
    return np.asarray(np.linalg.solve(kernel + ridge * np.diag(1.0 / rarity), targets), np.float64)


def _shares(scores: Floats) -> Floats:
    powers = np.exp(_TEMPERATURE * (scores - scores.max()))
    shares: Floats = powers / powers.sum()
    return shares


def load_head(embedder: Embedder, cache_dir: Path | None = None) -> Head:
    """The model for an embedder. The first time the prototypes are embedded (about 10 s on two cores).

    cache_dir: where their vectors are kept, named by embedder and prototypes; a damaged file is made anew.
    Raises what the embedder raises (EmbedderUnavailable and the like).
    """
    taught = lessons()
    texts = taught.texts
    path = None if cache_dir is None else cache_dir / f"triage-{_key(embedder)}.npy"
    vectors = _read(path, len(texts))
    if vectors is None:
        vectors = np.stack([embedder.embed_query(text, detect_language(text)) for text in texts]).astype(np.float32)
        if path is not None:
            _write(path, vectors)
    return Head(taught, vectors.astype(np.float64))


def _key(embedder: Embedder) -> str:
    seen = hashlib.sha256(str(embedder.spec.digest).encode() + _FILE.read_bytes())
    return seen.hexdigest()[:16]


def _read(path: Path | None, rows: int) -> npt.NDArray[np.float32] | None:
    if path is None or not path.exists():
        return None
    try:
        vectors = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    sound = vectors.ndim == 2 and vectors.shape[0] == rows and bool(np.isfinite(vectors).all())
    return vectors.astype(np.float32) if sound else None


def _write(path: Path, vectors: npt.NDArray[np.float32]) -> None:
    """Written beside and moved into place: a reader never sees half a file. A read-only folder costs only time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".tmp.npy")
        np.save(half, vectors, allow_pickle=False)
        half.replace(path)
    except OSError:
        return
