"""Sealed Chroma for real: what is not whole is never opened, and exact search answers until it is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kb import chroma as module
from kb.chroma import SealedChroma
from kb.models import Applies, Audience, Scope
from kb.vector import VectorHit
from tests.kb.library import DIM, PUBLIC, STAFF, Library, draft

ROOT = Path(__file__).resolve().parents[2]
LIMITED = {
    "product": Applies(products=("TiDB",), versions=("8.x",)), "package": Applies(packages=("gold",)),
    "over": Applies(valid_until="2026-01-31"),
}  # fmt: skip
SCOPES = (
    Scope(product="tidb"), Scope(product="other"), Scope(product="TiDB", version="7.5"), Scope(package="gold"),
    Scope(day="2026-01-31"), Scope(day="2026-02-01"), Scope((Audience.PUBLIC, Audience.INTERNAL)),
)  # fmt: skip
PATIENCE = 60.0  # seconds: far more than anything here takes


@pytest.fixture
def library(sqlite_library: Library) -> Library:
    sqlite_library.fill(40)
    return sqlite_library


@pytest.fixture
def start(library: Library, tmp_path: Path) -> Iterator[Callable[..., SealedChroma]]:
    """Starts an index on this test's folder, asked at any size."""
    made: list[SealedChroma] = []

    def begin(spec: str = "") -> SealedChroma:
        made.append(SealedChroma(tmp_path / "index", library.database, spec or library.spec, DIM, exact_up_to=-1))
        made[-1].start()
        return made[-1]

    yield begin
    for one in made:
        one.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What became of each search: "chroma" for one that Chroma was asked."""
    calls: list[str] = []
    ask = SealedChroma._nearest

    def nearest(self: SealedChroma, *args: object) -> list[VectorHit]:
        calls.append("chroma")
        return ask(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(SealedChroma, "_nearest", nearest)
    return calls


def _nearest(library: Library, index: SealedChroma, question: str, scope: Scope = PUBLIC, limit: int = 10) -> list[int]:
    return [hit.chunk_id for hit in index.search(library.embedder.embed_query(question, "en"), scope, limit)]


def _exact(library: Library, question: str, scope: Scope = PUBLIC, limit: int = 10) -> list[int]:
    return [hit.chunk_id for hit in library.exact().search(library.embedder.embed_query(question, "en"), scope, limit)]


@pytest.mark.parametrize("few", [500, 2], ids=["limited ones beside it", "limited ones in it"])
def test_what_an_article_applies_to_is_asked_inside_the_query(
    library: Library, start: Callable[..., SealedChroma], asked: list[str], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb.chroma.FEW", few)
    for n in range(3):
        for name, applies in LIMITED.items():
            library.save(replace(draft(f"{name}{n}.md", f"Article word7 {name} {n}."), applies=applies))
    index = start()
    assert index.wait_until_current(PATIENCE)
    for scope in SCOPES:
        assert set(_nearest(library, index, "article word7", scope, 60)) == set(
            _exact(library, "article word7", scope, 60)
        )
    assert asked == ["chroma"] * len(SCOPES)
    index.close()
    again = start()
    assert again.wait_until_current(PATIENCE)
    assert set(_nearest(library, again, "article word7", SCOPES[0], 60)) == set(
        _exact(library, "article word7", SCOPES[0], 60)
    )


def test_exact_search_answers_while_the_index_is_built(
    library: Library, start: Callable[..., SealedChroma], asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    connect = SealedChroma._connect
    monkeypatch.setattr(SealedChroma, "_connect", lambda self: (gate.wait(PATIENCE), connect(self))[1])
    index = start()
    assert _nearest(library, index, "article word7") == _exact(library, "article word7")
    assert (asked, index.status()["ready"]) == ([], False)
    gate.set()
    assert index.wait_until_current(PATIENCE)
    assert _nearest(library, index, "article word7")[0] == _exact(library, "article word7")[0]
    assert asked == ["chroma"]
    assert index.status() == {"index": "chroma", "answers": "chroma", "ready": True, "vectors": 40, "generation": 40}


def test_every_chunk_is_found_by_its_own_vector(library: Library, start: Callable[..., SealedChroma]) -> None:
    index = start()
    assert index.wait_until_current(PATIENCE)
    lost = [
        i
        for i in range(40)
        if _nearest(library, index, f"Article word{i} about topic{i % 7}.")[0] != library.live_ids()[i]
    ]
    assert lost == []


def test_languages_audiences_and_collections_stay_apart(library: Library, start: Callable[..., SealedChroma]) -> None:
    library.save(draft("i.md", "Article word7 secret.", audience=Audience.INTERNAL))
    library.save(draft("z.md", "Article word7 中文。", lang="zh"))
    index = start()
    assert index.wait_until_current(PATIENCE)
    for scope in (PUBLIC, STAFF):
        assert set(_nearest(library, index, "article word7", scope, 50)) == set(
            _exact(library, "article word7", scope, 50)
        )


def test_what_is_added_changed_or_archived_follows(
    library: Library, start: Callable[..., SealedChroma], asked: list[str]
) -> None:
    index = start()
    assert index.wait_until_current(PATIENCE)
    gone, _ = library.save(draft("0.md", "Zebra crossing.", collection="many"))
    assert _nearest(library, index, "zebra crossing")[0] == library.live_ids()[-1]
    assert index.wait_until_current(PATIENCE)
    assert _nearest(library, index, "zebra crossing")[0] == library.live_ids()[-1]
    library.archive(gone)
    index.refresh()
    assert index.wait_until_current(PATIENCE)
    asked.clear()
    assert set(_nearest(library, index, "zebra crossing", limit=100)) == set(library.live_ids())
    assert (asked, index.status()["vectors"]) == (["chroma"], 39)


def test_a_sealed_directory_is_opened_again_without_building(
    library: Library, start: Callable[..., SealedChroma], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start()
    assert first.wait_until_current(PATIENCE)
    first.close()
    monkeypatch.setattr(module.shutil, "rmtree", _must_not_happen)
    second = start()
    assert second.wait_until_current(PATIENCE)
    assert _nearest(library, second, "article word7")[0] == _exact(library, "article word7")[0]


def test_a_directory_behind_the_database_catches_up_when_opened(
    library: Library, start: Callable[..., SealedChroma]
) -> None:
    first = start()
    assert first.wait_until_current(PATIENCE)
    first.close()
    library.save(draft("new.md", "Zebra crossing."))
    second = start()
    assert second.wait_until_current(PATIENCE)
    assert _nearest(library, second, "zebra crossing")[0] == library.live_ids()[-1]


def _no_seal(folder: Path) -> None:
    (folder / "seal.json").unlink()


def _half_a_seal(folder: Path) -> None:
    path = folder / "seal.json"
    path.write_text(path.read_text()[:50])


def _foreign_seal(folder: Path) -> None:
    path = folder / "seal.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"spec": "another model"}))


def _truncated(folder: Path) -> None:
    path = next(folder.rglob("data_level0.bin"))
    os.truncate(path, path.stat().st_size // 2)


def _segments_gone(folder: Path) -> None:
    for path in folder.glob("store/*/*"):
        path.unlink()


def _store_gone(folder: Path) -> None:
    module.shutil.rmtree(folder / "store")


def _empty_database(folder: Path) -> None:
    (folder / "store" / "chroma.sqlite3").write_bytes(b"")


@pytest.mark.parametrize(
    "damage", [_no_seal, _half_a_seal, _foreign_seal, _truncated, _segments_gone, _store_gone, _empty_database]
)
def test_a_directory_that_is_not_whole_is_never_opened_but_built_anew(
    library: Library, start: Callable[..., SealedChroma], tmp_path: Path, damage: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    first = start()
    assert first.wait_until_current(PATIENCE)
    first.close()
    damage(tmp_path / "index")
    opened: list[bool] = []
    connect = SealedChroma._connect

    def watched(self: SealedChroma) -> None:
        opened.append((tmp_path / "index" / "store").exists())
        connect(self)

    monkeypatch.setattr(SealedChroma, "_connect", watched)
    second = start()
    assert second.wait_until_current(PATIENCE)
    assert opened == [False]
    assert set(_nearest(library, second, "article", limit=100)) == set(library.live_ids())


def test_an_index_of_another_embedding_spec_is_never_used(library: Library, start: Callable[..., SealedChroma]) -> None:
    first = start()
    assert first.wait_until_current(PATIENCE)
    first.close()
    second = start("another spec")
    assert second.wait_until_current(PATIENCE)
    assert (second.status()["vectors"], _nearest(library, second, "article")) == (0, [])


def test_a_directory_that_counts_right_and_finds_nothing_is_built_anew(
    library: Library, start: Callable[..., SealedChroma], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start()
    assert first.wait_until_current(PATIENCE)
    first.close()
    ask, lies = module._ask, [True]

    def gutted(collection: object, lang: str, vector: np.ndarray, limit: int) -> list[VectorHit]:
        return [] if lies else ask(collection, lang, vector, limit)

    monkeypatch.setattr(module, "_ask", gutted)
    removed = _noted(monkeypatch, module.shutil, "rmtree")
    second = start()
    assert second.wait_until_current(PATIENCE)
    assert len(removed) == 1
    lies.clear()
    assert _nearest(library, second, "article word7")[0] == _exact(library, "article word7")[0]


def test_a_second_process_gets_no_ownership_and_touches_nothing(
    library: Library, start: Callable[..., SealedChroma], tmp_path: Path, asked: list[str]
) -> None:
    """The lock is of the open file: a second index in this process meets it as another process does."""
    first = start()
    assert first.wait_until_current(PATIENCE)
    seal = (tmp_path / "index" / "seal.json").read_text()
    second = start()
    second.rebuild("canary_lost")
    second.refresh()
    asked.clear()
    assert _nearest(library, second, "article word7") == _exact(library, "article word7")
    assert (asked, second.status()["ready"]) == ([], False)
    assert (tmp_path / "index" / "seal.json").read_text() == seal
    first.close()
    third = start()
    assert third.wait_until_current(PATIENCE)


def test_an_index_that_fails_is_built_anew_while_exact_search_answers(
    library: Library, start: Callable[..., SealedChroma], monkeypatch: pytest.MonkeyPatch
) -> None:
    index = start()
    assert index.wait_until_current(PATIENCE)
    removed = _noted(monkeypatch, module.shutil, "rmtree")
    with monkeypatch.context() as broken:
        broken.setattr(module, "_ask", _must_not_happen)
        assert _nearest(library, index, "article word7") == _exact(library, "article word7")
        assert index.status()["ready"] is False or removed
    assert index.wait_until_current(PATIENCE)
    assert len(removed) == 1
    assert _nearest(library, index, "article word7")[0] == _exact(library, "article word7")[0]


def test_searches_during_changes_and_rebuilds_never_come_back_empty(
    library: Library, start: Callable[..., SealedChroma]
) -> None:
    index, faults, stop = start(), [], threading.Event()
    question = library.embedder.embed_query("article about topic3", "en")

    def search() -> None:
        while not stop.is_set():
            try:
                hits = index.search(question, PUBLIC, 10)
                if len(hits) < 10:
                    faults.append(f"{len(hits)} hits")
            except Exception as error:
                faults.append(repr(error))

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for round_ in range(6):
        article, _ = library.save(draft(f"x{round_}.md", f"Article extra{round_}.", collection="many"))
        if round_ % 2:
            index.rebuild(f"round {round_}")
        else:
            library.archive(article)
        assert index.wait_until_current(PATIENCE)
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []


def test_a_fault_of_the_database_is_not_blamed_on_the_index(
    library: Library, start: Callable[..., SealedChroma], monkeypatch: pytest.MonkeyPatch
) -> None:
    from base.errors import StorageUnavailable

    index = start()
    assert index.wait_until_current(PATIENCE)
    removed = _noted(monkeypatch, module.shutil, "rmtree")
    monkeypatch.setattr("kb.derived.RETRY_SECONDS", (0.05, 0.1))
    failed = threading.Event()

    def gone(*args: object) -> None:
        failed.set()
        raise StorageUnavailable("locked")

    with monkeypatch.context() as broken:
        broken.setattr(module, "live_ids", gone)
        library.save(draft("new.md", "Zebra."))
        index.refresh()
        assert failed.wait(PATIENCE)
    assert index.wait_until_current(PATIENCE)
    assert removed == []


def test_a_full_disk_leaves_the_index_unsealed_and_in_use(
    library: Library, start: Callable[..., SealedChroma], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kb.seal.os.fsync", full)
    monkeypatch.setattr("kb.seal.Seal._sync", lambda self: None)
    index = start()
    assert index.wait_until_current(PATIENCE)
    assert _nearest(library, index, "article word7")[0] == _exact(library, "article word7")[0]
    index.close()
    assert not (tmp_path / "index" / "seal.json").exists()


def test_chroma_holds_ids_and_vectors_only(
    library: Library, start: Callable[..., SealedChroma], tmp_path: Path
) -> None:
    library.save(draft("secret.md", "hippopotamus"))
    index = start()
    assert index.wait_until_current(PATIENCE)
    index.close()
    assert not any(b"hippopotamus" in path.read_bytes() for path in (tmp_path / "index").rglob("*") if path.is_file())


KILLED = """
import os, signal, sys, threading
from pathlib import Path
from base.database import Database
from kb import chroma
from kb.hashed import hashed_embedder

