"""The scanner is asked as clamd wants to be asked; whatever is not its "OK" is not clean."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_socket import socket_allow_hosts

from base.antivirus import Infected, NotScanned, Scanner, make_scanner
from base.errors import MisconfiguredSetting
from base.settings import load_settings
from tests.clamd import EICAR, VERSION, FakeClamd, clamd
from tests.live import LOOPBACK

pytestmark = pytest.mark.allow_hosts(LOOPBACK)


@pytest.fixture
def fake() -> Iterator[FakeClamd]:
    with clamd() as running:
        yield running


@pytest.mark.parametrize("content", [b"", b"x", b"\0" * 65_536, b"abc" * 100_000])
def test_a_clean_file_arrives_whole_and_passes(fake: FakeClamd, content: bytes) -> None:
    Scanner(fake.address).check(content)
    assert fake.seen == [content]


@pytest.mark.parametrize("before", [0, 65_530, 200_000])
def test_the_test_virus_is_found_wherever_the_pieces_are_cut(fake: FakeClamd, before: int) -> None:
    with pytest.raises(Infected) as found:
        Scanner(fake.address).check(b"x" * before + EICAR)
    assert found.value.fields["found"] == "Eicar-Signature"


@pytest.fixture
def with_sockets() -> None:
    """Sockets of this machine's file system are allowed, too."""
    socket_allow_hosts(LOOPBACK, allow_unix_socket=True)


@pytest.mark.usefixtures("with_sockets")
def test_a_scanner_on_a_socket_is_asked_alike() -> None:
    path = Path(tempfile.mkdtemp(prefix="c")) / "clamd.ctl"  # short: the kernel takes no longer one
    with clamd(path) as fake:
        Scanner(fake.address).check(b"x")
        with pytest.raises(Infected):
            Scanner(fake.address).check(EICAR)
        assert Scanner(fake.address).version() == VERSION
    shutil.rmtree(path.parent)


@pytest.mark.parametrize("answer", ["", "stream: ERROR", "stream: NOT OK?", "COMMAND UNKNOWN", "OK", "FOUND"])
def test_whatever_is_no_verdict_is_not_clean(fake: FakeClamd, answer: str) -> None:
    fake.answer, fake.hang_up = answer, not answer
    with pytest.raises(NotScanned):
        Scanner(fake.address).check(b"x")


def test_a_file_beyond_the_scanners_limit_is_not_clean(fake: FakeClamd) -> None:
    fake.max_bytes = 100_000
    with pytest.raises(NotScanned) as error:
        Scanner(fake.address).check(b"x" * 5_000_000)
    assert "connection" in error.value.detail.lower() or "size limit" in error.value.detail
    with pytest.raises(NotScanned):
        Scanner(fake.address, max_bytes=10).check(b"x" * 11)


@pytest.mark.usefixtures("with_sockets")
def test_a_scanner_that_is_not_there_or_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(NotScanned):
            Scanner(f"tcp://127.0.0.1:{port}", timeout_seconds=0.2).check(b"x")
    with pytest.raises(NotScanned):
        Scanner(f"tcp://127.0.0.1:{port}").check(b"x")
    with pytest.raises(NotScanned):
        Scanner("unix:/nowhere/clamd.ctl").check(b"x")


def test_it_is_off_unless_it_is_set() -> None:
    assert make_scanner("") is None
    assert make_scanner("tcp://127.0.0.1:3310") == Scanner("tcp://127.0.0.1:3310")


@pytest.mark.parametrize(
    "value",
    ["127.0.0.1:3310", "tcp://", "tcp://h", "http://h:1", "unix:clamd.ctl", "tcp://h:99999", "unix:/" + "x" * 200],
)
def test_an_address_that_is_none_is_refused_at_start(
    value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FIRSTLINE_CLAMD", value)
    with pytest.raises(MisconfiguredSetting) as error:
        load_settings(data_dir=tmp_path)
    assert "tcp://127.0.0.1:3310" in str(error.value)
