"""A chat model's text as it arrives: under one time limit, cut into sentences, never longer than an answer may be."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

from base.errors import ModelUnavailable
from base.text import clean
from bot.ground import sentences_with_markers, with_plain_markers

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

MAX_ANSWER_CHARS = 12_000
END_TOLD_BY = ("openai", "ollama", "anthropic")  # providers that always say why a stream ended
_END = re.compile(r"(?:\[\d{1,2}\]|[.!?:。！？；：…])[\s\"'”’」）)*_`|]*$")
_MARKER_BEGUN = re.compile(r"\s*[\[【［(]?[\d,\s^]*[\]】］)]?\s*")
_TOLD_END = ("finish_reason", "done_reason", "stop_reason")


@dataclass(frozen=True, slots=True)
class Piece:
    """One sentence with its markers."""

    text: str
    new_line: bool  # it began on a line of its own
    finished: bool = True  # False for a last sentence that breaks off


def stream_sentences(
    model: BaseChatModel, messages: Sequence[tuple[str, str]], timeout_seconds: float, *, end_is_told: bool
) -> Iterator[Piece]:
    """Complete sentences, each as soon as the next one has begun.

    end_is_told: the provider always says why it ended; a stream that does not was cut. Raises ModelUnavailable for a
    fault of the model, a time limit passed, an answer cut off or much too long.
    """
    cutter = SentenceCutter()
    for text in _pieces(model, messages, timeout_seconds, end_is_told):
        yield from cutter.feed(text)
    yield from cutter.rest()


def whole_text(
    model: BaseChatModel,
    messages: Sequence[tuple[str, str]],
    timeout_seconds: float,
    max_chars: int,
    *,
    end_is_told: bool,
) -> str:
    """All a model says, for short tasks. Raises ModelUnavailable as `stream_sentences`, and for more than `max_chars`."""
    found: list[str] = []
    for text in _pieces(model, messages, timeout_seconds, end_is_told):
        found.append(text)
        if sum(map(len, found)) > max_chars:
            raise ModelUnavailable("the model says more than it was asked for", characters=max_chars)
    return "".join(found)


class SentenceCutter:
    """Cuts a growing text into sentences. A marker that is still being written stays with its sentence."""

    def __init__(self) -> None:
        self._buffer = ""
        self._seen = 0

    def feed(self, text: str) -> Iterator[Piece]:
        self._buffer = with_plain_markers(self._buffer + clean_piece(text))
        while True:
            found = sentences_with_markers(self._buffer)
            if len(found) < 2:
                return
            before, after = _around(self._buffer, found[0])
            if _MARKER_BEGUN.fullmatch(after):
                return
            self._buffer = after
            yield self._piece(before, found[0])

    def rest(self) -> Iterator[Piece]:
        """What is left at the end."""
        found = sentences_with_markers(self._buffer)
        for place, sentence in enumerate(found):
            before, self._buffer = _around(self._buffer, sentence)
            finished = place < len(found) - 1 or _END.search(sentence) is not None
            yield replace(self._piece(before, sentence), finished=finished)

    def _piece(self, before: str, sentence: str) -> Piece:
        self._seen += 1
        return Piece(sentence, self._seen > 1 and "\n" in before)


def _around(buffer: str, sentence: str) -> tuple[str, str]:
    """What stands before and after a sentence in the text it was found in; blanks inside it may differ."""
    pattern = r"\s*".join(re.escape(part) for part in re.split(r"\s+|(?=\[\d)", sentence) if part)
    match = re.search(pattern, buffer)
    return (buffer[: match.start()], buffer[match.end() :]) if match else ("", buffer[len(sentence) :])


def clean_piece(text: str) -> str:
    """As `clean`, with the blanks at both ends kept: words of two pieces stay apart."""
    body = clean(text)
    if not body:
        return "\n" if "\n" in text else " " * bool(text)
    lead = text[: len(text) - len(text.lstrip())]
    tail = text[len(text.rstrip()) :]
    return ("\n" if "\n" in lead else " " * bool(lead)) + body + ("\n" if "\n" in tail else " " * bool(tail))


def _pieces(
    model: BaseChatModel, messages: Sequence[tuple[str, str]], timeout_seconds: float, end_is_told: bool
) -> Iterator[str]:
    """The model's text in pieces. A thread of its own reads it, so that the limit holds whatever the model does."""
    queue: Queue[tuple[str, str] | BaseException | None] = Queue()
    stop = threading.Event()

    def read() -> None:
        try:
            for chunk in model.stream(list(messages)):
                if stop.is_set():
                    return
                queue.put((_text_of(chunk.content), _end_of(chunk.response_metadata)))
            queue.put(None)
        except BaseException as error:  # handed over to the waiting thread
            queue.put(error)

    threading.Thread(target=read, name="model-stream", daemon=True).start()
    deadline, length, ended = time.monotonic() + timeout_seconds, 0, ""
    try:
        while True:
            try:
                item = queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                raise ModelUnavailable("the model took too long", seconds=timeout_seconds) from None
            if item is None:
                break
            if isinstance(item, BaseException):
                raise ModelUnavailable(f"{type(item).__name__}: {item}"[:300]) from item
            text, reason = item
            ended, length = reason or ended, length + len(text)
            if length > MAX_ANSWER_CHARS:
                raise ModelUnavailable("the model does not stop", characters=length)
            if text:
                yield text
    finally:
        stop.set()
    if ended == "length" or (end_is_told and not ended):
        raise ModelUnavailable("the answer was cut off", ended=ended or "unknown")


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text", "")) if isinstance(part, dict) else str(part) for part in content)


def _end_of(metadata: dict[str, Any]) -> str:
    return next((str(metadata[name]) for name in _TOLD_END if metadata.get(name)), "")
