"""Every counter and histogram, declared once with unit and labels. Served at `/metrics` for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

REGISTRY = CollectorRegistry()

INBOUND = Counter(
    "firstline_inbound_messages", "Messages stored in the inbox", ["channel", "result"], registry=REGISTRY
)
TURN_SECONDS = Histogram(
    "firstline_turn_seconds",
    "From claiming a message to its stored outcome",
    ["channel", "outcome"],
    unit="seconds",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)
SENT = Counter("firstline_outbound_messages", "Messages leaving by the outbox", ["channel", "state"], registry=REGISTRY)
TICKETS_OPENED = Counter("firstline_tickets_opened", "Tickets opened", ["reason", "urgency"], registry=REGISTRY)
MODEL_CALLS = Counter("firstline_model_calls", "Calls of the chat model", ["result"], registry=REGISTRY)
DEAD_LETTERS = Counter(
    "firstline_dead_letters", "Messages set aside after too many attempts", ["queue"], registry=REGISTRY
)
SSE_CLIENTS = Gauge("firstline_sse_clients", "Open live connections", ["kind"], registry=REGISTRY)
INDEX_REBUILDS = Counter("firstline_index_rebuilds", "Vector index rebuilds", ["reason"], registry=REGISTRY)
CHUNKS_INDEXED = Counter("firstline_chunks_indexed", "Chunks written by ingestion", registry=REGISTRY)


def render_metrics(others: Iterable[bytes] = ()) -> bytes:
    """The figures in Prometheus text format. others: those of further processes, in the same format, to be added up."""
    others = tuple(others)
    if not others:
        return generate_latest(REGISTRY)
    return generate_latest(_Sum((generate_latest(REGISTRY), *others)))


class _Sum:
    """Looks like a registry; what the processes counted, added up."""

    def __init__(self, texts: Iterable[bytes]) -> None:
        self._texts = texts

    def collect(self) -> Iterator[Metric]:
        families = dict[str, Metric]()
        values = dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]]()
        for text in self._texts:
            for family in text_string_to_metric_families(text.decode()):
                families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                counted = values.setdefault(family.name, {})
                for sample in family.samples:
                    key = (sample.name, tuple(sorted(sample.labels.items())))
                    first = sample.name.endswith("_created") and key in counted  # a moment, not a number of things
                    counted[key] = min(counted[key], sample.value) if first else counted.get(key, 0.0) + sample.value
        for name, family in families.items():
            for (sample_name, labels), value in values[name].items():
                family.add_sample(sample_name, dict(labels), value)
            yield family
