"""Recall of the right article, on a handful of articles and questions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from base.settings import Settings
from evals import retrieval
from evals.retrieval import BadQueries, Query, rank_of, read_queries, score
from kb.models import Scope
from tests import articles
from web.wiring import Services


def write_queries(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n\n", encoding="utf-8")
    return path


def test_queries_are_read_with_their_language_and_all_their_gold_articles(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"query": "打印机缺纸", "gold_doc": "zh/a.md"},
        {"query": "no paper", "gold_doc": ["en/a.md", "en/b.md"]},
    ]
    assert list(read_queries(write_queries(tmp_path / "q.jsonl", rows))) == [
        Query("打印机缺纸", frozenset({"zh/a.md"}), "zh"),
        Query("no paper", frozenset({"en/a.md", "en/b.md"}), "en"),
    ]


def test_other_fields_can_be_named(tmp_path: Path) -> None:
    path = write_queries(tmp_path / "q.jsonl", [{"query": "打印机", "query_en": "printer", "page": "a.md"}])
    found = list(read_queries(path, text_field="query_en", gold_field="page"))
    assert found == [Query("printer", frozenset({"a.md"}), "en")]


def test_a_line_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = write_queries(tmp_path / "q.jsonl", [{"query": "a", "gold_doc": "a"}, {"query": "b"}])
    with pytest.raises(BadQueries) as caught:
        list(read_queries(path))
    assert caught.value.fields["line"] == 2


def test_the_rank_is_that_of_the_first_gold_article_and_0_without_one() -> None:
    assert rank_of(["x", "gold-2", "gold-1"], frozenset({"gold-1", "gold-2"})) == 2
    assert rank_of(["x"], frozenset({"gold"})) == 0
    assert rank_of([], frozenset({"gold"})) == 0


def test_recall_counts_ranks_up_to_each_limit_and_mrr_stops_at_ten() -> None:
    found = score([1, 2, 6, 11, 0])
    assert (found.queries, found.recall) == (5, {1: 0.2, 5: 0.4, 10: 0.6})
    assert found.mrr == pytest.approx((1 + 1 / 2 + 1 / 6) / 5)


def test_no_queries_score_zero() -> None:
    assert score([]) == retrieval.Score(0, {1: 0.0, 5: 0.0, 10: 0.0}, 0.0)


def test_a_small_knowledge_base_is_measured_by_language(services: Services, tmp_path: Path) -> None:
    articles.load(services, tmp_path)
    queries = [
        Query("What does VPN error 809 mean?", frozenset({"en/vpn.md"}), "en"),
        Query("printer shows PRN-21", frozenset({"en/printer.md"}), "en"),
        Query("密码忘了怎么办", frozenset({"zh/password.md"}), "zh"),
        Query("怎样订购新笔记本电脑", frozenset({"not/there.md"}), "zh"),
    ]
    found = retrieval.measure(services.searcher, queries, Scope())
    assert list(found) == ["en", "zh", "all"]
    assert found["en"].recall[1] == 1.0
    assert found["zh"].recall == {1: 0.5, 5: 0.5, 10: 0.5}
    assert (found["all"].queries, found["all"].mrr) == (4, 0.75)


def test_the_command_prints_a_line_per_language(
    make_services: Callable[..., Services], settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    articles.load(make_services(), tmp_path)
    rows: list[dict[str, object]] = [
        {"query": "VPN error 809", "gold_doc": "en/vpn.md"},
        {"query": "忘记密码", "gold_doc": "zh/password.md"},
        {"query": "PRN-21", "gold_doc": "en/printer.md"},
    ]
    path = write_queries(tmp_path / "q.jsonl", rows)
    arguments = ["--data-dir", str(settings.data_dir), "--queries", str(path), "--collection", "test", "--limit", "2"]
    capsys.readouterr()
    assert retrieval.main(arguments) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["lang", "queries", "R@1", "R@5", "R@10", "MRR@10"]
    assert [line[:3] for line in lines[1:]] == [
        ["en", "1", "1.000"], ["zh", "1", "1.000"], ["all", "2", "1.000"],
    ]  # fmt: skip
