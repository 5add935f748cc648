from collections.abc import Iterator

from base.errors import AppError
from tests.docs.pages import PACKAGES, cells, modules, read


def _all(kind: type[AppError]) -> Iterator[type[AppError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _all(child)


def _ours() -> list[type[AppError]]:
    modules()
    return [kind for kind in dict.fromkeys(_all(AppError)) if kind.__module__.split(".")[0] in PACKAGES]


def test_every_error_is_on_the_page_with_code_status_and_message() -> None:
    page = {cell for row in cells(read("docs/errors.md")) for cell in (tuple(row),)}
    real = {(f"`{e.code}`", str(e.status), f"`{e.__module__}.{e.__name__}`", e.message) for e in _ours()}
    missing = [" | ".join(("", *row, "")).strip() for row in sorted(real - page)]
    assert missing == [], "rows to add to docs/errors.md"


def test_the_page_names_no_error_that_is_gone() -> None:
    real = {f"`{e.__module__}.{e.__name__}`" for e in _ours()}
    named = {row[2] for row in cells(read("docs/errors.md")) if len(row) == 4 and row[2].startswith("`")}
    assert named - real == set()


def test_every_error_says_what_to_do() -> None:
    for kind in _ours():
        assert kind.message.strip(), kind.__name__
        assert kind.code == kind.code.lower(), kind.__name__
        assert 400 <= kind.status < 600, kind.__name__
