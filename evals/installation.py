"""Installations to measure: the one named, or a temporary one built from articles, kept under --work for the next run."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from base.errors import InvalidInput
from base.i18n import N_
from base.settings import Settings
from bot.confidence import INSTALLED
from evals.folder import Folder, Section, unpack
from evals.gold import article_key
from evals.masking import drafts
from ingest.pipeline import BATCH_CHUNKS, IngestOptions, embed
from ingest.sources import Source, translation_key, walk
from kb import store
from kb.models import ArticleDraft, ChunkDraft, Status
from kb.tables import ArticleRow
from web.commands.demo import NothingToAnswerFrom
from web.demo.setup import ARTICLES, COLLECTION, load_articles
from web.wiring import Services, build

Fill = Callable[[Services], None]
READY = "ready.json"


class CannotCopy(InvalidInput):
    code = "cannot_copy_installation"
    message = N_("This suite changes articles and conversations, so it works on a copy, and only an installation on SQLite "
                 "can be copied. Measure a folder of documents instead: --folder DIR.")  # fmt: skip


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Services]:
    """Services on an installation, the models loaded."""
    services = build(settings)
    try:
        services.warm()
        yield services
    finally:
        services.close()


@contextlib.contextmanager
def copied(settings: Settings) -> Iterator[Services]:
    """Services on a copy of an installation: what is done to it is gone afterwards.

    Raises CannotCopy, NothingToAnswerFrom.
    """
    if not settings.url.startswith("sqlite:///"):
        raise CannotCopy
    original = Path(settings.url.removeprefix("sqlite:///"))
    if not original.is_file():
        raise NothingToAnswerFrom(folder=str(settings.data_dir))
    with tempfile.TemporaryDirectory(prefix="firstline-eval-") as name:
        folder = Path(name)
        source = sqlite3.connect(f"{original.absolute().as_uri()}?mode=ro", uri=True)
        target = sqlite3.connect(folder / "firstline.db")
        with contextlib.closing(source), contextlib.closing(target):
            source.backup(target)
        _share_models(settings, folder)
        with contextlib.suppress(FileNotFoundError):  # most installations judge with the fit that ships
            shutil.copy(settings.data_dir / INSTALLED, folder)
        with opened(_at(settings, folder)) as services:
            yield services


@contextlib.contextmanager
def demo(settings: Settings, work: Path | None) -> Iterator[Services]:
    """Services on the demo articles, freshly read or kept from an earlier run."""
    content = hashlib.sha256()
    for source in walk(ARTICLES):
        content.update(f"{source.name}\0".encode() + source.path.read_bytes())

    def fill(services: Services) -> None:
        load_articles(services)

    with _built(settings, work, COLLECTION, content.hexdigest(), fill) as services:
        yield services


@contextlib.contextmanager
def of_folder(
    settings: Settings, work: Path | None, folder: Folder, sections: list[Section], lang: str, *, masked: bool
) -> Iterator[Services]:
    """Services on the documents of one language of a folder, and only those."""
    content = hashlib.sha256(f"{masked} {lang}".encode())
    for path in _inputs(folder, masked):
        content.update(path.read_bytes())
    ours = [section for section in sections if section.lang == lang]

    def fill(services: Services) -> None:
        if masked or folder.docs is None:
            _save(services, drafts(ours, folder.name, masked=masked))
            return
        with tempfile.TemporaryDirectory(prefix="firstline-eval-docs-") as into:
            known = {section.doc: section.lang for section in sections}
            sources = [one for one in walk(unpack(folder, Path(into))) if _language(one, known, lang) == lang]
            services.pipeline.run(sources, IngestOptions(folder.name))

    name = f"{folder.name}-{lang}{'-masked' if masked else ''}"
    with _built(settings, work, name, content.hexdigest(), fill) as services:
        yield services


@contextlib.contextmanager
def _built(settings: Settings, work: Path | None, name: str, content: str, fill: Fill) -> Iterator[Services]:
    """An installation filled by `fill`; one that was broken off is filled up, a finished one used as it is.

    Another embedder or another way of cutting documents makes another installation; the same one with other vectors
    (a new version of it) is embedded again.
    """
    kind = f"{content} {settings.embedder} {settings.embedder_base_url} {store.CHUNKER}"
    digest = hashlib.sha256(kind.encode()).hexdigest()[:12]
    with contextlib.ExitStack() as stack:
        if work is None:
            made = stack.enter_context(tempfile.TemporaryDirectory(prefix="firstline-eval-"))
            folder = Path(made)
        else:
            folder = work / f"{name}-{digest}"
            folder.mkdir(parents=True, exist_ok=True)
        _share_models(settings, folder, work)
        services = stack.enter_context(opened(_at(settings, folder)))
        ready, spec = folder / READY, services.embedder.spec.digest
        if not ready.exists() or json.loads(ready.read_text(encoding="utf-8")).get("spec") != spec:
            fill(services)  # what stands there with vectors of this model is passed over
            ready.write_text(json.dumps({"content": content, "spec": spec}), encoding="utf-8")
        yield services


def _at(settings: Settings, folder: Path) -> Settings:
    """The settings in force, on another installation: what is measured is what is configured."""
    return settings.model_copy(
        update={"data_dir": folder, "database_url": "", "vector_index": "exact", "log_level": "error"}
    )


def _share_models(settings: Settings, folder: Path, work: Path | None = None) -> None:
    """The graph of the model and what triage learned are made once, not for every installation."""
    known, kept = settings.data_dir / "models", (work or folder) / "models"
    if not known.is_dir() and work is None:
        return
    if not known.is_dir():
        kept.mkdir(parents=True, exist_ok=True)
        known = kept
    link = folder / "models"
    if link.is_symlink() and not link.exists():
        link.unlink()
    if not link.exists():
        with contextlib.suppress(FileExistsError):
            try:
                link.symlink_to(known.resolve(), target_is_directory=True)
            except OSError:  # no links on this file system
                shutil.copytree(known, link, dirs_exist_ok=True)


def _inputs(folder: Folder, masked: bool) -> list[Path]:
    if masked or folder.docs is None:
        return [folder.sections] if folder.sections else []
    return [folder.docs] if folder.docs.is_file() else [source.path for source in walk(folder.docs)]


def _language(source: Source, known: dict[str, str], wanted: str) -> str:
    """Of a document: as its sections say, by its path, or else whatever is wanted (a set in one language)."""
    if source.name in known:
        return known[source.name]
    first = source.name.partition("/")[0].lower()
    return first[:2] if translation_key(source.name) and first[:2] in ("zh", "en") else wanted


def _save(services: Services, made: Iterable[tuple[ArticleDraft, tuple[ChunkDraft, ...]]]) -> None:
    """Embed and publish articles, whole batches at a time; those that are in already are passed over."""
    waiting: list[tuple[ArticleDraft, tuple[ChunkDraft, ...]]] = []
    known: dict[str, str] | None = None
    for draft, pieces in made:
        if known is None:
            with services.database.read() as session:
                known = store.hashes(session, draft.collection, services.embedder.spec.digest)
        if known.get(draft.source) == store.content_hash(draft):
            continue
        waiting.append((draft, pieces))
        if sum(len(one) for _, one in waiting) >= BATCH_CHUNKS:
            _write(services, waiting)
            waiting = []
    _write(services, waiting)


def _write(services: Services, waiting: list[tuple[ArticleDraft, tuple[ChunkDraft, ...]]]) -> None:
    if not waiting:
        return
    vectors, at = embed(services.embedder, waiting), 0
    spec, now = services.embedder.spec.digest, datetime.now(UTC)
    with services.database.begin() as session:
        for draft, pieces in waiting:
            part = vectors[at : at + len(pieces)]
            store.save_version(session, services.keywords, draft, pieces, part, spec, now)
            at += len(pieces)


def count_articles(services: Services) -> int:
    """Published articles. Raises NothingToAnswerFrom when there is none: every figure would be made of nothing."""
    with services.database.read() as session:
        count = store.counts(session).published
    if not count:
        raise NothingToAnswerFrom(folder=str(services.settings.data_dir))
    return count


def languages_of_articles(services: Services) -> dict[str, frozenset[str]]:
    """In which languages each published article exists, by what its versions share (`evals.gold.article_key`)."""
    found: dict[str, set[str]] = {}
    with services.database.read() as session:
        query = select(ArticleRow.source, ArticleRow.lang).where(ArticleRow.status == Status.PUBLISHED)
        for source, lang in session.execute(query):
            found.setdefault(article_key(source), set()).add(lang)
    return {key: frozenset(langs) for key, langs in found.items()}
