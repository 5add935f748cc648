"""Services put together: secrets, folders, which index, which writer."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from base.errors import MisconfiguredSetting, StorageUnavailable
from base.settings import Settings
from bot.writer import QuotingWriter
from kb.vector import ExactIndex
from web.wiring import Services, build, limits_of, make_data_dir


def test_a_secret_is_made_once_for_its_owner_only(settings: Settings) -> None:
    first, second = build(settings), build(settings)
    path = settings.data_dir / "secret.key"
    assert first.secret_key == second.secret_key == path.read_text()
    assert len(first.secret_key) > 40
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first.close()
    second.close()


def test_a_configured_secret_is_used_and_not_written(
    make_services: Callable[..., Services], settings: Settings
) -> None:
    assert make_services(secret_key=SecretStr("configured")).secret_key == "configured"
    assert not (settings.data_dir / "secret.key").exists()


def test_without_a_model_answers_are_quotations(services: Services) -> None:
    assert isinstance(services.writer, QuotingWriter)


def test_only_the_owner_keeps_the_index_on_disk(services: Services, settings: Settings) -> None:
    assert isinstance(services.vectors, ExactIndex)
    assert not (settings.data_dir / "index").exists()


def test_an_unknown_model_provider_is_said_at_start(make_services: Callable[..., Services]) -> None:
    with pytest.raises(MisconfiguredSetting):
        make_services(llm="nonsense:x")


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnavailable):
        make_data_dir(tmp_path / "file")
    with pytest.raises(StorageUnavailable):
        make_data_dir(Path("/proc/nothing"))


def test_nothing_is_left_by_the_look_whether_it_can_be_written(tmp_path: Path) -> None:
    make_data_dir(tmp_path / "new" / "deep")
    assert list((tmp_path / "new" / "deep").iterdir()) == []


def test_limits_of_a_document_come_from_the_settings(settings: Settings) -> None:
    limits = limits_of(settings.model_copy(update={"upload_max_bytes": 2048, "ingest_parse_seconds": 3}))
    assert (limits.max_bytes, limits.max_seconds) == (2048, 3)
