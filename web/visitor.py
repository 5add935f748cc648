"""Who is using the widget: believed only when the organisation's own site says so, signed and not for long (T14)."""

from __future__ import annotations

from dataclasses import dataclass

import jwt
from sqlalchemy.exc import IntegrityError

from base.errors import Forbidden
from base.i18n import N_
from base.messages import Channel
from desk import customers, identities
from desk.identities import Proof
from web.wiring import Services

AUDIENCE = "firstline"
MOST_SECONDS = 24 * 3600  # a token for longer is a key that was left lying about
LEEWAY_SECONDS = 30


class BadVisitorToken(Forbidden):
    """`detail` says what is wrong with it, for whoever builds the site."""

    code = "bad_visitor_token"
    message = N_("Who you are could not be confirmed. Reload the page, or sign in again.")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody the organisation's site knows."""

    id: str  # the site's own id of them, as "user:<sub>"
    name: str = ""
    email: str = ""  # "" unless the site says that it has verified it


def read_visitor(token: str, secret: str, now_seconds: float) -> Visitor:
    """The visitor a token speaks of. Raises BadVisitorToken for anything but a signed, valid, short-lived one."""
    if not secret:
        raise BadVisitorToken("widget_secret is not set")
    try:
        claims = jwt.decode(
            token, secret, algorithms=["HS256"], audience=AUDIENCE, leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "sub", "aud"]},
        )  # fmt: skip
    except jwt.InvalidTokenError as error:
        raise BadVisitorToken(type(error).__name__) from error
    subject = str(claims["sub"]).strip()
    if not subject or len(subject) > 200:
        raise BadVisitorToken("sub is empty or too long")
    if float(claims["exp"]) - now_seconds > MOST_SECONDS + LEEWAY_SECONDS:
        raise BadVisitorToken("it is valid for more than a day")
    verified = claims.get("email_verified") is True
    email = str(claims.get("email", "")).strip().lower() if verified else ""
    return Visitor(f"user:{subject}", str(claims.get("name", "")).strip()[:200], email[:300])


def remember(services: Services, visitor: Visitor, lang: str) -> None:
    """Keep what the site says of somebody: the window's session, which lies open in a browser, then needs their id alone."""
    try:
        _remember(services, visitor, lang)
    except IntegrityError:  # another window of theirs was opened at this very moment, and was first
        _remember(services, visitor, lang)


def _remember(services: Services, visitor: Visitor, lang: str) -> None:
    now = services.clock.now()
    with services.database.begin() as session:
        customer = customers.meet(session, Channel.WEBCHAT, visitor.id, visitor.name, lang, now)
        if visitor.name and not customer.name:
            customers.name(session, customer.id, visitor.name)
        if visitor.email:
            identities.claim(session, customer, Channel.EMAIL, visitor.email, Proof.TOKEN, "customer", now)
