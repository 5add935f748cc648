"""The second look: what was found for a question, put in order by more than the two rankers said.

A Reranker is given everything that is known of a candidate anyway and returns one score for each. The one that ships is
a linear model over a few figures that cost no further embedding (decisions/0009 says on what it was fitted, what it
brings and where it does not); `evals.fit_ranker` fits it anew. It never sees titles or headings as words: a model fitted
on questions that were headings once would learn from their absence that headings say nothing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from base.errors import InvalidInput, MisconfiguredSetting
from base.i18n import N_
from base.text import query_tokens
from kb.models import Passage

SETTING: Final = "reranker"
WEIGHTS = Path(__file__).parent / "ranker.json"
FORMAT: Final = 1
FEATURES: Final = (
    "near",  # similarity, scaled over the candidates of this question
    "keywords",  # BM25 as a share of the best of the question's language; 0 in the other language
    "dense",  # share of the question held, against the passage's length, as a share of the best of that language
    "article",  # share of the question that the article's other candidates hold and this one does not
    "steps",  # 1: has numbered steps
    "remedy",  # 1: its heading promises a way out
    "aside",  # 1: its heading announces what nobody asked for: further reading, whom to write to
    "foreign",  # 1: in the other language
    "foreign_near",
    "foreign_share",  # share of the question held: names, codes and commands
)
TRUST = 0.3  # power of the share of the question that the best passage of its language holds, on its keywords
LENGTH = 60  # distinct tokens of a passage of ordinary length
_LENGTH_COUNTS, _SATURATION = 0.3, 1.2  # b and k1 of BM25, with every word counted once
_STEP = re.compile(r"^\s*(?:\d{1,2}[.)、]|第[一二三四五六七八九十]步|step \d)", re.MULTILINE | re.IGNORECASE)
_REMEDY = re.compile(
    r"resol|solution|work[ -]?around|\bfix|how to|what to do|\bsteps?\b|procedure|\btry\b|mitigat|"
    r"解决|处理|怎么办|怎样|如何|步骤|办法|方法|排查|恢复|应对|补救|操作",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"^\W*(?:more information|additional (?:information|resources)|references?\b|see also|related|feedback|applies to|"
    r"learn more|next steps?|what'?s next|third-party|(?:still )?need (?:more )?help|still (?:not|does)|contact|"
    r"what to (?:tell|send|write)|what happens next|limit(?:s|ations?)?\W*$|"
    r"更多信息|补充信息|参考|另请参阅|相关(?:文章|链接|资源|文档|主题)|反馈|推荐文档|下一步|联系|还是(?:不行|连不上|没)|仍(?:然|未)|限制\W*$|"
    r".{0,6}告诉我们|报修时)",
    re.IGNORECASE,
)


class BadRanker(InvalidInput):
    """A file with weights that this version cannot use."""

    code = "bad_ranker"
    message = N_(
        "{file} cannot be used: {reason}. Install Firstline again, or fit it anew: python -m evals.fit_ranker."
    )


class RerankerUnknown(MisconfiguredSetting):
    code = "reranker_unknown"
    message = N_('The setting {name} is "{value}". Use learned, fused, or cross-encoder:MODEL.')


class Question(NamedTuple):
    """What is asked, as the ranking needs it."""

    text: str
    lang: str
    weights: Mapping[str, float]  # of each token: rare ones weigh most


class Contender(NamedTuple):
    """A passage with what search knows of it. Missing numbers are 0."""

    passage: Passage  # without figures
    similarity: float  # cosine with the question
    bm25: float
    tokens: frozenset[str]  # those of the question's tokens that it holds
    size: int  # distinct tokens of the passage
    fused: float  # of `kb.rank.fuse`, in [0, 1]; 0 for a reranker that does not read it
    coverage: float  # share of the question's token weight that it holds, in [0, 1]


class Reranker(Protocol):
    @property
    def name(self) -> str:
        """As the setting names it."""
        ...

    @property
    def reads_fused(self) -> bool:
        """Whether it looks at `Contender.fused`, which takes a while to work out."""
        ...

    def scores(self, question: Question, found: Sequence[Contender]) -> list[float]:
        """One score in [0, 1] for each, in their order; higher is better. The same question gives the same."""
        ...


@dataclass(frozen=True, slots=True)
class FusedOrder:
    """Leaves the order as the rankers made it."""

    name: str = "fused"
    reads_fused: bool = True

    def scores(self, question: Question, found: Sequence[Contender]) -> list[float]:
        return [one.fused for one in found]


@dataclass(frozen=True, slots=True)
class LearnedReranker:
    """The linear model: 0.3 ms for fifty candidates, 0.5 where none was ranked before."""

    weights: tuple[float, ...]  # one for each of FEATURES; near, keywords and dense come to 1
    about: Mapping[str, Any] = field(default_factory=dict)  # on what it was fitted
    name: str = "learned"
    reads_fused: bool = False

    def scores(self, question: Question, found: Sequence[Contender]) -> list[float]:
        sums = [sum(map(float.__mul__, self.weights, row)) for row in features(question, found)]
        return [round(min(1.0, max(0.0, value)), 6) for value in sums]


def read_ranker(path: Path) -> LearnedReranker:
    """The model in a file. Raises BadRanker when it is damaged or was made for other features."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT or set(data["weights"]) != set(FEATURES):
            raise ValueError("made for another version")
        weights = tuple(float(data["weights"][name]) for name in FEATURES)
        if not all(map(math.isfinite, weights)):
            raise ValueError("a weight is out of range")
        return LearnedReranker(weights, data.get("about", {}))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRanker(f"{type(error).__name__}: {error}", file=str(path), reason=str(error)[:200]) from error


