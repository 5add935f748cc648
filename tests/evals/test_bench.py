"""The measurements run, clean up, and mean what they say. How fast anything is, is never asserted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from base.settings import Settings
from evals.bench import __main__ as bench
from evals.bench import hashed, ingest, large, mail, memory, search, sse, startup, surge, turn
from evals.bench import installation as bench_installation
from evals.bench.documents import write_documents
from evals.bench.figures import machine, percentile, resident_bytes, spread_ms, timed
from evals.bench.installation import clean_environment, settings_for
from evals.bench.questions import demo_questions
from evals.bench.scaled import fill, seeds_of
from ingest.chunk import chunk
from ingest.load import load
from web.demo.setup import ARTICLES

LOOPBACK = pytest.mark.allow_hosts(["127.0.0.1"])


def test_percentiles_lie_between_neighbours_and_nothing_gives_0() -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.5
    assert percentile([1.0, 2.0], 1.0) == 2.0
    assert percentile([], 0.95) == 0.0
    assert spread_ms([0.001, 0.003], "ack_") == {"ack_p50_ms": 2.0, "ack_p95_ms": 2.9}


def test_time_and_memory_are_positive() -> None:
    assert timed(lambda: sum(range(1000))) > 0
    assert resident_bytes() > 1_000_000


def test_the_machine_is_described() -> None:
    found = machine()
    assert found["cores"] >= 1
    assert found["memory_gb"] > 0
    assert {"cpu", "system", "python", "firstline", "load_before"} <= found.keys()


def test_there_are_enough_distinct_questions_in_both_languages() -> None:
    questions = demo_questions(turn.WARM_UP + turn.QUESTIONS)
    assert len({question.text for question in questions}) == turn.WARM_UP + turn.QUESTIONS >= 200
    assert {question.lang for question in questions[:2]} == {"zh", "en"}
    by_lang = [sum(question.lang == lang for question in questions) for lang in ("zh", "en")]
    assert min(by_lang) >= 80
    assert all((ARTICLES / question.source).is_file() for question in questions)
    assert demo_questions(20) == questions[:20]


def test_generated_documents_repeat_for_a_seed_and_differ_from_each_other(tmp_path: Path) -> None:
    first = write_documents(tmp_path / "a", 12)
    again = write_documents(tmp_path / "b", 12)
    other = write_documents(tmp_path / "c", 12, seed=8)
    texts = [path.read_text(encoding="utf-8") for path in first]
    assert texts == [path.read_text(encoding="utf-8") for path in again]
    assert len({*texts, *(path.read_text(encoding="utf-8") for path in other)}) == 24
    assert {load(path).lang for path in first} == {"zh", "en"}


def test_generated_documents_have_about_the_passages_that_are_counted_on(tmp_path: Path) -> None:
    paths = write_documents(tmp_path, 40)
    passages = sum(len(chunk(load(path))) for path in paths)
    assert 0.7 < passages / len(paths) / hashed.CHUNKS_PER_DOCUMENT < 1.4


def test_no_setting_of_this_machine_reaches_a_measured_installation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FIRSTLINE_DATABASE_URL", "sqlite:////elsewhere.db")
    monkeypatch.setenv("FIRSTLINE_LLM", "openai:something")
    settings = settings_for(tmp_path)
    assert (settings.url, settings.llm) == (f"sqlite:///{tmp_path / 'firstline.db'}", "")
    environment = clean_environment(FIRSTLINE_LOG_LEVEL="error")
    assert [name for name in environment if name.startswith("FIRSTLINE_")] == ["FIRSTLINE_LOG_LEVEL"]
    assert environment["PYTHONPATH"]


def test_search_is_measured_over_generated_passages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "QUICK_CHUNKS", 60)
    monkeypatch.setattr(search, "QUICK_QUESTIONS", 6)
    found = search.measure(quick=True)
    assert 30 <= found["chunks"] <= 120
    assert found["questions"] == 6
    assert 0 < found["beyond_embedding_p50_ms"] <= found["beyond_embedding_p95_ms"]


def test_a_small_knowledge_base_is_scaled_up_the_same_way_every_time(tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        with hashed.hashed_database(tmp_path / name) as (database, embedder):
            hashed.ingest_generated(database, embedder, tmp_path / name / "documents", 12)
            seeds = seeds_of(database, embedder.spec.digest)
        with hashed.hashed_database(tmp_path / name / "..") as (large_database, _):
            count = fill(large_database, seeds, embedder.spec.digest, 50)
            (again,) = (seeds_of(large_database, embedder.spec.digest),)
        (tmp_path / "bench.db").rename(tmp_path / name / "large.db")
        assert count == sum(len(one.vectors) for one in again) == 50
        made.append(again)
    assert {one.lang for one in made[0]} == {"en", "zh"}
    for one, two, seed in zip(*made, seeds, strict=True):
        assert one.sentences == two.sentences
        assert np.array_equal(one.vectors, two.vectors)
        nearest = (one.vectors @ seed.vectors.T).max(axis=1)
        assert (nearest > 0.85).all()  # near a real one
        assert (nearest < 0.999).all()  # and none of them
        assert len(set(one.sentences)) == len(one.sentences)


@pytest.mark.slow
def test_opening_and_searching_a_large_store_are_measured_for_both_indexes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, few_articles: None, shared_model: None
) -> None:
    monkeypatch.setattr(large, "settings_for", bench_installation.settings_for)
    monkeypatch.setattr(large, "WARM_UP", 2)
    large.prepare(tmp_path, 120, 6)
    assert large.build_index(tmp_path, "exact") == {}
    assert large.build_index(tmp_path, "chroma")["files_mb"] > 0
    for index in large.INDEXES:
        found = large.measure_here(tmp_path, index)
        assert 0 < found["p50_ms"] <= found["p95_ms"] <= found["worst_ms"] + 0.01
        assert 0 < found["open_s"] <= found["first_answer_s"]
        assert found["open_read_mb"] >= 0


def test_a_full_run_measures_the_large_store_and_a_quick_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "CHUNKS", 30)
    monkeypatch.setattr(search, "QUICK_CHUNKS", 30)
    monkeypatch.setattr(search, "QUESTIONS", 4)
    monkeypatch.setattr(search, "QUICK_QUESTIONS", 4)
    monkeypatch.setattr(large, "measure", lambda: {"large_exact_p95_ms": 12.0})
    assert search.measure(quick=False)["large_exact_p95_ms"] == 12.0
    assert "large_exact_p95_ms" not in search.measure(quick=True)


def test_the_noting_embedder_keeps_what_it_passes_on() -> None:
    from kb.hashed import hashed_embedder

    noting = ingest.NotingEmbedder(hashed_embedder(16))
    vectors = noting.embed_passages(["one", "二"], ["en", "zh"])
    assert (noting.texts, noting.langs, vectors.shape) == (["one", "二"], ["en", "zh"], (2, 16))
    assert noting.spec == noting.inner.spec


def test_memory_is_measured_before_and_after_an_ingest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "WARM_UP_CHUNKS", 9)
    found = memory.measure_here(30)
    assert found["chunks"] >= 15
    assert found["growth_mb"] == pytest.approx(found["after_mb"] - found["before_mb"], abs=0.11)


def test_json_has_a_section_for_each_measurement_and_the_machine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(search, "measure", lambda quick: {"quick": quick})
    monkeypatch.setattr(turn, "measure", lambda quick: {"p50_ms": 1.0})
    assert bench.main(["--json", "--quick", "--only", "search,turn"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert list(report) == ["search", "turn", "machine"]
    assert report["search"] == {"quick": True}


def test_one_figure_that_cannot_be_had_does_not_cost_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(quick: bool) -> dict[str, object]:
        raise RuntimeError("no server")

    monkeypatch.setattr(sse, "measure", broken)
    monkeypatch.setattr(turn, "measure", lambda quick: {"p50_ratio_to_embedding": 1.5, "p95_ratio_to_embedding": 9})
    assert bench.main(["--only", "sse,turn"]) == 1
    out = capsys.readouterr().out
    assert "RuntimeError: no server" in out
    assert "goal <= 2: reached" in out
    assert "goal <= 4: missed" in out


def test_an_unknown_measurement_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        bench.main(["--only", "turn,speed"])
    assert caught.value.code == 2
    assert "speed" in capsys.readouterr().err


@pytest.fixture
def shared_model(monkeypatch: pytest.MonkeyPatch, model_cache: Path) -> None:
    """The model's graph is built once for the whole test run."""

    def linked(folder: Path) -> Settings:
        if not (folder / "models").exists():
            model_cache.mkdir(parents=True, exist_ok=True)
            (folder / "models").symlink_to(model_cache, target_is_directory=True)
        return settings_for(folder)

    monkeypatch.setattr("evals.bench.installation.settings_for", linked)
    monkeypatch.setattr(sse, "settings_for", linked)


