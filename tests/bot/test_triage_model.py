"""The learned part of triage: what it reads, what it says, and what becomes of a file that is not one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.triage import Triager, read
from bot.triage_grams import grams
from bot.triage_model import FILE, BadTriageModel, TriageModel, model_of, read_model, shipped_model, write_model
from bot.triage_text import read as message_of
from bot.triage_training import Lesson, fit, folds, prepare
from desk.models import Category, Sentiment, Urgency
from kb.embed import Embedder, make_embedder

URGENT, HIGH, NORMAL, LOW = Urgency


@pytest.fixture(scope="module")
def embedder(model_cache: Path) -> Embedder:
    return make_embedder("builtin", model_cache)


@pytest.fixture(scope="module")
def triager(embedder: Embedder) -> Triager:
    return Triager(embedder, shipped_model())


def test_function_words_and_neighbours_are_read_within_a_clause() -> None:
    found = grams(message_of("It is not down, all can work"))
    assert {"not", "not_down", "all_can"} <= set(found)
    assert "down_all" not in found


def test_the_shipped_model_was_fitted_for_the_built_in_embedder(embedder: Embedder) -> None:
    assert shipped_model().spec == embedder.spec.digest
    assert FILE.stat().st_size < 5_000_000


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("我们整个仓库的扫码枪都连不上WMS，发不了货", URGENT),
        ("门店收银全部离线，顾客排着队结不了账", URGENT),
        ("None of our tills can take cards, three shops, queue out of the door", URGENT),
        ("I typed my password into a page that turned out to be fake", URGENT),
        ("The whole finance team is locked out of the ledger and payroll closes at four", HIGH),
        ("我的鼠标滚轮不灵了，先用触摸板凑合", NORMAL),
        ("My second monitor flickers now and then, no hurry", NORMAL),
        ("怎么给邮箱加签名", LOW),
        ("Who approves a new laptop?", LOW),
        ("THIS IS THE WORST COFFEE MACHINE APP EVER!!! URGENT!!! change the icon", LOW),
    ],
)
def test_impact_and_breadth_decide(triager: Triager, text: str, level: Urgency) -> None:
    assert triager.triage(text).urgency is level


@pytest.mark.parametrize(
    ("worse", "milder"),
    [
        ("所有分店的收银机现在都刷不了卡", "所有分店的收银机昨天刷不了卡，现在已经好了"),
        ("I entered my code on the fake page", "I got a fake mail asking for my code and deleted it"),
        ("生产库主节点宕机，订单全部失败", "测试库主节点宕机，没人在用，有空再看"),
        ("Nobody in the clinic can open patient records", "I can't open one patient's record, the others work"),
    ],
)
def test_one_decisive_fact_moves_the_level(triager: Triager, worse: str, milder: str) -> None:
    assert triager.triage(worse).urgency.rank < triager.triage(milder).urgency.rank


def test_thanks_and_a_question_beside_it_do_not_lower_a_danger(triager: Triager) -> None:
    text = "there's smoke coming out of the rack, thanks, have a nice day, how do I set up VPN"
    assert triager.triage(text).urgency is URGENT


def test_words_are_shown_only_where_they_stand_and_say_something(triager: Triager) -> None:
    text = "None of our tills can take cards, three shops, queue out of the door"
    message = message_of(text)
    opinion = shipped_model().judge(message, read(text).figures)
    for first, last in opinion.telling:
        quote = message.quote(first, last)
        assert quote in text
        assert len(quote) > 1


def test_a_model_for_another_embedder_reads_the_words_only(embedder: Embedder) -> None:
    from dataclasses import replace

    class Other:
        spec = replace(embedder.spec, model="another")

        def meaning(self, text: str, lang: str) -> Any:
            raise AssertionError("its vectors mean nothing to the model")

    found = Triager(Other(), shipped_model()).triage("所有分店的收银机现在都刷不了卡")  # type: ignore[arg-type]
    assert found == Triager(None, shipped_model()).triage("所有分店的收银机现在都刷不了卡")
    assert found.urgency is URGENT


def test_a_vector_at_hand_is_not_computed_again(embedder: Embedder) -> None:
    class Counting:
        spec = embedder.spec
        asked = 0

        def meaning(self, text: str, lang: str) -> Any:
            self.asked += 1
            return embedder.meaning(text, lang)

    counting = Counting()
    triager = Triager(counting, shipped_model())  # type: ignore[arg-type]
    vector = embedder.meaning("printer jams", "en")
    assert triager.triage("printer jams", vector=vector) == triager.triage("printer jams")
    assert counting.asked == 1


def test_a_message_unlike_all_the_model_was_taught_is_known_to_be(embedder: Embedder) -> None:
    message, figures = message_of("x"), read("x").figures
    vector = embedder.meaning("打印机坏了", "zh")
    assert shipped_model().judge(message, figures, vector).familiar
    nowhere = np.random.default_rng(1).normal(size=len(vector)).astype(np.float32)
    assert not shipped_model().judge(message, figures, nowhere / np.linalg.norm(nowhere)).familiar


def taught() -> list[Lesson]:
    down = [
        "all tills are down",
        "整个仓库停了",
        "every shop is down",
        "全厂都停了",
        "nobody can pay",
        "所有人都进不去",
    ]
    ask = ["how do I print", "怎么打印", "where is the manual", "手册在哪里", "what is the price", "多少钱"]
    lessons = [
        Lesson(text, URGENT, Category.SOFTWARE, False, Sentiment.NEGATIVE, f"a{n % 3}") for n, text in enumerate(down)
    ]
    return lessons + [
        Lesson(text, LOW, Category.OTHER, n == 0, Sentiment.NEUTRAL, f"a{n % 3}") for n, text in enumerate(ask)
    ]


def small(embedder: Embedder, lessons: list[Lesson]) -> TriageModel:
    vectors = np.stack([embedder.meaning(lesson.text, "en") for lesson in lessons])
    return fit(prepare(lessons, vectors), embedder.spec.digest, {"for": "test"})


def test_the_same_lessons_give_the_same_file_byte_for_byte(embedder: Embedder, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_model(small(embedder, taught()), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_written_model_judges_as_before(embedder: Embedder, tmp_path: Path) -> None:
    model = small(embedder, taught())
    write_model(model, tmp_path / "model.npz")
    again = read_model(tmp_path / "model.npz")
    for text in ("all shops are down", "怎么打印"):
        vector = embedder.meaning(text, "en")
        one, other = (m.judge(message_of(text), read(text).figures, vector) for m in (model, again))
        np.testing.assert_allclose(one.urgency, other.urgency, atol=0.02)
    assert again.about == {"for": "test", "messages": 12}
    assert again.version == model.version


def test_a_missing_label_teaches_nothing_and_the_others_still_do(embedder: Embedder) -> None:
    lessons = [*taught(), Lesson("get me a human", None, None, True, None, "w")]
    model = small(embedder, lessons)
    text = "all tills are down"
    assert model.judge(message_of(text), read(text).figures, embedder.meaning(text, "en")).level is URGENT


def test_an_author_is_never_on_both_sides() -> None:
    lessons = taught()
    for part in folds(lessons, 3):
        inside = {lessons[at].group for at in part}
        outside = {lesson.group for at, lesson in enumerate(lessons) if at not in set(part)}
        assert not inside & outside


def test_an_installation_judges_with_its_own_model(embedder: Embedder, tmp_path: Path) -> None:
    assert model_of(tmp_path) is shipped_model()
    write_model(small(embedder, taught()), tmp_path / "triage_model.npz")
    assert model_of(tmp_path).about["for"] == "test"


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "format"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "triage_model.npz"
    content = FILE.read_bytes()
    if damage == "format":
        with np.load(FILE) as arrays:
            kept = {name: arrays[name] for name in arrays.files}
        head = {**json.loads(kept["head"].tobytes()), "format": 99}
        np.savez(path, **{**kept, "head": np.frombuffer(json.dumps(head).encode(), np.uint8)})
    else:
        path.write_bytes({"cut": content[: len(content) // 2], "text": b"no model", "empty": b""}[damage])
    with pytest.raises(BadTriageModel) as caught:
        model_of(tmp_path)
    assert caught.value.fields["file"] == str(path)
