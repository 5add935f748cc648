"""The search for lost and double mails: nothing to find after an ordinary run, and found when there is something."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from base.database import Database
from desk.mail_tables import MailRow
from desk.tables import InboxRow
from evals.deliveries import deliver, prepare
from evals.deliveries_check import Found, look
from evals.deliveries_worker import Run, settings_of
from evals.far_end import far_end
from evals.mail_corpus import MAILBOXES, Delivery, deliveries
from tests.live import LOOPBACK

pytestmark = pytest.mark.allow_hosts(LOOPBACK)
EVERY = deliveries(150)


@pytest.fixture(scope="module")
def _once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of them stored and sorted by a worker that nobody killed, none answered."""
    folder = tmp_path_factory.mktemp("deliveries")
    prepare(folder, EVERY, smtp_port=9, with_articles=False)
    Run(folder, answers=0, uidvalidity=1)()
    return folder


@pytest.fixture
def delivered(_once: Path, tmp_path: Path) -> Iterator[Database]:
    """The test's own copy."""
    shutil.copytree(_once, tmp_path / "data")
    database = Database(settings_of(tmp_path / "data").url)
    yield database
    database.close()


def taken(session: Session) -> MailRow:
    return session.scalars(select(MailRow).where(MailRow.state == "taken").limit(1)).one()


def found_after(database: Database) -> Found:
    return look(database, EVERY, [])


def test_the_corpus_is_the_same_in_every_run_and_a_fifth_is_delivered_twice() -> None:
    assert deliveries(150) == EVERY
    assert len({one.key for one in EVERY}) == 120
    assert set(Counter(one.mailbox for one in EVERY)) == set(MAILBOXES)
    assert set(Counter(one.expected for one in deliveries(600))) == {"taken", "noted", "quarantined"}


def test_an_ordinary_run_loses_nothing_and_takes_nothing_twice(delivered: Database) -> None:
    found = found_after(delivered)
    assert (found.lost, found.double, found.wrong_state) == ([], [], [])
    assert found.is_right
    copies = len({(one.mailbox, sha256(one.raw).hexdigest()) for one in EVERY})
    assert sum(found.states["mails"].values()) == copies


def test_a_lost_mail_is_found(delivered: Database) -> None:
    with delivered.begin() as session:
        lost = next(one for one in EVERY if sha256(one.raw).hexdigest() == (row := taken(session)).digest)
        session.execute(delete(MailRow).where(MailRow.id == row.id))
    assert [one.split(":")[0] for one in found_after(delivered).lost] == [
        lost.key,
        lost.key,
    ]  # neither stored nor taken


def test_a_mail_that_never_came_to_the_inbox_is_found(delivered: Database) -> None:
    with delivered.begin() as session:
        session.execute(delete(InboxRow).where(InboxRow.id == select(InboxRow.id).limit(1).scalar_subquery()))
    assert len(found_after(delivered).lost) == 1


def test_a_mail_that_was_taken_twice_is_found(delivered: Database) -> None:
    with delivered.begin() as session:
        row = session.scalars(select(InboxRow).limit(1)).one()
        values = {
            column.name: getattr(row, column.name) for column in InboxRow.__table__.columns if column.name != "id"
        }
        session.add(InboxRow(**{**values, "message_id": "another"}))
    assert len(found_after(delivered).double) == 1


def test_a_mail_in_a_wrong_state_is_found(delivered: Database) -> None:
    with delivered.begin() as session:
        session.execute(update(MailRow).where(MailRow.id == taken(session).id).values(state="claimed"))
    assert len(found_after(delivered).wrong_state) == 1


@pytest.mark.slow
def test_killed_workers_lose_nothing_and_answer_nothing_twice(tmp_path: Path, model_cache: Path) -> None:
    every: list[Delivery] = deliveries(200)
    model_cache.mkdir(parents=True, exist_ok=True)
    (tmp_path / "models").symlink_to(model_cache, target_is_directory=True)
    with far_end() as end:
        prepare(tmp_path, every, end.port, with_articles=False)
        killed = deliver(tmp_path, 20, 3, 200, random.Random(1))
        database = Database(settings_of(tmp_path).url)
        found = look(database, every, end.arrived)
        database.close()
    assert killed > 0
    assert (found.lost, found.double, found.wrong_state) == ([], [], [])
    assert found.arrived >= 20 - killed