@pytest.fixture
def few_articles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Demo articles about one area only: embedding them all takes longer than what is tested."""
    monkeypatch.setattr("web.demo.setup.ARTICLES", ARTICLES / "en" / "printing")


@pytest.mark.slow
def test_a_turn_is_stored_and_compared_with_its_embedding(
    monkeypatch: pytest.MonkeyPatch, shared_model: None, few_articles: None
) -> None:
    monkeypatch.setattr(turn, "QUICK_QUESTIONS", 6)
    found = turn.measure(quick=True)
    assert found["questions"] == 6
    assert found["answered"] == turn.WARM_UP + 6
    assert found["p50_ratio_to_embedding"] > 0
    assert 0 < found["p50_ms"] <= found["p95_ms"]


@pytest.mark.slow
def test_ingest_is_compared_with_the_bare_embedder(monkeypatch: pytest.MonkeyPatch, shared_model: None) -> None:
    monkeypatch.setattr(ingest, "QUICK_DOCUMENTS", 2)
    found = ingest.measure(quick=True)
    assert found["documents"] == ingest.QUICK_ROUNDS * 2
    assert found["chunks"] >= found["documents"]
    assert found["throughput_ratio_to_embedder"] > 0


@pytest.mark.slow
@LOOPBACK
def test_every_message_to_a_real_server_is_acknowledged_and_answered(
    monkeypatch: pytest.MonkeyPatch, shared_model: None, few_articles: None
) -> None:
    monkeypatch.setattr(sse, "QUICK_CLIENTS", 3)
    monkeypatch.setattr(sse, "QUICK_SECONDS", 0.5)
    found = sse.measure(quick=True)
    assert (found["clients"], found["messages"], found["failed"], found["unanswered"]) == (3, 10, 0, 0)
    assert 0 < found["ack_p50_ms"] <= found["ack_p95_ms"]


@pytest.mark.slow
@LOOPBACK
def test_startup_is_measured_from_the_start_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "QUICK_RUNS", 1)
    found = startup.measure(quick=True)
    assert found["help_s"] > 0
    assert found["ready_s"] > 0
    assert found["first_ready_s"] > 0


def test_the_watch_over_surges_is_measured_with_few_and_with_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surge, "FEW", 30)
    monkeypatch.setattr(surge, "QUICK_MANY", 60)
    monkeypatch.setattr(surge, "QUICK_LOOKS", 3)
    found = surge.measure(quick=True)
    assert (found["few"], found["many"]) == (30, 60)
    assert found["p50_ratio_many_to_few"] > 0


@pytest.mark.slow
@LOOPBACK
def test_chat_is_measured_beside_mails_and_every_mail_ends_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "BLOCK_SECONDS", 2.0)
    monkeypatch.setattr(mail, "QUICK_SORTED", 20)
    found = mail.measure(quick=True, seconds=2.0)
    assert found["failed"] == 0
    assert found["ack_p95_ratio"] > 0
    assert found["mails_per_minute"] > 100
    assert "mails_received" not in found
    assert "mails_claimed" not in found
    assert found["sorted_per_s"] > 0
