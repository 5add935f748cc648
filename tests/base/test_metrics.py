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


def test_what_several_processes_counted_is_added_up() -> None:
    metrics.SENT.labels(channel="console", state="sent").inc(2)
    metrics.TURN_SECONDS.labels(channel="console", outcome="answer").observe(0.2)
    alone = metrics.render_metrics()
    three = metrics.render_metrics([alone, alone])
    assert _samples(three) == {name: 3 * value for name, value in _samples(alone).items()}
    assert [line for line in three.splitlines() if line.startswith(b"#")] == [
        line for line in alone.splitlines() if line.startswith(b"#")
    ]


def _samples(text: bytes) -> dict[tuple[str, str], float]:
    return {
        (sample.name, str(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }
