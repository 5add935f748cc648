"""One-time codes: six digits that prove who reads an address. Kept as a digest, for a quarter of an hour, for five tries."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from base.errors import InvalidInput
from base.i18n import N_
from desk.tables import CodeRow

VALID = timedelta(minutes=15)
MOST_TRIES = 5


class WrongCode(InvalidInput):
    """The same for a wrong, an old and a used one: nothing is learned by trying."""

    code = "wrong_code"
    message = N_("This code is not right, or too old. Check it, or have a new one sent.")


def make(session: Session, purpose: str, address: str, now: datetime) -> str:
    """A new code for this purpose and address; an earlier one of the purpose is good no more."""
    code = f"{secrets.randbelow(1_000_000):06}"
    session.execute(delete(CodeRow).where(CodeRow.purpose == purpose))
    session.add(
        CodeRow(purpose=purpose, address=address, digest=_digest(purpose, code), tries=0, expires_at=now + VALID)
    )
    session.flush()
    return code


def check(session: Session, purpose: str, code: str, now: datetime) -> str | None:
    """The address that is proven by a code, which is used up then; None when it is not right.

    The try is counted in the caller's transaction: it must be committed in any case, so nothing is raised here.
    """
    row = session.get(CodeRow, purpose, with_for_update=True)
    if row is None or row.expires_at <= now or row.tries >= MOST_TRIES:
        return None
    row.tries += 1
    if not hmac.compare_digest(row.digest, _digest(purpose, code.strip())):
        session.flush()
        return None
    address = row.address
    session.delete(row)
    session.flush()
    return address


def _digest(purpose: str, code: str) -> str:
    return hashlib.sha256(f"{purpose}\x00{code}".encode()).hexdigest()
