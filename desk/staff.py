"""Staff: passwords (argon2), sessions, roles. A changed password or role ends every session."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from base.errors import Conflict, InvalidInput, Unauthenticated
from base.i18n import N_
from base.text import clean
from desk.models import Role, Staff
from desk.tables import StaffRow, StaffSessionRow

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_PASSWORD = 10

# What each role may do, as data: routes name a permission, never a role.
PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.AGENT: frozenset({"inbox", "knowledge.read"}),
    Role.EDITOR: frozenset({"inbox", "knowledge.read", "knowledge.write"}),
    Role.MANAGER: frozenset({"inbox", "knowledge.read", "reports"}),
    Role.ADMIN: frozenset({"inbox", "knowledge.read", "knowledge.write", "reports", "admin"}),
}


class WrongPassword(Unauthenticated):
    code = "wrong_password"
    message = N_("The e-mail address or the password is not right.")


class WeakPassword(InvalidInput):
    code = "weak_password"
    message = N_("Please choose a password of at least {minimum} characters.")


class AddressTaken(Conflict):
    code = "address_taken"
    message = N_("Somebody on the staff already signs in with {email}. Use another e-mail address.")


class NoAddress(InvalidInput):
    code = "no_address"
    message = N_("“{email}” is not an e-mail address. Write it as name@example.com.")


def may(staff: Staff, permission: str) -> bool:
    return staff.active and permission in PERMISSIONS[staff.role]


def add(session: Session, name: str, email: str, password: str, role: Role, now: datetime, lang: str = "en") -> Staff:
    """Raises WeakPassword, NoAddress or AddressTaken."""
    if len(password) < MIN_PASSWORD:
        raise WeakPassword(minimum=MIN_PASSWORD)
    address = clean(email).lower()
    if "@" not in address:
        raise NoAddress(email=email)
    if session.scalar(select(StaffRow.id).where(StaffRow.email == address)):
        raise AddressTaken(email=address)
    row = StaffRow(
        public_id=secrets.token_hex(8), name=name.strip() or address, email=address,
        password_hash=_hasher().hash(password), role=role, lang=lang, active=True, session_version=1, created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return to_staff(row)


def check_password(session: Session, email: str, password: str) -> Staff:
    """The staff member. Raises WrongPassword for an unknown address too, after the same work (no guessing who exists)."""
    from argon2.exceptions import InvalidHashError, VerificationError

    row = session.scalar(select(StaffRow).where(StaffRow.email == clean(email).lower()))
    try:
        _hasher().verify(row.password_hash if row else _dummy_hash(), password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        raise WrongPassword() from None
    if row is None or not row.active:
        raise WrongPassword()
    return to_staff(row)


def set_password(session: Session, staff: Staff, password: str) -> None:
    """Change it and end every session."""
    if len(password) < MIN_PASSWORD:
        raise WeakPassword(minimum=MIN_PASSWORD)
    session.execute(
        update(StaffRow)
        .where(StaffRow.id == staff.id)
        .values(password_hash=_hasher().hash(password), session_version=StaffRow.session_version + 1)
    )


def set_role(session: Session, staff: Staff, role: Role) -> Staff:
    """Give another role and end every session: what was open was open under the old one."""
    session.execute(
        update(StaffRow).where(StaffRow.id == staff.id).values(role=role, session_version=StaffRow.session_version + 1)
    )
    return to_staff(session.scalars(select(StaffRow).where(StaffRow.id == staff.id)).one())


def open_session(session: Session, staff: Staff, now: datetime, hours: int) -> str:
    """A new session; return its token (the cookie's value). Only its hash is stored."""
    token = secrets.token_urlsafe(32)
    session.add(
        StaffSessionRow(
            token_hash=_digest(token), staff_id=staff.id, session_version=staff.session_version,
            created_at=now, expires_at=now + timedelta(hours=hours),
        )
    )  # fmt: skip
    session.flush()
    session.execute(delete(StaffSessionRow).where(StaffSessionRow.expires_at < now))
    return token


def from_session(session: Session, token: str, now: datetime) -> Staff | None:
    """Whose session this is; None when unknown, ended, or older than a password or role change."""
    row = session.execute(
        select(StaffRow, StaffSessionRow)
        .join(StaffSessionRow, StaffSessionRow.staff_id == StaffRow.id)
        .where(StaffSessionRow.token_hash == _digest(token))
    ).one_or_none()
    if row is None:
        return None
    member, opened = row
    if not member.active or opened.expires_at <= now or opened.session_version != member.session_version:
        return None
    return to_staff(member)


def close_session(session: Session, token: str) -> None:
    session.execute(delete(StaffSessionRow).where(StaffSessionRow.token_hash == _digest(token)))


def list_all(session: Session) -> list[Staff]:
    return [to_staff(row) for row in session.scalars(select(StaffRow).order_by(StaffRow.name))]


def count(session: Session) -> int:
    return int(session.scalar(select(func.count()).select_from(StaffRow)) or 0)


def to_staff(row: StaffRow) -> Staff:
    return Staff(row.id, row.public_id, row.name, row.email, Role(row.role), row.lang, row.active, row.session_version)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    # OWASP's minimum for argon2id (19 MiB, 2 passes, 1 lane): 76 ms on the machine measured.
    return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


@cache
def _dummy_hash() -> str:
    return _hasher().hash(secrets.token_hex(16))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
