"""Figures for Prometheus."""

from __future__ import annotations

from prometheus_client import REGISTRY as GLOBAL
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from base import metrics


def _declared() -> list[MetricWrapperBase]:
    return [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]


def test_every_figure_is_declared_once_under_our_name_and_nowhere_else() -> None:
    names = [metric.describe()[0].name for metric in _declared()]
    assert len(names) == len(set(names)) == len(metrics.REGISTRY._collector_to_names)
    assert all(name.startswith("firstline_") for name in names)
    assert not any(family.name.startswith("firstline_") for family in GLOBAL.collect())


def test_every_figure_has_a_description() -> None:
    assert all(metric.describe()[0].documentation for metric in _declared())


def test_what_is_served_can_be_read_by_prometheus() -> None:
    metrics.CHUNKS_INDEXED.inc(3)
    families = {family.name: family for family in text_string_to_metric_families(metrics.render_metrics().decode())}
    assert families["firstline_chunks_indexed"].samples[0].value >= 3
