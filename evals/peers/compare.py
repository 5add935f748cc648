"""`firstline bench peers`: the same pieces, vectors and questions through Firstline and every installed peer."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from base.errors import AppError
from base.i18n import explain
from base.log import get_logger, set_up_logging
from base.settings import Settings
from base.text import clean
from evals import folder, installation
from evals.asking import EVERYTHING
from evals.bench.figures import Figures, machine
from evals.bench.installation import settings_for
from evals.cases import Case, Kind, questions, read_lines, sample
from evals.gold import rank_of_article, rank_of_section
from evals.measures import SuiteName
from evals.peers.ours import NAME, Firstline, pieces_of
from evals.peers.peer import Peer, Piece, Remembered
from evals.peers.registry import ENTRIES, NotInstalled, peers_of
from evals.peers.report import Row, Tried, as_json, as_text
from evals.run import BUNDLED
from kb import store
from kb.models import Passage
from web.wiring import Services

log = get_logger(__name__)
DEPTH = 50  # pieces looked through, as `firstline eval retrieval` does
WARM_UP = 3
Make = Callable[[], list[Peer]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line."""

    folder: Path | None = None
    masked: bool = False
    cross: bool = False
    limit: int = 0
    work: Path | None = None


@dataclass(slots=True)
class Corpus:
    """One installation with the questions put to it, ready for any peer."""

    services: Services
    cases: Sequence[Case]
    pieces: list[Piece] = field(init=False)
    embeddings: Remembered = field(init=False)
    passages: dict[str, Passage] = field(init=False)

    def __post_init__(self) -> None:
        database, embedder = self.services.database, self.services.embedder
        self.pieces, vectors = pieces_of(database, embedder.spec.digest)
        self.embeddings = Remembered(vectors, embedder)
        ids = [int(piece.id) for piece in self.pieces]
        with database.read() as session:
            parts = [store.passages(session, ids[at : at + 500], EVERYTHING) for at in range(0, len(ids), 500)]
        self.passages = {str(number): passage for part in parts for number, passage in part.items()}
        for case in self.cases:
            self.embeddings.embed_query(self.question(case))

    def question(self, case: Case) -> str:
        return clean(case.text[: self.services.settings.message_max_chars])


def main(argv: Sequence[str] | None = None) -> int:
    """Compare and print; return 0, or 2 when what was asked for cannot be measured."""
    given = _parser().parse_args(argv)
    settings = settings_for(Path("firstline-data"))
    set_up_logging(settings)
    wish = Wish(given.folder, given.masked, given.cross, given.limit, given.work)
    try:
        if (wish.masked or wish.cross) and wish.folder is None:
            _parser().error("--masked and --cross need --folder")
        tried = compare(settings, wish)
    except AppError as error:
        print(f"firstline: {explain(error, 'en')}", file=sys.stderr)
        return 2
    what: Figures = {
        "asked of": str(wish.folder or "the demo articles"),
        "masked": wish.masked,
        "cross": wish.cross,
        "limit": wish.limit,
        **machine(),
    }
    sys.stdout.write(as_json(tried, what) if given.json else as_text(tried, what))
    return 0


def compare(settings: Settings, wish: Wish, extra: Sequence[Make] = ()) -> list[Tried]:
    """Firstline first, then each peer of the registry and of `extra`, installed or not.

    Raises what reading the folder and its questions raises.
    """
    with tempfile.TemporaryDirectory(prefix="firstline-peers-") as scratch:
        tried: dict[str, Tried] = {}
        for corpus in _corpora(settings, wish):
            for name, peer in _peers(corpus, extra):
                one = tried.setdefault(name, Tried(name))
                if isinstance(peer, str):
                    one.missing = peer
                    continue
                log.info("peer_begins", peer=name)
                _try(one, peer, corpus, Path(tempfile.mkdtemp(dir=scratch)))
        return list(tried.values())


def _peers(corpus: Corpus, extra: Sequence[Make]) -> Iterator[tuple[str, Peer | str]]:
    """(name, peer), or what is missing instead of it."""
    yield NAME, Firstline(corpus.services.database, corpus.services.embedder)
    for entry in ENTRIES:
        try:
            yield from ((peer.name, peer) for peer in peers_of(entry))
        except NotInstalled as error:
            yield entry.name, f"not installed ({', '.join(entry.packages)}): {error}"
    for make in extra:
        yield from ((peer.name, peer) for peer in make())


def _try(one: Tried, peer: Peer, corpus: Corpus, place: Path) -> None:
    """Index and ask everything. A peer that fails is reported with what it said, and costs the others nothing."""
    try:
        started = time.perf_counter()
        peer.index(corpus.pieces, corpus.embeddings, place)
        texts = [corpus.question(case) for case in corpus.cases]
        peer.search(texts[0], DEPTH)  # what a peer puts off until it is first asked is indexing, too
        one.indexing_s += time.perf_counter() - started
        one.pieces += len(corpus.pieces)
        for text in texts[:WARM_UP]:
            peer.search(text, DEPTH)
        for case, text in zip(corpus.cases, texts, strict=True):
            started = time.perf_counter()
            ids = peer.search(text, DEPTH)
            spent = (time.perf_counter() - started) * 1000
            found = [corpus.passages[name] for name in ids]
            section = rank_of_section(found, case) if case.sections else None
            one.rows.append(Row(case.lang, rank_of_article(found, case), section, spent))
    except Exception as error:  # whatever a framework throws
        one.missing = f"failed: {type(error).__name__}: {str(error)[:200]}"
        one.rows.clear()
    finally:
        peer.close()


def _corpora(settings: Settings, wish: Wish) -> Iterator[Corpus]:
    """The demo articles with the bundled questions, or each language of a folder with its own."""
    if wish.folder is None:
        cases = read_lines(BUNDLED[SuiteName.RETRIEVAL], questions, "retrieval")
        answerable = [case for case in cases if case.kind is Kind.ANSWERABLE]
        with _measured(settings) as ours, installation.demo(ours, wish.work) as services:
            yield Corpus(services, sample(answerable, wish.limit, lambda case: case.id))
        return
    place = folder.find(wish.folder)
    sections = folder.read_sections(place) if place.sections or wish.masked else []
    placed = folder.read_questions(place, sections, cross=wish.cross)
    placed = sample(placed, wish.limit, lambda one: one[1].id)
    for lang in sorted({lang for lang, _ in placed}):
        cases = [case for own, case in placed if own == lang]
        with (
            _measured(settings) as ours,
            installation.of_folder(ours, wish.work, place, sections, lang, masked=wish.masked) as services,
        ):
            yield Corpus(services, cases)


@contextmanager
def _measured(settings: Settings) -> Iterator[Settings]:
    """Settings of no installation: its own temporary folder is made beside what is built."""
    with tempfile.TemporaryDirectory(prefix="firstline-peers-") as given:
        yield settings.model_copy(update={"data_dir": Path(given)})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="firstline bench peers",
        description="The same passages, vectors and questions through Firstline and the popular frameworks.",
        epilog="The frameworks come with the extra firstline[peers]; docs/evals.md says how to install it.",
    )
    parser.add_argument(
        "--folder", type=Path, help="folder with documents and queries.jsonl; default: the demo articles"
    )
    parser.add_argument(
        "--masked", action="store_true", help="without the titles and headings the questions were made of"
    )
    parser.add_argument("--cross", action="store_true", help="each question asks the documents of the other language")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="so many questions; default: all")
    parser.add_argument("--work", type=Path, metavar="DIR", help="keep what is embedded here for the next run")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


if __name__ == "__main__":
    sys.exit(main())
