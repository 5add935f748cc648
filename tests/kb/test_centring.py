"""Language means: what they take away, and where they come from."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pytest

from base.text import MAX_EMBED_CHARS, detect_language
from kb import centring
from kb.centring import LANGUAGES, LanguageMeans, compute_means, sentences
from kb.encoder import TextKind, Vectors, unit_rows
from kb.hashed import HashEncoder
from tests.kb.embedders import builtin, e5_encoder


def means(**vectors: list[float]) -> LanguageMeans:
    """zh=[...] en=[...], the same for both kinds."""
    return LanguageMeans(
        {(kind, lang): np.array(vector, np.float32) for lang, vector in vectors.items() for kind in TextKind}
    )


def test_the_mean_of_each_rows_language_is_taken_away() -> None:
    rows = np.array([[1, 0, 1], [0, 1, 1]], np.float32)
    centred = means(zh=[1, 0, 0], en=[0, 1, 0]).centre(rows, ["zh", "en"], TextKind.QUERY)
    np.testing.assert_allclose(centred, [[0, 0, 1], [0, 0, 1]])


def test_a_row_that_equals_its_mean_keeps_its_direction() -> None:
    rows = np.array([[1, 0]], np.float32)
    np.testing.assert_allclose(means(zh=[1, 0], en=[0, 0]).centre(rows, ["zh"], TextKind.PASSAGE), [[1, 0]])


def test_centring_leaves_the_given_rows_alone() -> None:
    rows = np.array([[1, 0]], np.float32)
    means(zh=[0, 1], en=[0, 0]).centre(rows, ["zh"], TextKind.PASSAGE)
    np.testing.assert_array_equal(rows, [[1, 0]])


def test_means_survive_being_kept() -> None:
    kept = means(zh=[1, 2], en=[3, 4])
    again = LanguageMeans.from_arrays(kept.to_arrays())
    assert again.dim == 2
    assert {key: vector.tolist() for key, vector in again.vectors.items()} == {
        key: vector.tolist() for key, vector in kept.vectors.items()
    }
    with pytest.raises(KeyError):
        LanguageMeans.from_arrays({})


def test_the_sample_is_parallel_distinct_and_in_the_language_it_claims() -> None:
    topics = sentences()
    assert Counter(topic.lang for topic in topics) == {"zh": 40, "en": 40}
    texts = [text for topic in topics for text in (topic.question, topic.passage)]
    assert len(set(texts)) == 160
    assert max(map(len, texts)) < MAX_EMBED_CHARS
    assert {topic.lang for topic in topics if detect_language(topic.question + topic.passage) != topic.lang} == set()


def test_changed_sentences_need_a_new_version_of_the_centring() -> None:
    content = centring._SENTENCES.read_bytes()
    assert (centring.CENTRING, hashlib.sha256(content).hexdigest()[:16]) == ("lang-mean/1", "204990c70e5f972a")


def test_the_shipped_means_are_those_of_the_builtin_model() -> None:
    sample = compute_means(e5_encoder())
    assert sample.languages == ("zh", "en")
    for key, vector in builtin()._means.vectors.items():
        np.testing.assert_allclose(sample.means.vectors[key], vector, atol=2e-3)


def test_a_model_that_reads_only_english_is_found_out() -> None:
    class EnglishOnly(HashEncoder):
        def encode(self, texts: object, kind: TextKind) -> Vectors:
            assert isinstance(texts, list)
            return super().encode([text.encode("ascii", "ignore").decode() for text in texts], kind)

    assert compute_means(EnglishOnly()).languages == ("en",)


def cross_language_hits(means: LanguageMeans | None) -> float:
    """Share of sample questions whose answer, present only in the other language, is the nearest of all passages.

    Half of the passages are in the question's language, about other topics. The means come from the other half.
    """
    encoder, hits = e5_encoder(), []
    for asked, answered in (("zh", "en"), ("en", "zh")):
        mine = [topic for topic in sentences() if topic.lang == asked]
        theirs = [topic for topic in sentences() if topic.lang == answered]
        questions = encoder.encode([topic.question for topic in mine[:20]], TextKind.QUERY)
        answers = encoder.encode([topic.passage for topic in theirs[:20]], TextKind.PASSAGE)
        others = encoder.encode([topic.passage for topic in mine[20:]], TextKind.PASSAGE)
        if means is not None:
            questions = means.centre(questions, [asked] * 20, TextKind.QUERY)
            answers = means.centre(answers, [answered] * 20, TextKind.PASSAGE)
            others = means.centre(others, [asked] * 20, TextKind.PASSAGE)
        nearest = (questions @ unit_rows(np.vstack([answers, others])).T).argmax(axis=1)
        hits.append(float(np.mean(nearest == np.arange(20))))
    return sum(hits) / 2


def test_centring_lets_questions_find_answers_in_the_other_language() -> None:
    half = [topic for lang in LANGUAGES for topic in [t for t in sentences() if t.lang == lang][20:]]
    assert cross_language_hits(None) < 0.4
    assert cross_language_hits(compute_means(e5_encoder(), half).means) > 0.7
