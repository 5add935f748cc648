"""Every concrete choice in one place: server, worker, command line and evals all call `build`."""

from __future__ import annotations

import gc
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from base.clock import Clock, SystemClock, local_day
from base.database import Database
from base.errors import StorageUnavailable
from base.log import get_logger
from base.migrate import migrate
from base.settings import Settings
from bot.breaker import Breaker
from bot.confidence import Fit, fit_of
from bot.engine import Engine
from bot.rewrite import Rewriter
from bot.surge_watch import SurgeWatch
from bot.think import Thinker
from bot.triage import Judge, Triager
from bot.triage_model import model_of
from bot.writer import AnswerWriter, QuotingWriter
from desk.service import ServiceDefaults
from desk.service import load as load_defaults
from ingest.models import Limits
from ingest.pipeline import Pipeline
from kb.audit import remember_spec
from kb.embed import Embedder, make_embedder
from kb.keyword import KeywordIndex, make_keyword_index
from kb.rerank import make_reranker
from kb.search import Searcher
from kb.vector import ExactIndex, VectorIndex
from web.mail.notify import StaffNotices
from web.mail.office import Office, open_office

log = get_logger(__name__)
BREAKER_FILE = "model-breaker.json"  # says that a model that failed again and again rests


_COLLECT_AFTER = (5_000, 20, 50)  # objects and generations: a message makes few cycles (turn: p50 -7 %, p95 -15 %)


@dataclass(frozen=True, slots=True)
class Services:
    """One running Firstline: what routes, worker and commands are given."""

    settings: Settings
    database: Database
    clock: Clock
    today: Callable[[], str]  # the day at the desk, YYYY-MM-DD
    embedder: Embedder
    keywords: KeywordIndex
    vectors: VectorIndex
    searcher: Searcher
    pipeline: Pipeline
    writer: AnswerWriter
    engine: Engine
    thinker: Thinker
    triager: Judge
    surge: SurgeWatch
    fit: Fit
    defaults: ServiceDefaults
    secret_key: str
    office: Office
    notices: StaffNotices

    def warm(self) -> None:
        """Load the models and the vocabularies now, not at the first question."""
        self.embedder.warm()
        self.triager.of_words().triage("warm", lang="en")

    def close(self) -> None:
        self.vectors.close()
        self.database.close()


def settle() -> None:
    """For a process that serves and nothing else, once it is warm: the garbage collector leaves alone what is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


def build(settings: Settings, *, clock: Clock | None = None, owner: bool = False) -> Services:
    """Put Firstline together, with its database migrated.

    owner: this process may keep the derived index on disk (the server); others search exactly, without touching it.
    Raises MisconfiguredSetting, StorageUnavailable, DatabaseTooNew: each says what to do.
    """
    clock = clock or SystemClock()
    make_data_dir(settings.data_dir)
    database = Database(settings.url)
    applied = migrate(database)
    if applied:
        log.info("database_migrated", revisions=",".join(applied))
    embedder = embedder_of(settings)
    remember_spec(database, embedder)
    keywords = make_keyword_index(database)
    vectors = _vector_index(settings, database, embedder, owner)
    today = local_day(clock, settings.timezone)
    searcher = Searcher(database, embedder, vectors, keywords, today, make_reranker(settings.reranker))
    writer, rewriter, triager = _by_model(settings, Triager(embedder, model_of(settings.data_dir)))
    fit = fit_of(settings.data_dir)
    thinker = Thinker(settings, embedder, searcher, triager, writer, fit, rewriter)
    secret = _secret_key(settings)
    office = open_office(settings, secret)
    notices = StaffNotices(settings, office)
    defaults = load_defaults(Path(settings.service_defaults) if settings.service_defaults else None)
    return Services(
        settings=settings,
        database=database,
        clock=clock,
        today=today,
        embedder=embedder,
        keywords=keywords,
        vectors=vectors,
        searcher=searcher,
        pipeline=Pipeline(database, embedder, keywords, vectors, clock),
        writer=writer,
        engine=Engine(settings, database, clock, thinker, defaults, notices.wrote),
        thinker=thinker,
        triager=triager,
        surge=SurgeWatch(settings, database, clock),
        fit=fit,
        defaults=defaults,
        secret_key=secret,
        office=office,
        notices=notices,
    )


def embedder_of(settings: Settings) -> Embedder:
    """The embedder the settings name. Raises what `make_embedder` raises."""
    return make_embedder(
        settings.embedder,
        settings.data_dir / "models",
        base_url=settings.embedder_base_url,
        api_key=settings.embedder_api_key.get_secret_value(),
        workers=settings.embedder_workers,
    )


def limits_of(settings: Settings) -> Limits:
    """How much one document may cost under these settings."""
    return Limits(max_bytes=settings.upload_max_bytes, max_seconds=settings.ingest_parse_seconds)


def make_data_dir(folder: Path) -> None:
    """The installation's folder, writable; a new one is its owner's alone. Raises StorageUnavailable naming it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / f".write-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StorageUnavailable.at(folder, error, "cannot write in") from error


def _vector_index(settings: Settings, database: Database, embedder: Embedder, owner: bool) -> VectorIndex:
    spec = embedder.spec
    if settings.vector_index == "pgvector":
        from kb.pgvector import PgVectorIndex

        return PgVectorIndex(database, spec.digest, spec.dim)
    if settings.vector_index == "chroma" and owner:
        from kb.chroma import SealedChroma

        index = SealedChroma(settings.data_dir / "index", database, spec.digest, spec.dim)
        index.start()
        return index
    return ExactIndex(database, spec.digest, spec.dim)


def _by_model(settings: Settings, triager: Triager) -> tuple[AnswerWriter, Rewriter | None, Judge]:
    """Who words answers, who makes a follow-up a question of its own, who judges: a chat model's work, or nobody's."""
    if not settings.llm:
        return QuotingWriter(), None, triager
    from bot.model_writer import ModelWriter, make_chat_model
    from bot.rewrite import ModelRewriter
    from bot.triage_llm import ModelTriager

    model = make_chat_model(
        settings.llm,
        base_url=settings.llm_base_url,
        api_key=settings.llm_api_key.get_secret_value(),
        timeout_seconds=settings.llm_timeout_seconds,
        max_tokens=settings.llm_max_tokens,
    )
    breaker = Breaker(state_file=settings.data_dir / BREAKER_FILE)
    organisation, seconds = settings.organisation, settings.llm_timeout_seconds
    writer = ModelWriter(model, settings.llm, timeout_seconds=seconds, organisation=organisation, breaker=breaker)
    rewriter = ModelRewriter(model, settings.llm, organisation=organisation, breaker=breaker, timeout_seconds=seconds)
    if not settings.llm_triage:
        return writer, rewriter, triager
    judge = ModelTriager(
        triager, model, settings.llm, organisation=organisation, breaker=breaker, timeout_seconds=seconds
    )
    return writer, rewriter, judge


def _secret_key(settings: Settings) -> str:
    """The configured key, or one made once and kept in the data folder, readable by its owner only."""
    given = settings.secret_key.get_secret_value()
    if given:
        return given
    path = settings.data_dir / "secret.key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    except OSError as error:
        raise StorageUnavailable.at(path, error) from error
    return path.read_text()