database = Database(sys.argv[1])
index = chroma.SealedChroma(Path(sys.argv[2]), database, hashed_embedder(256).spec.digest, 256, exact_up_to=-1)
chroma.BATCH = 20
sync, calls = chroma.load_vectors, []

def load(*args):
    calls.append(1)
    if len(calls) == int(sys.argv[3]):
        threading.Timer(0.001, os.kill, (os.getpid(), signal.SIGKILL)).start()
    return sync(*args)

chroma.load_vectors = load
index.start()
index.wait_until_current(60)
print("not killed")
"""


@pytest.mark.slow
def test_a_process_killed_while_adding_loses_nothing(
    library: Library, start: Callable[..., SealedChroma], tmp_path: Path
) -> None:
    library.fill(200)
    for batch in (1, 3, 6, 9):
        command = [sys.executable, "-c", KILLED, str(library.database.url), str(tmp_path / "index"), str(batch)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    index = start()
    assert index.wait_until_current(PATIENCE)
    assert set(_nearest(library, index, "article", limit=500)) == set(library.live_ids())


def _noted(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> list[object]:
    """The calls of a function, which is called all the same."""
    calls: list[object] = []
    real = getattr(owner, name)

    def noted(*args: object, **named: object) -> object:
        calls.append(args)
        return real(*args, **named)

    monkeypatch.setattr(owner, name, noted)
    return calls


def _must_not_happen(*args: object, **named: object) -> None:
    raise AssertionError("must not happen")
