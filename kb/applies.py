"""To what and to whom an article applies, as every ranker asks for it: in Python, and as a condition inside an SQL query.

Both say the same, and a test holds them together. Names are compared folded; days are the installation's own, as
"YYYY-MM-DD", so that they compare as text in every database and nothing has to be rewritten when one passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from base.text import normalise
from kb.models import ALL, Applies, Audience, Scope

FIRST_DAY, LAST_DAY = "", "9999-12-31"  # of what has no first or last day
_BAR = "|"  # around each name in a column: "|tidb|tidb cloud|"
_VERSION_MARK = re.compile(r"^v(?:er(?:sion)?)?\.?\s*(?=\d)")
_OPEN_END = re.compile(r"(?:\.[x*])+$")


def folded(name: str) -> str:
    """A product or package as it is compared: case, width and blanks do not count."""
    return " ".join(normalise(name).replace(_BAR, " ").split())


def folded_version(name: str) -> str:
    """ "V8.5.x" gives "8.5": what is left open at the end matches by itself."""
    return _OPEN_END.sub("", _VERSION_MARK.sub("", folded(name)))


def columns(applies: Applies) -> dict[str, str]:
    """The columns of a chunk that are compared."""
    return {
        "products": _joined(map(folded, applies.products)),
        "versions": _joined(map(folded_version, applies.versions)),
        "packages": _joined(map(folded, applies.packages)),
        "valid_from": applies.valid_from or FIRST_DAY,
        "valid_until": applies.valid_until or LAST_DAY,
    }


def to_json(applies: Applies) -> dict[str, Any]:
    """As it is stored with an article and its versions: only what is limited, as it was written."""
    named = {name: list(getattr(applies, name)) for name in ("products", "versions", "packages")}
    days = {"valid_from": applies.valid_from, "valid_until": applies.valid_until}
    return {name: value for name, value in (named | days).items() if value}


def from_json(stored: Mapping[str, Any] | None) -> Applies:
    """The opposite of `to_json`. What is not limited is always the same object."""
    if not stored:
        return ALL
    named = {name: tuple(stored.get(name, ())) for name in ("products", "versions", "packages")}
    return Applies(**named, valid_from=stored.get("valid_from", ""), valid_until=stored.get("valid_until", ""))


def from_columns(products: str, versions: str, packages: str, valid_from: str, valid_until: str) -> Applies:
    """The opposite of `columns`, as far as it is compared: names stay folded."""
    if not (products or versions or packages or valid_from) and valid_until == LAST_DAY:
        return ALL
    until = "" if valid_until == LAST_DAY else valid_until
    return Applies(_apart(products), _apart(versions), _apart(packages), valid_from, until)


def within(applies: Applies, scope: Scope) -> bool:
    """Whether a reader of this scope may see what applies so. The audience and the collection are asked elsewhere."""
    if applies is ALL:
        return True
    products, versions, packages = _folded(applies)
    if scope.day and not (applies.valid_from or FIRST_DAY) <= scope.day <= (applies.valid_until or LAST_DAY):
        return False
    if packages and Audience.INTERNAL not in scope.audiences and folded(scope.package) not in packages:
        return False
    if products and (product := folded(scope.product)) and product not in products:
        return False
    if versions and (version := folded_version(scope.version)):
        return any(_same_line(version, known) for known in versions)
    return True


@lru_cache(maxsize=256)  # a search asks for it several times, and questions come with the same few scopes
def scope_clause(scope: Scope) -> tuple[str, dict[str, str]]:
    """ " AND ..." over the columns of kb_chunks (as `c`) that keeps what this scope may see, and its values.

    The text depends on the kind of scope, not on its values: prepared statements are found again.
    """
    values = {f"a{i}": str(audience) for i, audience in enumerate(scope.audiences)}
    clause = f" AND c.audience IN ({_names(values)})"
    if scope.collections:
        collections = {f"c{i}": name for i, name in enumerate(scope.collections)}
        clause += f" AND c.collection IN ({_names(collections)})"
        values |= collections
    if scope.day:
        clause += " AND c.valid_from <= :day AND c.valid_until >= :day"
        values["day"] = scope.day
    if Audience.INTERNAL not in scope.audiences:  # staff see every package
        clause += " AND (c.packages = '' OR c.packages LIKE :package ESCAPE '!')"
        values["package"] = _holding(folded(scope.package))
    if product := folded(scope.product):
        clause += " AND (c.products = '' OR c.products LIKE :product ESCAPE '!')"
        values["product"] = _holding(product)
    if version := folded_version(scope.version):
        lines = {f"v{i}": pattern for i, pattern in enumerate(_lines(version))}
        clause += f" AND (c.versions = '' OR {' OR '.join(f'c.versions LIKE :{n} ESCAPE {_MARK}' for n in lines)})"
        values |= lines
    return clause, values


_MARK = "'!'"


def _joined(names: Iterable[str]) -> str:
    kept = [name for name in dict.fromkeys(names) if name]
    return _BAR + _BAR.join(kept) + _BAR if kept else ""


def _apart(joined: str) -> tuple[str, ...]:
    return tuple(name for name in joined.split(_BAR) if name)


@lru_cache(maxsize=4096)
def _folded(applies: Applies) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    kept = columns(applies)
    return frozenset(_apart(kept["products"])), frozenset(_apart(kept["versions"])), frozenset(_apart(kept["packages"]))


def _same_line(asked: str, known: str) -> bool:
    """Whether one of two versions is the other, or the line it belongs to: 8.5 and 8.5.1, but not 8.5 and 8.50."""
    return f"{asked}.".startswith(f"{known}.") or f"{known}.".startswith(f"{asked}.")


def _lines(version: str) -> list[str]:
    """The patterns of the columns that hold this version, a line it belongs to, or a version of its line."""
    parts = version.split(".")
    lines = [".".join(parts[: n + 1]) for n in range(len(parts))]
    return [*(_holding(line) for line in lines), f"%{_BAR}{_escaped(version)}.%"]


def _holding(name: str) -> str:
    return f"%{_BAR}{_escaped(name)}{_BAR}%"


def _escaped(name: str) -> str:
    return re.sub(r"([!%_])", r"!\1", name)


def _names(values: Iterable[str]) -> str:
    return ", ".join(f":{name}" for name in values)
