"""What customers report is kept for a week, and read back as it was put."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from base.database import Database
from desk import symptoms
from desk.models import Category, Urgency
from desk.symptoms import KEPT, Symptom
from tests.desk.made import NOW, later, talk

VECTOR = np.array([0.6, -0.8, 0.0], np.float32)


def test_a_symptom_is_read_back_as_it_was_put(database: Database) -> None:
    symptom = Symptom("zh", Category.NETWORK, Urgency.HIGH, ("vpn", "certificate"), VECTOR)
    with database.begin() as session:
        one = talk(session)
        symptoms.put(session, symptom, 7, one.id, one.customer_id, NOW)
        (found,) = symptoms.after(session, 0, NOW, 10)
    assert (found.turn_id, found.conversation_id, found.customer_id, found.at) == (7, one.id, one.customer_id, NOW)
    assert (found.symptom.lang, found.symptom.category, found.symptom.urgency) == ("zh", Category.NETWORK, Urgency.HIGH)
    assert found.symptom.objects == ("vpn", "certificate")
    assert found.symptom.vector is not None
    np.testing.assert_allclose(found.symptom.vector, VECTOR, atol=1e-3)


def test_a_symptom_without_an_embedding_has_none(database: Database) -> None:
    with database.begin() as session:
        one = talk(session)
        symptoms.put(session, Symptom("en", Category.DATA, Urgency.NORMAL, (), None), 1, one.id, one.customer_id, NOW)
        (found,) = symptoms.after(session, 0, NOW, 10)
    assert found.symptom.vector is None


def test_only_what_is_new_and_recent_is_read_the_newest_if_there_are_too_many(database: Database) -> None:
    bare = Symptom("en", Category.DATA, Urgency.NORMAL, (), None)
    with database.begin() as session:
        one = talk(session)
        for minute in range(5):
            symptoms.put(session, bare, minute, one.id, one.customer_id, later(minutes=minute))
        every = symptoms.after(session, 0, NOW, 10)
        assert [found.turn_id for found in every] == [0, 1, 2, 3, 4]
        assert [found.turn_id for found in symptoms.after(session, every[2].id, NOW, 10)] == [3, 4]
        assert [found.turn_id for found in symptoms.after(session, 0, later(minutes=3), 10)] == [3, 4]
        assert [found.turn_id for found in symptoms.after(session, 0, NOW, 2)] == [3, 4]


def test_what_is_older_than_a_week_is_deleted(database: Database) -> None:
    bare = Symptom("en", Category.DATA, Urgency.NORMAL, (), None)
    with database.begin() as session:
        one = talk(session)
        symptoms.put(session, bare, 1, one.id, one.customer_id, NOW - KEPT - timedelta(seconds=1))
        symptoms.put(session, bare, 2, one.id, one.customer_id, NOW)
        assert symptoms.forget(session, NOW) == 1
        assert [found.turn_id for found in symptoms.after(session, 0, NOW - 2 * KEPT, 10)] == [2]
