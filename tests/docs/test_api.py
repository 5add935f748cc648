import importlib
import pkgutil

from fastapi.routing import APIRoute

from tests.docs.pages import cells, read
from web import routes
from web.app import create_app
from web.wiring import Services


def _documented(start: str, end: str) -> set[tuple[str, str]]:
    page = read("docs/api.md")
    part = page[page.index(start) : page.index(end) if end else None]
    return {(row[0], row[1].strip("`")) for row in cells(part) if row[0].isupper()}


def test_the_api_page_lists_exactly_the_operations_of_the_openapi_document(services: Services) -> None:
    document = create_app(services).openapi()
    operations = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert _documented("## For programs", "## Pages") == operations


def test_the_api_page_lists_exactly_the_addresses_of_the_pages() -> None:
    modules = [importlib.import_module(f"web.routes.{info.name}") for info in pkgutil.iter_modules(routes.__path__)]
    found = [route for module in modules for route in module.router.routes if isinstance(route, APIRoute)]
    shown = {
        (method, route.path)
        for route in found
        if not route.path.startswith(("/api/", "/hooks/"))
        for method in route.methods or ()
    }
    assert _documented("## Pages", "") == shown