@cache
def shipped_ranker() -> LearnedReranker:
    """The model that ships with Firstline."""
    return read_ranker(WEIGHTS)


def make_reranker(name: str) -> Reranker:
    """Return the reranker that a setting names. Raises RerankerUnknown, BadRanker; loads no model.

    name: "learned" | "fused" | "cross-encoder:NAME_OR_PATH".
    """
    kind, _, model = (part.strip() for part in name.partition(":"))
    if kind == "learned" and not model:
        return shipped_ranker()
    if kind == "fused" and not model:
        return FusedOrder()
    if kind == "cross-encoder" and model:
        from kb.rerank_cross import CrossEncoderReranker

        return CrossEncoderReranker(model, shipped_ranker())
    raise RerankerUnknown(name=SETTING, value=name)


def features(question: Question, found: Sequence[Contender]) -> list[tuple[float, ...]]:
    """FEATURES of each candidate, all in [0, 1]."""
    if not found:
        return []
    lang, total = question.lang, sum(question.weights.values())
    own = [one for one in found if one.passage.lang == lang]
    best_bm25 = max((one.bm25 for one in own), default=0.0)
    best_dense = max(map(_dense, own), default=0.0)
    # The best of a language that knows nothing of the question is still some number: see kb.rank.
    trust = max((one.coverage for one in own), default=0.0) ** TRUST
    low = min(one.similarity for one in found)
    width = max(one.similarity for one in found) - low
    held = _held_by_article(found)
    asked = frozenset(question.weights)
    rows: list[tuple[float, ...]] = []
    for one in found:
        passage = one.passage
        near = (one.similarity - low) / width if width > 0 else 1.0
        steps, remedy, aside = _shape(passage.text, passage.breadcrumb[-1] if passage.breadcrumb else "", asked)
        union = held.get(passage.article_id)
        elsewhere = sum([question.weights[t] for t in union]) / total - one.coverage if union and total else 0.0
        if passage.lang == lang:
            keywords = trust * one.bm25 / best_bm25 if best_bm25 > 0 else 0.0
            dense = trust * _dense(one) / best_dense if best_dense > 0 else 0.0
            rows.append((near, keywords, dense, max(0.0, elsewhere), steps, remedy, aside, 0.0, 0.0, 0.0))
        else:
            rows.append((near, 0.0, 0.0, max(0.0, elsewhere), steps, remedy, aside, 1.0, near, one.coverage))
    return rows


def _dense(one: Contender) -> float:
    """BM25 of a passage without word counts, up to a factor: of passages the keyword index did not name, too."""
    return one.coverage / (1 + _SATURATION * (1 - _LENGTH_COUNTS + _LENGTH_COUNTS * one.size / LENGTH))


def _held_by_article(found: Sequence[Contender]) -> dict[int, set[str]]:
    """Article id -> the question's tokens that its candidates hold together, of articles with several."""
    first: dict[int, frozenset[str]] = {}
    held: dict[int, set[str]] = {}
    for one in found:
        article = one.passage.article_id
        if article in held:
            held[article] |= one.tokens
        elif article in first:
            held[article] = {*first[article], *one.tokens}
        else:
            first[article] = one.tokens
    return held


def _shape(text: str, heading: str, asked: frozenset[str]) -> tuple[float, float, float]:
    """(has steps, promises a way out, is an aside): an aside that the question names is none."""
    steps, remedy, aside = _kind(text, heading)
    return steps, remedy, float(bool(aside) and asked.isdisjoint(_tokens(heading)))


@lru_cache(maxsize=4096)  # the same passages are good ones again and again
def _kind(text: str, heading: str) -> tuple[float, float, float]:
    first = _STEP.search(text)
    steps = first is not None and _STEP.search(text, first.end()) is not None
    return float(steps), float(bool(_REMEDY.search(heading))), float(bool(_ASIDE.search(heading)))


@lru_cache(maxsize=1024)
def _tokens(heading: str) -> frozenset[str]:
    return frozenset(query_tokens(heading))
