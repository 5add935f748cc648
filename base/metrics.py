"""Every counter and histogram, declared once with unit and labels. Served at `/metrics` for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

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


def render_metrics() -> bytes:
    """The figures in Prometheus text format."""
    return generate_latest(REGISTRY)
