"""A chat model server that says what a test wants: OpenAI's streaming protocol on loopback, with its faults."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Script:
    """How the server behaves. `requests`: what it was sent. `hold`: it waits for this before it goes on."""

    text: str = ""
    piece_chars: int = 3
    status: int = 200
    body: bytes | None = None  # instead of a stream
    finish: str | None = "stop"
    cut_after: int | None = None  # pieces, then the connection is closed
    hold_after: int | None = None  # pieces, then it says nothing until `hold` is set
    hold: threading.Event = field(default_factory=threading.Event)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return len(self.requests)

    def sent(self) -> str:
        """Everything the server was told, in one text."""
        return json.dumps(self.requests, ensure_ascii=False)


@contextmanager
def serve(script: Script) -> Iterator[str]:
    """Run the server; the block gets its base URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            script.requests.append(json.loads(self.rfile.read(length)))
            script.headers.append(dict(self.headers))
            if script.status != 200 or script.body is not None:
                self._whole(script.status, script.body if script.body is not None else b'{"error": {"message": "no"}}')
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self._stream()

        def _whole(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _stream(self) -> None:
            pieces = [script.text[i : i + script.piece_chars] for i in range(0, len(script.text), script.piece_chars)]
            try:
                for number, piece in enumerate(pieces):
                    if number == script.cut_after:
                        self.connection.shutdown(socket.SHUT_RDWR)
                        return
                    if number == script.hold_after:
                        script.hold.wait(30)
                        return
                    self._event({"delta": {"content": piece}, "index": 0, "finish_reason": None})
                if script.finish:
                    self._event({"delta": {}, "index": 0, "finish_reason": script.finish})
                    self.wfile.write(b"data: [DONE]\n\n")
            except (BrokenPipeError, ConnectionResetError):
                return  # the reader has had enough

        def _event(self, choice: dict[str, Any]) -> None:
            data = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
            self.wfile.write(b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n")
            self.wfile.flush()

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        script.hold.set()
        server.shutdown()
        server.server_close()
