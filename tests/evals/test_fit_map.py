"""A map fitted on pairs finds held-out ones better, and the file is the one that the built-in model reads."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from evals import fit_map
from evals.fit_map import Embedded, fitted_means, split
from evals.folder import NoKnowledgeFolder
from evals.map_pairs import Group, Pair, groups_of
from evals.map_training import Maps, Recipe, Vectored, _slope, fit, recall
from kb.centring import LanguageMeans
from kb.embed import make_embedder
from kb.encoder import TextKind, unit_rows
from kb.hashed import HashEncoder

DIM = 24


def _turned_pairs(count: int, seed: int) -> Vectored:
    """Questions that look the same way as their passages once two of every three directions are exchanged, plus noise."""
    chance = np.random.default_rng(seed)
    passages = unit_rows(chance.standard_normal((count, DIM)).astype(np.float32))
    order = np.concatenate([np.roll(np.arange(16), 1), np.arange(16, DIM)])
    noise = chance.standard_normal((count, DIM)).astype(np.float32) * 0.05
    return Vectored("turned", unit_rows(passages[:, order] + noise), passages)


def test_maps_fitted_on_some_pairs_find_the_held_out_ones() -> None:
    maps = fit([_turned_pairs(400, 1)], Recipe(steps=200, rate=1e-2, pull=0.001, batch=64, way=1.0))
    held_out = _turned_pairs(80, 2)
    before, after = recall(held_out), recall(held_out, maps=maps)
    assert before[0] < 0.5
    assert after[0] > before[0] + 0.3
    assert after[1] >= after[0]


def test_the_same_pairs_give_the_same_maps_and_another_seed_others() -> None:
    recipe = Recipe(steps=5, batch=16)
    one, two, other = (fit([_turned_pairs(60, 1)], r) for r in (recipe, recipe, Recipe(steps=5, batch=16, seed=1)))
    assert np.array_equal(one.query, two.query)
    assert np.array_equal(one.passage, two.passage)
    assert not np.array_equal(one.query, other.query)


def test_the_slope_is_that_of_the_loss() -> None:
    batch, maps = _turned_pairs(6, 3), np.stack([np.eye(DIM, dtype=np.float64)] * 2)

    def loss(at: np.ndarray) -> float:
        q, p = unit_rows(batch.questions @ at[0].T), unit_rows(batch.passages @ at[1].T)
        scores = q @ p.T / 0.05
        ahead = np.log(np.exp(scores).sum(axis=1)) - np.diag(scores)
        back = np.log(np.exp(scores).sum(axis=0)) - np.diag(scores)
        return float(np.mean(ahead + 0.5 * back))

    slope = _slope(maps, batch, 0.05)
    for place in ((0, 1, 2), (1, 3, 0), (0, 5, 5)):
        moved = [maps.copy(), maps.copy()]
        moved[0][place] += 1e-3
        moved[1][place] -= 1e-3
        assert slope[place] == pytest.approx((loss(moved[0]) - loss(moved[1])) / 2e-3, abs=2e-3)


def test_the_way_says_how_far_the_maps_go() -> None:
    groups, still = [_turned_pairs(60, 1)], np.eye(DIM)
    whole, half = (fit(groups, Recipe(steps=20, batch=16, way=way)) for way in (1.0, 0.5))
    assert np.allclose(half.query - still, (whole.query - still) / 2, atol=1e-6)


def test_nothing_to_fit_on_is_said() -> None:
    with pytest.raises(ValueError, match="two pairs"):
        fit([])


def _documents(folder: Path, count: int) -> Path:
    """A folder whose questions never use the words of the passages, but always the same other word for each."""
    inner = folder / "kb" / "dev"
    inner.mkdir(parents=True)
    sections: list[dict[str, object]] = []
    queries = []
    chance = np.random.default_rng(5)
    for number in range(count):
        words = chance.choice(30, 8, replace=False)
        text = " ".join(f"answer{word} answer{word}" for word in words) + f" page{number}"
        for lang in ("en", "zh"):
            doc = f"{lang}/{number}.md"
            title = " ".join(f"ask{word}" for word in words)
            sections += [
                {"section": 0, "level": 1, "heading": title, "text": f"{lang} {text}"},
                {"section": 1, "level": 2, "heading": "Solution", "text": f"{text} end"},
            ]
            for one in sections[-2:]:
                one |= {"doc": doc, "lang": lang, "title": title}
            queries.append({"query": " ".join(f"want{word}" for word in words), "gold_doc": doc, "gold_sections": [1]})
    with gzip.open(inner / "sections.jsonl.gz", "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in sections)
    (inner / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries), encoding="utf-8")
    return folder / "kb"


def test_pairs_are_headings_across_languages_and_questions(tmp_path: Path) -> None:
    groups = {group.name.split(" ", 1)[1]: group.pairs for group in groups_of(_documents(tmp_path, 12))}
    assert set(groups) == {"heading en>zh", "heading zh>en", "query en", "query en>zh"}
    assert all(not pair.question.startswith("Solution") for name in ("query en",) for pair in groups[name])
    assert {pair.passage_lang for pair in groups["heading en>zh"]} == {"zh"}
    assert all(pair.passage.endswith("end") for pair in groups["query en"])


def test_a_reading_set_gives_pairs_within_and_across_languages(tmp_path: Path) -> None:
    ids = [f"p{number}" for number in range(10)]
    passages = [{"id": one, "lang": "zh", "text": f"第{one}段的内容在这里。"} for one in ids]
    passages += [{"id": f"e{one}", "lang": "en", "text": f"What paragraph {one} says."} for one in ids]
    rows = [
        {"query": f"{one}？", "lang": "zh", "gold_passage": one, "gold_passage_other_lang": f"e{one}"} for one in ids
    ]
    for name, lines in (("passages", passages), ("queries", rows)):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
    groups = groups_of(tmp_path, limit=8)
    assert [group.name.split(" ", 1)[1] for group in groups] == ["reading zh", "reading zh>en"]
    assert all(len(group.pairs) == 8 for group in groups)


def test_a_folder_without_anything_to_pair_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoKnowledgeFolder):
        groups_of(tmp_path)


def test_all_pairs_of_a_passage_are_held_out_together() -> None:
    pairs = [Pair(f"question {n} {wording}", "en", f"passage {n}", "en") for n in range(60) for wording in "ab"]
    fitted, held = split(Group("g", tuple(pairs)))
    assert sorted(fitted + held) == list(range(120))
    assert held
    assert {pairs[n].passage for n in fitted}.isdisjoint(pairs[n].passage for n in held)


def test_texts_are_embedded_once_and_kept(tmp_path: Path) -> None:
    class Counting(HashEncoder):
        asked = 0

        def encode(self, texts, kind):  # type: ignore[no-untyped-def]
            self.asked += len(texts)
            return super().encode(texts, kind)

    encoder = Counting(16)
    rows = Embedded(encoder, tmp_path).rows(["one", "two", "one"], TextKind.QUERY, "g")
    again = Embedded(encoder, tmp_path).rows(["one", "two", "one"], TextKind.QUERY, "g")
    assert np.array_equal(rows, again)
    assert encoder.asked == 2


def test_the_command_finds_held_out_pairs_better_and_writes_what_the_model_reads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fit_map, "E5Encoder", lambda models, workers: HashEncoder(384))
    folder, out = _documents(tmp_path, 90), tmp_path / "made" / "means.npz"
    assert fit_map.main(["--folder", str(folder), "--out", str(out), "--steps", "40", "--way", "1"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "query en " in line and "->" in line)
    before, after = (part.split()[-3] for part in line.replace("/", " / ").split("->"))
    assert float(after) > float(before)
    with np.load(out, allow_pickle=False) as arrays:
        found = LanguageMeans.from_arrays(dict(arrays))
    assert found.maps[TextKind.QUERY].shape == (384, 384)
    monkeypatch.setattr("kb.embed._BUILTIN_MEANS", out)
    assert make_embedder("builtin", tmp_path / "models").spec.dim == found.dim


def test_a_folder_that_cannot_be_used_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fit_map, "E5Encoder", lambda models, workers: HashEncoder(384))
    assert fit_map.main(["--folder", str(tmp_path), "--out", str(tmp_path / "x.npz")]) == 2
    assert "queries.jsonl" in capsys.readouterr().err
    assert not (tmp_path / "x.npz").exists()


def test_what_is_written_is_what_was_fitted(tmp_path: Path) -> None:
    said: list[str] = []
    found = fitted_means([_documents(tmp_path, 40)], HashEncoder(384), Recipe(steps=3), limit=30, say=said.append)
    again = LanguageMeans.from_arrays(found.to_arrays())
    maps = Maps(found.maps[TextKind.QUERY], found.maps[TextKind.PASSAGE])
    assert np.allclose(again.maps[TextKind.QUERY], maps.query, atol=1e-3)
    assert said[0].endswith("in 4 groups")


def test_equal_passages_count_once_and_are_never_better_than_each_other() -> None:
    eye = np.eye(4, dtype=np.float32)
    questions, passages = eye[[0, 0, 1, 1]], eye[[0, 0, 1, 2]]
    group = Vectored("g", questions, passages)
    assert recall(group) == (0.75, 1.0)
    assert recall(group, asked=[0]) == (1.0, 1.0)
