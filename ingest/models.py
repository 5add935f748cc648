"""What reading a document gives, and what it may cost. The pieces it is cut into are `kb.models.ChunkDraft`."""

from __future__ import annotations

from dataclasses import dataclass, field

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one file may cost. Every limit is a refusal with a reason, never a silent cut."""

    max_bytes: int = 50 * MEGABYTE
    max_unpacked_bytes: int = 300 * MEGABYTE  # of an office file, counted while unpacking, not as declared
    max_entries: int = 5_000  # parts inside an office file
    max_ratio: int = 200  # unpacked : packed of one part, looked at only above 1 MB
    max_pages: int = 2_000
    max_rows: int = 50_000  # of all sheets together
    max_text_chars: int = 10_000_000
    max_seconds: float = 60.0  # wall time, start of the helper process included
    max_memory_bytes: int = 1024 * MEGABYTE  # address space of the helper process
    fast_lane_bytes: int = MEGABYTE  # plain formats up to this size are read in our own process


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Raw:
    """What a format reader returns. Pages may be divided by a form feed; `load` turns those into offsets."""

    title: str
    text: str
    meta: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A document as text: `#` headings, `-` and `1.` lists, pipe tables and fenced code are kept as Markdown.

    meta: what the file says about itself ("description", "date", "keywords", "applies_to"; "product", "version",
    "package", "valid_from", "valid_until", see ingest/applies.py) and what we found out:
    "rows" is "qa" or "records" when every section is one table row, "pages" is the number of pages,
    "page_starts" the comma-separated offsets in `text` where each page begins.
    """

    title: str
    text: str
    lang: str  # "zh" or "en"
    media_type: str
    meta: dict[str, str]
