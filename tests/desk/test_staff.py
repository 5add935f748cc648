"""Staff: passwords, sessions that end when they must, and what each role may do."""

from __future__ import annotations

import dataclasses

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from base.database import Database
from base.errors import Conflict, InvalidInput, Unauthenticated
from desk import staff
from desk.models import Role
from desk.staff import PERMISSIONS, WeakPassword, WrongPassword
from desk.tables import StaffRow, StaffSessionRow
from tests.desk.made import NOW, PASSWORD, later, member


def test_the_right_password_opens_whatever_the_case_of_the_address(database: Database) -> None:
    with database.begin() as session:
        ada = member(session)
        assert staff.check_password(session, " ADA@Haisong.example ", PASSWORD) == ada


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + " ", PASSWORD.upper(), "\x00", "\ud800", "x" * 100_000])
def test_a_wrong_password_opens_nothing(database: Database, password: str) -> None:
    with database.begin() as session:
        member(session)
        with pytest.raises(WrongPassword):
            staff.check_password(session, "ada@haisong.example", password)


def test_an_unknown_address_costs_the_same_work_and_says_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    class Counting:
        def verify(self, hashed: str, password: str) -> bool:
            checked.append(hashed)
            return real.verify(hashed, password)

        def hash(self, password: str) -> str:
            return real.hash(password)

    real = staff._hasher()
    monkeypatch.setattr(staff, "_hasher", Counting)
    with database.begin() as session:
        member(session)
        told = []
        for address in ("ada@haisong.example", "nobody@haisong.example", "", "\x00", "\ud800@x"):
            with pytest.raises(WrongPassword) as refused:
                staff.check_password(session, address, "wrong password")
            told.append(str(refused.value))
    assert len(set(told)) == 1
    assert len(checked) == 5
    assert all(hashed.startswith("$argon2id$") for hashed in checked)
    assert issubclass(WrongPassword, Unauthenticated)


def test_somebody_who_left_cannot_sign_in_nor_stay(database: Database) -> None:
    with database.begin() as session:
        ada = member(session)
        token = staff.open_session(session, ada, NOW, 12)
        session.execute(update(StaffRow).where(StaffRow.id == ada.id).values(active=False))
        session.expire_all()
        assert staff.from_session(session, token, NOW) is None
        with pytest.raises(WrongPassword):
            staff.check_password(session, ada.email, PASSWORD)


def test_only_hashes_of_passwords_and_tokens_are_kept(database: Database) -> None:
    with database.begin() as session:
        token = staff.open_session(session, member(session), NOW, 12)
        assert len(token) >= 40
        row = session.scalars(select(StaffSessionRow)).one()
        assert token not in (row.token_hash, str(row.__dict__))
        assert PASSWORD not in str(session.scalars(select(StaffRow)).one().__dict__)


def test_a_session_ends_after_its_hours(database: Database) -> None:
    with database.begin() as session:
        ada = member(session)
        token = staff.open_session(session, ada, NOW, 12)
        assert staff.from_session(session, token, later(hours=11, minutes=59)) == ada
        assert staff.from_session(session, token, later(hours=12)) is None


def test_a_closed_or_invented_session_is_nobodys(database: Database) -> None:
    with database.begin() as session:
        ada = member(session)
        token, other = staff.open_session(session, ada, NOW, 12), staff.open_session(session, ada, NOW, 12)
        staff.close_session(session, token)
        assert staff.from_session(session, token, NOW) is None
        assert staff.from_session(session, other, NOW) == ada
        assert staff.from_session(session, "invented", NOW) is None
        assert staff.from_session(session, "", NOW) is None
        assert staff.from_session(session, "\ud800\x00", NOW) is None


def test_a_new_password_ends_every_session(database: Database) -> None:
    with database.begin() as session:
        ada = member(session)
        tokens = [staff.open_session(session, ada, NOW, 12) for _ in range(3)]
        staff.set_password(session, ada, "another long password")
    with database.begin() as session:
        assert [staff.from_session(session, token, NOW) for token in tokens] == [None] * 3
        with pytest.raises(WrongPassword):
            staff.check_password(session, ada.email, PASSWORD)
        changed = staff.check_password(session, ada.email, "another long password")
        assert changed.session_version == ada.session_version + 1
        assert staff.from_session(session, staff.open_session(session, changed, NOW, 12), NOW) == changed


def test_a_new_role_ends_every_session(database: Database) -> None:
    with database.begin() as session:
        ada = member(session)
        token = staff.open_session(session, ada, NOW, 12)
        promoted = staff.set_role(session, ada, Role.ADMIN)
    with database.begin() as session:
        assert promoted.role is Role.ADMIN
        assert staff.from_session(session, token, NOW) is None
        assert staff.from_session(session, staff.open_session(session, promoted, NOW, 12), NOW) == promoted


def test_sessions_that_have_ended_are_cleared_away(database: Database) -> None:
    with database.begin() as session:
        ada = member(session)
        staff.open_session(session, ada, NOW, 1)
        staff.open_session(session, ada, later(hours=2), 1)
        assert len(session.scalars(select(StaffSessionRow)).all()) == 1


def test_a_short_password_or_a_taken_address_is_refused(database: Database) -> None:
    with database.begin() as session:
        ada = member(session)
        with pytest.raises(WeakPassword):
            staff.set_password(session, ada, "short")
        with pytest.raises(WeakPassword):
            _add(session, "b@haisong.example", "short")
        with pytest.raises(Conflict):
            _add(session, " ADA@haisong.example", PASSWORD)
        with pytest.raises(InvalidInput):
            _add(session, "no address", PASSWORD)
        assert staff.count(session) == 1
        assert [one.name for one in staff.list_all(session)] == ["Ada"]


def _add(session: Session, email: str, password: str) -> None:
    staff.add(session, "B", email, password, Role.AGENT, NOW)


def test_what_each_role_may_do_is_written_in_one_table(database: Database) -> None:
    with database.begin() as session:
        ada = member(session)
    rows = {
        role: {p for p in ("inbox", "knowledge.read", "knowledge.write", "reports", "admin") if _may(ada, role, p)}
        for role in Role
    }
    assert rows == {role: set(PERMISSIONS[role]) for role in Role}
    assert rows[Role.AGENT] == {"inbox", "knowledge.read"}
    assert [role for role in Role if "admin" in rows[role]] == [Role.ADMIN]
    assert all(rows[Role.AGENT] <= rows[role] for role in Role)


def _may(member_of_staff: staff.Staff, role: Role, permission: str) -> bool:
    return staff.may(dataclasses.replace(member_of_staff, role=role), permission)


def test_an_unknown_permission_is_nobodys_and_an_inactive_person_has_none(database: Database) -> None:
    with database.begin() as session:
        admin = member(session, role=Role.ADMIN)
    assert not staff.may(admin, "everything")
    assert not staff.may(dataclasses.replace(admin, active=False), "inbox")
