"""Who is using the widget: only what the site has signed, for this desk and not for long, is believed (T14)."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from web.visitor import BadVisitorToken, Visitor, read_visitor

SECRET = "a secret that only the site and the desk know, 32+ bytes"


def token(secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    given = {"sub": "4711", "aud": "firstline", "exp": time.time() + 600, **claims}
    return jwt.encode({name: value for name, value in given.items() if value is not None}, secret, algorithm=algorithm)


def read(given: str, secret: str = SECRET) -> Visitor:
    return read_visitor(given, secret, time.time())


def test_a_signed_token_says_who_it_is() -> None:
    signed = token(name="Wang Fang", email="Wang@Customers.example", email_verified=True)
    assert read(signed) == Visitor("user:4711", "Wang Fang", "wang@customers.example")


def test_an_address_that_the_site_has_not_verified_is_nobodys() -> None:
    for verified in (None, False, "true", 1):
        assert read(token(email="boss@customers.example", email_verified=verified)).email == ""


@pytest.mark.parametrize(
    "given",
    [
        token(secret="somebody else's secret, also long enough"),
        token(exp=time.time() - 60),
        token(exp=None),
        token(exp=time.time() + 30 * 24 * 3600),
        token(aud="another desk"),
        token(aud=None),
        token(sub=None),
        token(sub=" "),
        token(sub="x" * 201),
        token(algorithm="HS512"),
        jwt.encode({"sub": "4711", "aud": "firstline", "exp": time.time() + 600}, None, algorithm="none"),
        token()[:-4] + "AAAA",
        "not.a.token",
        "",
    ],
)
def test_anything_else_is_refused(given: str) -> None:
    with pytest.raises(BadVisitorToken):
        read(given)


def test_nobody_is_believed_while_no_secret_is_set() -> None:
    with pytest.raises(BadVisitorToken):
        read(token(), "")
