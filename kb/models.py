"""What we know: the words of the knowledge base. `Article > Version > Chunk > Passage(score)`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Audience(StrEnum):
    """Who may read: customers see `public`; staff see both."""

    PUBLIC = "public"
    INTERNAL = "internal"


class Status(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Applies:
    """To what and to whom an article applies, as it was written. What is empty limits nothing."""

    products: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()  # "8.5" is also 8.5.1, "2.x" is every 2
    packages: tuple[str, ...] = ()  # the service packages whose customers may read it
    valid_from: str = ""  # the first day on which it holds, YYYY-MM-DD
    valid_until: str = ""  # the last one


ALL = Applies()


@dataclass(frozen=True, slots=True)
class Article:
    id: int
    public_id: str
    collection: str
    source: str  # path of the file inside the ingested folder, or a URL
    title: str
    lang: str
    audience: Audience
    status: Status
    translation_key: str  # the same in every language version of one article; empty when it has no twin by name
    version_id: int | None  # the version that is visible, or was when it was archived
    updated_at: datetime
    applies: Applies = ALL


@dataclass(frozen=True, slots=True)
class Version:
    id: int
    article_id: int
    number: int  # 1, 2, 3 ...
    title: str
    body: str  # Markdown
    content_hash: str
    status: Status
    created_at: datetime
    published_at: datetime | None
    author: str


@dataclass(frozen=True, slots=True)
class ChunkDraft:
    """A piece of an article, ready to be embedded. `start` and `end`: characters of the version's body."""

    ordinal: int
    breadcrumb: tuple[str, ...]
    heading: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ArticleDraft:
    """An article as an editor or a file gives it."""

    collection: str
    source: str
    title: str
    body: str
    lang: str
    audience: Audience
    translation_key: str = ""
    author: str = ""
    meta: dict[str, Any] = field(default_factory=dict)
    applies: Applies = ALL


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk found for a question, as of one version of its article. Scores are comparable within one search only."""

    chunk_id: int
    article_id: int
    article_public_id: str
    version_id: int
    version_number: int
    collection: str
    source: str
    title: str
    breadcrumb: tuple[str, ...]
    text: str
    lang: str
    audience: Audience
    translation_key: str
    score: float  # fused, in [0, 1]
    similarity: float  # centred cosine with the question, in [-1, 1]
    keyword: float  # share of the question's weighted tokens this chunk covers, in [0, 1]
    start: int = 0
    end: int = 0
    applies: Applies = ALL

    @property
    def section(self) -> str:
        """The headings down to this passage, joined with " › "; empty for text before the first heading."""
        return " › ".join(self.breadcrumb)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a search may see: for whom, about what, on which day. Empty `collections`, `product` or `version` mean all.

    An article that names no product, version or package applies to all of them. `day` is filled in by the search.
    """

    audiences: tuple[Audience, ...] = (Audience.PUBLIC,)
    collections: tuple[str, ...] = ()
    product: str = ""
    version: str = ""  # "8.5", "v8.5.1", "2.x"
    package: str = ""  # the customer's service package; staff see what is written for any
    day: str = ""  # YYYY-MM-DD: what was not yet valid, or no longer is, is left out; "" asks no dates
