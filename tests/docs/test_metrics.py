from prometheus_client.metrics import MetricWrapperBase

from base import metrics
from tests.docs.pages import cells, read


def _declared() -> set[tuple[str, str, str, str]]:
    found = set()
    for value in vars(metrics).values():
        if isinstance(value, MetricWrapperBase):
            family = next(iter(value.describe()))
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = ", ".join(f"`{label}`" for label in value._labelnames)
            found.add((f"`{name}`", family.type, labels or "none", family.documentation))
    return found


def test_the_page_lists_exactly_the_metrics_with_type_labels_and_meaning() -> None:
    page = {tuple(row) for row in cells(read("docs/metrics.md")) if row[0].startswith("`firstline_")}
    assert page == _declared()
