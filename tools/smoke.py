"""Asks a running Firstline one question in each language through the widget's API and waits for a sourced answer."""

from __future__ import annotations

import sys
import time
import uuid

import httpx

QUESTIONS = (("en", "Printer shows PRN-21, what does it mean?"), ("zh", "忘记密码了怎么重置？"))


def main(base: str) -> int:
    with httpx.Client(base_url=base, timeout=10, trust_env=False) as client:
        _wait(client)
        for lang, question in QUESTIONS:
            turn = _ask(client, lang, question)
            if not turn["citations"]:
                print(f"no source in the answer to {question!r}: {turn['text'][:200]!r}")
                return 1
            print(f"[{lang}] {question} -> {turn['citations'][0]['title']}")
        for page in ("/demo", "/signin", "/widget.js", "/api/v1/openapi.json"):
            client.get(page).raise_for_status()
    print("smoke test passed")
    return 0


def _wait(client: httpx.Client, seconds: float = 240) -> None:
    """Until the demo articles can be found."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if client.get("/healthz").json()["index"]["vectors"] > 300:
                return
        except (httpx.HTTPError, KeyError, ValueError):
            pass
        time.sleep(1)
    raise SystemExit("Firstline did not come up in time")


def _ask(client: httpx.Client, lang: str, question: str) -> dict:
    session = client.post("/api/v1/chat/sessions", json={"lang": lang}).json()["session"]
    headers = {"Authorization": f"Bearer {session}"}
    body = {"client_id": uuid.uuid4().hex, "text": question}
    client.post("/api/v1/chat/messages", json=body, headers=headers).raise_for_status()
    for _ in range(100):
        turns = client.get("/api/v1/chat/turns", headers=headers).json()["turns"]
        replies = [turn for turn in turns if turn["author"] == "bot"]
        if replies:
            return replies[0]
        time.sleep(0.1)
    raise SystemExit(f"no reply to {question!r}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
