"""Frames on a pipe between two of our processes: a length (8 bytes, big endian) and so many bytes."""

from __future__ import annotations

from typing import IO


def receive(source: IO[bytes]) -> bytes | None:
    """The next frame; None at the end, or when it is cut off."""
    head = source.read(8)
    if len(head) < 8:
        return None
    length = int.from_bytes(head, "big")
    body = source.read(length)
    return body if len(body) == length else None


def send(target: IO[bytes], body: bytes) -> None:
    """One frame."""
    target.write(len(body).to_bytes(8, "big"))
    target.write(body)
    target.flush()
