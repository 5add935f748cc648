"""What every peer must do, held against one made here and against those that are installed; and the comparison's report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from base.settings import Settings
from base.text import tokens
from evals.bench import __main__ as bench
from evals.cases import Case, Kind
from evals.peers import compare
from evals.peers.compare import Corpus, Wish
from evals.peers.ours import NAME, Firstline, pieces_of
from evals.peers.peer import NotRemembered, Peer, Piece, Remembered, distinct
from evals.peers.registry import ENTRIES, Entry, NotInstalled, peers_of
from evals.peers.report import Row, Tried, as_json, as_text, figures
from kb.hashed import hashed_embedder
from tests import articles
from web.wiring import Services

TEXTS = {
    "vpn": "VPN error 809 in a hotel: choose TCP 443 in the client",
    "printer": "The printer shows PRN-21: the device cannot reach the print server",
    "mailbox": "邮箱满了：开通在线归档，邮件自动移过去",
    "erp": "ERP 月结期间不能过账：期间已锁定",
}
QUESTIONS = {"printer PRN-21": "printer", "邮箱满了怎么办": "mailbox", "VPN error 809": "vpn"}


class Overlap:
    """A peer without a framework: pieces that share most words come first."""

    name = "shared words"

    def index(self, pieces: Sequence[Piece], embeddings: Remembered, folder: Path) -> None:
        assert embeddings.embed_documents([pieces[0].text])[0]
        self._words = {piece.id: set(tokens(piece.text)) for piece in pieces}

    def search(self, question: str, limit: int) -> list[str]:
        asked = set(tokens(question))
        scores = {name: len(asked & words) for name, words in self._words.items()}
        return [name for name in sorted(scores, key=lambda name: (-scores[name], name)) if scores[name]][:limit]

    def close(self) -> None:
        self._words.clear()


class Broken(Overlap):
    name = "broken"

    def search(self, question: str, limit: int) -> list[str]:
        raise RuntimeError("no index")


def _ready(entry: Entry) -> list[Peer]:
    try:
        return peers_of(entry)
    except NotInstalled:
        return []


@pytest.fixture
def given() -> tuple[list[Piece], Remembered]:
    embedder = hashed_embedder(64)
    pieces = [Piece(name, text) for name, text in TEXTS.items()]
    rows = embedder.embed_passages(list(TEXTS.values()), ["en", "en", "zh", "zh"])
    return pieces, Remembered(dict(zip(TEXTS.values(), rows, strict=True)), embedder)


@pytest.mark.parametrize(
    "peer", [Overlap(), *(peer for entry in ENTRIES for peer in _ready(entry))], ids=lambda peer: str(peer.name)
)
def test_a_peer_finds_the_piece_that_answers_and_names_each_once(
    peer: Peer, given: tuple[list[Piece], Remembered], tmp_path: Path
) -> None:
    pieces, embeddings = given
    peer.index(pieces, embeddings, tmp_path)
    try:
        for question, wanted in QUESTIONS.items():
            found = peer.search(question, 4)
            assert wanted in found[:2]
            assert len(found) == len(set(found)) <= 4
            assert set(found) <= TEXTS.keys()
        assert len(peer.search("VPN error 809", 1)) == 1
    finally:
        peer.close()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: str(entry.name))
def test_a_peer_that_is_not_installed_says_what_is_missing(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name}")

    monkeypatch.setattr("evals.peers.registry.import_module", missing)
    with pytest.raises(NotInstalled, match=entry.imports[0]):
        peers_of(entry)
    assert len(entry.packages) == len(entry.imports)


def test_every_vector_is_the_remembered_one_and_a_changed_text_is_noticed(
    given: tuple[list[Piece], Remembered],
) -> None:
    pieces, embeddings = given
    rows = np.array(embeddings.embed_documents([pieces[2].text, pieces[0].text]), np.float32)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert np.allclose(embeddings.embed_query("VPN"), embeddings.vector("VPN"))
    with pytest.raises(NotRemembered):
        embeddings.embed_documents([pieces[0].text + " "])


def test_the_first_of_what_was_found_are_kept_each_once() -> None:
    assert distinct(["b", "a", "b", "c"], 2) == ["b", "a"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, services: Services, tmp_path: Path) -> Corpus:
    """The tests' articles with three questions, instead of the demo's."""
    articles.load(services, tmp_path)
    cases = [
        Case("1", "What does VPN error 809 mean?", "en", Kind.ANSWERABLE, frozenset({"en/vpn.md"})),
        Case("2", "VPN 报错 809 怎么办？", "zh", Kind.ANSWERABLE, frozenset({"zh/vpn.md"}), sections=("no such text",)),
        Case("3", "Does it rain?", "en", Kind.ANSWERABLE, frozenset({"en/gone.md"})),
    ]
    corpus = Corpus(services, cases)
    monkeypatch.setattr(compare, "_corpora", lambda settings, wish: iter([corpus]))
    monkeypatch.setattr(
        compare, "ENTRIES", (Entry("Nothing", "evals.peers.words", ("nothing",), ("no_such_package",)),)
    )
    return corpus


def test_our_own_search_over_the_copy_finds_what_the_product_finds(small: Corpus, tmp_path: Path) -> None:
    services = small.services
    ours = Firstline(services.database, services.embedder)
    place = tmp_path / "copy"
    place.mkdir()
    ours.index(small.pieces, small.embeddings, place)
    try:
        for case in small.cases:
            found = services.searcher.search(small.question(case), top_k=5, scope=compare.EVERYTHING).passages
            assert ours.search(small.question(case), 5) == [str(passage.chunk_id) for passage in found]
    finally:
        ours.close()


def test_pieces_are_what_is_embedded(small: Corpus) -> None:
    pieces, vectors = pieces_of(small.services.database, small.services.embedder.spec.digest)
    assert [piece.id for piece in pieces] == [piece.id for piece in small.pieces]
    again = small.services.embedder.embed_passages([pieces[0].text], [small.passages[pieces[0].id].lang])[0]
    assert float(vectors[pieces[0].text] @ again) > 0.999


def test_one_run_holds_all_peers_and_neither_a_missing_nor_a_failing_one_stops_it(
    small: Corpus, settings: Settings
) -> None:
    tried = compare.compare(settings, Wish(), extra=[lambda: [Overlap(), Broken()]])
    assert [one.name for one in tried] == [NAME, "Nothing", "shared words", "broken"]
    ours, missing, overlap, broken = tried
    assert [row.article for row in ours.rows] == [1, 1, 0]
    assert [row.section for row in ours.rows] == [None, 0, None]
    assert missing.missing.startswith("not installed (nothing)")
    assert len(overlap.rows) == 3
    assert broken.missing == "failed: RuntimeError: no index"
    assert not broken.rows


def test_the_report_has_recall_by_language_and_times_as_multiples_of_ours() -> None:
    ours = Tried("Firstline", [Row("zh", 1, 1, 10.0), Row("en", 4, None, 10.0)], 2.0, 7)
    other = Tried("peer", [Row("zh", 0, 0, 25.0), Row("en", 1, None, 25.0)], 1.0, 7)
    gone = Tried("gone", missing="not installed (gone)")
    found = figures(other, ours)
    assert found["recall"]["all"]["article_recall_at_1"][0] == 0.5
    assert found["recall"]["zh"]["section_recall_at_10"][0] == 0.0
    assert found["ratio_to_firstline"] == {"search_p50_ms": 2.5, "search_p95_ms": 2.5, "indexing_s": 0.5}
    text = as_text([ours, other, gone], {"asked of": "a test"})
    assert "| peer | 1.000 / 1.000 / 1.000 | 0.000 / 0.000 / 0.000 |" in text
    assert "25.0 (×2.50)" in text
    assert "| gone | not installed (gone) |" in text
    peers = json.loads(as_json([ours, other, gone], {}))["peers"]
    assert peers["gone"] == {"missing": "not installed (gone)"}
    assert peers["Firstline"]["ratio_to_firstline"]["indexing_s"] == 1.0


def test_the_command_prints_one_json_object(small: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["peers", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert list(data["peers"]) == [NAME, "Nothing"]
    assert data["what"]["asked of"] == "the demo articles"


def test_a_folder_that_cannot_be_measured_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["peers", "--folder", str(tmp_path)]) == 2
    assert "queries.jsonl" in capsys.readouterr().err
