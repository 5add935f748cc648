"""Firstline as a process of its own: it serves, tells where, keeps its port, and stops soon when told, with open streams."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live import LOOPBACK, eventually

pytestmark = pytest.mark.allow_hosts(LOOPBACK)
ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "web.cli"]


@pytest.fixture
def environment(tmp_path: Path, model_cache: Path) -> dict[str, str]:
    model_cache.mkdir(parents=True, exist_ok=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "models").symlink_to(model_cache, target_is_directory=True)
    return {**os.environ, "FIRSTLINE_DATA_DIR": str(tmp_path / "data"), "PYTHONPATH": str(ROOT), "LANG": "C"}


@contextmanager
def served(environment: dict[str, str], errors: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A serving process and its address, read from what it says."""
    with errors.open("wb") as out:
        process = subprocess.Popen([*COMMAND, "serve", "--port", "0", *options], env=environment, stderr=out)
    try:
        said = eventually(lambda: re.search(r"Health +(http://\S+)/healthz", errors.read_text()))
        assert said is not None
        eventually(lambda: _alive(said.group(1)))
        yield process, said.group(1)
    finally:
        process.kill()
        process.wait()


def _alive(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_it_serves_says_where_and_stops_with_open_streams(environment: dict[str, str], tmp_path: Path) -> None:
    with served(environment, tmp_path / "errors") as (process, url):
        opened = httpx.post(f"{url}/api/v1/chat/sessions", json={}).json()
        bearer = {"Authorization": f"Bearer {opened['session']}"}
        ended: list[bool] = []
        ready = threading.Event()

        def listen() -> None:
            with httpx.stream("GET", f"{url}/api/v1/chat/events", headers=bearer, timeout=60) as stream:
                for line in stream.iter_lines():
                    if "ready" in line:
                        ready.set()
            ended.append(True)  # reached only when the stream was ended, not cut

        thread = threading.Thread(target=listen)
        thread.start()
        assert ready.wait(20)
        process.send_signal(signal.SIGTERM)
        process.wait(10)  # streams do not hold it back
        thread.join(10)
        assert ended == [True]
    said = (tmp_path / "errors").read_text()
    for address in ("/demo", "/inbox", "/status/", "/api/v1/openapi.json"):
        assert url + address in said
    assert "Traceback" not in said


def test_a_demo_makes_an_administrator_once_and_loads_its_articles(environment: dict[str, str], tmp_path: Path) -> None:
    environment |= {"FIRSTLINE_LOG_FORMAT": "text"}
    with served(environment, tmp_path / "first", "--demo") as (process, url):
        found = re.search(r"(\S+@firstline.example)  password: (\S+)", (tmp_path / "first").read_text())
        assert found is not None
        form = {"email": found.group(1), "password": found.group(2)}
        assert httpx.post(f"{url}/signin", data=form).status_code == 303
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    with served(environment, tmp_path / "second", "--demo") as (_, url):
        assert "password:" not in (tmp_path / "second").read_text()
        assert httpx.post(f"{url}/signin", data=form).status_code == 303


def test_what_is_asked_before_the_articles_are_there_is_answered_from_them(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with served(environment, tmp_path / "errors", "--demo") as (_, url):
        found = []
        for lang, question in (("en", "The printer says PRN-21, what does that mean?"), ("zh", "忘记密码了怎么重置？")):
            session = httpx.post(f"{url}/api/v1/chat/sessions", json={"lang": lang}).json()["session"]
            bearer = {"Authorization": f"Bearer {session}"}
            body = {"client_id": "1", "text": question}
            assert httpx.post(f"{url}/api/v1/chat/messages", json=body, headers=bearer).status_code == 202
            found.append(bearer)
        assert httpx.get(f"{url}/healthz").json()["setting_up"] is True

        def replies(bearer: dict[str, str]) -> list[dict[str, Any]]:
            turns: list[dict[str, Any]] = httpx.get(f"{url}/api/v1/chat/turns", headers=bearer).json()["turns"]
            return [turn for turn in turns if turn["author"] != "customer"]

        for bearer in found:
            [reply] = eventually(lambda bearer=bearer: replies(bearer), 170)
            assert reply["citations"]
        assert httpx.get(f"{url}/healthz").json()["setting_up"] is False


def test_a_port_in_use_is_said_before_anything_is_touched(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run([*COMMAND, "serve", "--port", str(port)], env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"Port {port} on 127.0.0.1 is in use" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (Path(environment["FIRSTLINE_DATA_DIR"]) / "firstline.db").exists()


def test_the_folder_may_be_named_before_or_after_the_command(environment: dict[str, str], tmp_path: Path) -> None:
    for arguments in (["--data-dir", str(tmp_path / "x"), "migrate"], ["migrate", "--data-dir", str(tmp_path / "y")]):
        done = subprocess.run([*COMMAND, *arguments], env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stdout[:9]) == (0, "applied: ")
    assert (tmp_path / "x" / "firstline.db").exists()
    assert (tmp_path / "y" / "firstline.db").exists()


def test_a_reader_that_leaves_early_is_no_error(environment: dict[str, str]) -> None:
    done = subprocess.run(
        f"{sys.executable} -m web.cli settings | head -1", shell=True, env=environment, capture_output=True, text=True
    )
    assert done.stdout.startswith("FIRSTLINE_DATA_DIR=")
    assert "Traceback" not in done.stderr


def test_a_worker_alone_answers_what_is_waiting_and_stops_when_told(
    environment: dict[str, str], tmp_path: Path
) -> None:
    errors = tmp_path / "errors"
    with errors.open("wb") as out:
        process = subprocess.Popen([*COMMAND, "worker"], env=environment, stderr=out)
    try:
        eventually(lambda: "answering" in errors.read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
