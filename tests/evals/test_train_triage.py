"""`firstline triage train`: what it learns from, what it says, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest

from base.settings import Settings
from bot.triage_model import INSTALLED, model_of, shipped_model
from bot.triage_training import Lesson
from desk import conversations, corrections, replies
from desk.models import Author, Category, Role, Sentiment, Urgency
from evals import train_triage
from evals.train_figures import Judged, baselines, figures
from evals.train_triage import TooFewCorrections, Wish, WouldGetWorse, bundled_lessons, run
from tests.desk.made import NOW, defaults, member, talk, ticket
from web.wiring import Services

URGENT, HIGH, NORMAL, LOW = Urgency


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> list[Lesson]:
    """The bundled messages cut to every sixtieth, so that a fit takes a moment."""
    lessons = [lesson for lesson in bundled_lessons()[::60] if lesson.tone is not None]
    monkeypatch.setattr(train_triage, "bundled_lessons", lambda: lessons)
    return lessons


def correct(services: Services, texts: list[str], level: Urgency) -> None:
    with services.database.begin() as session:
        ada = member(session, f"Ada{level}", Role.AGENT)
        for n, text in enumerate(texts):
            one = talk(session, f"{level}-{n}")
            conversations.add_turn(session, one.id, Author.CUSTOMER, text, "en", NOW)
            ticket(session, one, NORMAL)
            replies.set_urgency(
                session, defaults(), conversations.get(session, one.id), ada, level, "as we see it", NOW
            )


def test_every_bundled_lesson_has_an_author_and_the_untouched_ones_are_not_among_them() -> None:
    lessons = bundled_lessons()
    assert len(lessons) > 6000
    assert all(lesson.group for lesson in lessons)
    folder = Path(train_triage.__file__).parent / "cases" / "triage"
    kept = {
        json.loads(line)["text"]
        for path in [*folder.glob("untouched-*.jsonl"), folder / "dev.jsonl"]
        for line in path.read_text("utf-8").splitlines()
    }
    assert [lesson.text for lesson in lessons if lesson.text in kept and len(lesson.text) > 12] == []


def test_a_few_corrections_teach_nothing(services: Services, few: list[Lesson]) -> None:
    correct(services, ["the coffee app is down"], LOW)
    with pytest.raises(TooFewCorrections) as caught:
        run(services.settings, Wish(write=True))
    assert caught.value.fields == {"count": 1, "least": corrections.LEAST}
    assert not (services.settings.data_dir / INSTALLED).exists()


def test_without_write_nothing_is_changed(
    settings: Settings, few: list[Lesson], capsys: pytest.CaptureFixture[str]
) -> None:
    run(settings, Wish(bundled=True))
    said = capsys.readouterr().out
    assert "Nothing was changed" in said
    assert [line.split()[0] for line in said.splitlines()[1:7]] == ["zh", "en", "all", "words", "keywords", "length"]
    assert model_of(settings.data_dir) is shipped_model()


def test_what_staff_corrected_is_learned_and_used_after_a_restart(
    make_services: Callable[..., Services], few: list[Lesson], monkeypatch: pytest.MonkeyPatch
) -> None:
    services = make_services()
    correct(services, [f"The Zuse terminal in hall {n} shows a grey screen" for n in range(corrections.LEAST)], URGENT)
    monkeypatch.setattr(train_triage, "WORSE", 1.0)  # sixty times fewer messages than the shipped model learned from
    run(services.settings, Wish(write=True))
    again = make_services()
    assert model_of(again.settings.data_dir).about["corrections"] == corrections.LEAST
    assert again.thinker.triage_alone("The Zuse terminal in hall 99 shows a grey screen").urgency is URGENT


def test_a_model_that_would_judge_worse_is_not_written(services: Services, few: list[Lesson]) -> None:
    correct(services, [f"The Zuse terminal in hall {n} shows a grey screen" for n in range(corrections.LEAST)], URGENT)
    with pytest.raises(WouldGetWorse):
        run(services.settings, Wish(write=True))  # the few messages are worth less than all
    assert not (services.settings.data_dir / INSTALLED).exists()


def judged(truth: Urgency, level: Urgency, text: str = "text") -> Judged:
    lesson = Lesson(text, truth, Category.OTHER, False, Sentiment.NEUTRAL)
    return Judged(lesson, "en", level, Category.OTHER, 0.0, Sentiment.NEUTRAL)


def test_the_figures_are_those_of_the_pairs() -> None:
    seen = figures([judged(URGENT, URGENT), judged(URGENT, LOW), judged(LOW, LOW), judged(HIGH, URGENT)])
    assert (seen["accuracy"], seen["urgent_recall"], seen["urgent_false"]) == (0.5, 0.5, 0.5)


def test_length_alone_knows_only_the_commonest_level_of_a_size() -> None:
    found = [judged(URGENT, LOW, "x" * 10 * n) for n in range(1, 6)] + [
        judged(LOW, URGENT, "x" * 1000 * n) for n in range(1, 6)
    ]
    by_length = dict(baselines(found))["length"]
    assert {str(one.level) for one in by_length} == {"urgent", "low"}
    assert figures(by_length)["accuracy"] >= 0.8


class Counting:
    """An embedder of another kind than the shipped model was fitted for: eight figures of a text. Counts what it is asked."""

    spec = SimpleNamespace(digest="counting", dim=8)

    def __init__(self) -> None:
        self.asked = 0

    def meaning(self, text: str, lang: str) -> npt.NDArray[np.float32]:
        self.asked += 1
        vector = np.bincount([ord(char) % 8 for char in text], minlength=8).astype(np.float32)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)


def test_vectors_are_kept_between_runs_and_a_damaged_file_is_made_anew(few: list[Lesson], tmp_path: Path) -> None:
    first, again = Counting(), Counting()
    rows = train_triage._kept(few, first, tmp_path)  # type: ignore[arg-type]
    assert rows.shape == (len(few), 8)
    train_triage._kept(few, again, tmp_path)  # type: ignore[arg-type]
    assert (first.asked, again.asked) == (len(few), 0)
    (kept,) = tmp_path.glob("meaning-*.npy")
    kept.write_bytes(b"\x93NUMPY broken")
    np.testing.assert_array_equal(train_triage._kept(few, again, tmp_path), rows)  # type: ignore[arg-type]
    assert again.asked == len(few)


def test_corrections_can_be_learned_with_another_embedder_than_the_shipped_models(
    services: Services, few: list[Lesson], monkeypatch: pytest.MonkeyPatch
) -> None:
    correct(services, [f"The Zuse terminal in hall {n} shows a grey screen" for n in range(corrections.LEAST)], URGENT)
    monkeypatch.setattr(train_triage, "WORSE", 1.0)
    monkeypatch.setattr(train_triage, "embedder_of", lambda settings: Counting())
    run(services.settings, Wish(write=True))
    assert model_of(services.settings.data_dir).spec == "counting"
