"""Every address of the app, read from the app: a test over them cannot forget a new one."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Mount, Route


def addresses(app: FastAPI) -> list[tuple[str, str]]:
    """(method, path) of every route, HEAD left out; mounts as ("GET", "/static/...")."""
    return sorted({pair for route in app.routes for pair in _pairs(route)})


def _pairs(route: object) -> Iterator[tuple[str, str]]:
    if isinstance(route, Mount):
        yield "GET", f"{route.path}/..."
    elif isinstance(route, APIRoute | Route):
        for method in (route.methods or set()) - {"HEAD"}:
            yield method, route.path
    else:  # an included router
        for inner in route.original_router.routes:  # type: ignore[attr-defined]
            yield from _pairs(inner)
