"""Settings come from the environment, then two files, then defaults; a wrong one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from base.errors import MisconfiguredSetting
from base.settings import Settings, describe, load_settings


def test_without_anything_given_the_defaults_hold() -> None:
    settings = load_settings()
    assert (settings.port, settings.vector_index, settings.data_dir) == (8000, "chroma", Path("firstline-data"))
    assert settings.url.startswith("sqlite:////")


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLINE_PORT", "9000")
    monkeypatch.setenv("FIRSTLINE_ALLOWED_ORIGINS", '["https://a.example"]')
    settings = load_settings()
    assert (settings.port, settings.allowed_origins) == (9000, ["https://a.example"])


def test_a_file_in_the_data_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "firstline.toml").write_text("port = 9001\n")
    (tmp_path / "elsewhere").mkdir()
    assert load_settings(data_dir=tmp_path).port == 9001


def test_the_data_folder_of_the_environment_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "firstline.toml").write_text('organisation = "测试公司"\n', encoding="utf-8")
    monkeypatch.setenv("FIRSTLINE_DATA_DIR", str(tmp_path / "there"))
    assert load_settings().organisation == "测试公司"


def test_argument_beats_environment_beats_working_folder_beats_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / "firstline.toml").write_text("port = 1\ntop_k = 1\nworker_threads = 1\nlease_seconds = 1\n")
    Path("firstline.toml").write_text("top_k = 2\nworker_threads = 2\nlease_seconds = 2\n")
    monkeypatch.setenv("FIRSTLINE_WORKER_THREADS", "3")
    monkeypatch.setenv("FIRSTLINE_LEASE_SECONDS", "3")
    settings = load_settings(data_dir=data_dir, lease_seconds=4)
    assert (settings.port, settings.top_k, settings.worker_threads, settings.lease_seconds) == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("ANSWER_CONFIDENCE", "1.5"),
        ("VECTOR_INDEX", "faiss"),
        ("DEFAULT_LOCALE", "de"),
        ("WORKER_THREADS", "0"),
    ],
)
def test_a_wrong_value_names_its_knob_and_says_why(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"FIRSTLINE_{name}", value)
    with pytest.raises(MisconfiguredSetting) as caught:
        load_settings()
    assert caught.value.fields["name"] == name.lower()
    assert caught.value.fields["reason"]


def test_an_unknown_knob_in_a_file_is_named() -> None:
    Path("firstline.toml").write_text("prot = 8000\n")
    with pytest.raises(MisconfiguredSetting) as caught:
        load_settings()
    assert caught.value.fields["name"] == "prot"


@pytest.mark.parametrize("text", ["port = ", "\x00", "[[["])
def test_a_file_that_is_not_toml_is_said(text: str) -> None:
    Path("firstline.toml").write_text(text)
    with pytest.raises(MisconfiguredSetting, match=r"firstline\.toml"):
        load_settings()


@pytest.mark.parametrize(
    ("given", "origins"),
    [
        ("https://a.example", ["https://a.example"]),
        ("https://a.example, http://B.example:8080/,", ["https://a.example", "http://b.example:8080"]),
        ('["https://a.example"]', ["https://a.example"]),
        ("*", ["*"]),
    ],
)
def test_origins_are_written_with_commas_or_as_json(
    given: str, origins: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTLINE_ALLOWED_ORIGINS", given)
    assert load_settings().allowed_origins == origins


def test_a_file_gives_lists_as_toml_has_them() -> None:
    Path("firstline.toml").write_text(
        'allowed_origins = ["https://a.example"]\ntrusted_proxies = ["10.0.0.1", "::1"]\n'
    )
    settings = load_settings()
    assert (settings.allowed_origins, settings.trusted_proxies) == (["https://a.example"], "10.0.0.1,::1")


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("TIMEZONE", "Mars/X", "Asia/Shanghai"),
        ("TIMEZONE", "", "Asia/Shanghai"),
        ("TIMEZONE", "../../etc/passwd", "Asia/Shanghai"),
        ("TIMEZONE", "/etc", "Asia/Shanghai"),
        ("TIMEZONE", "America", "Asia/Shanghai"),
        ("ALLOWED_ORIGINS", "abc", "https://HOST"),
        ("ALLOWED_ORIGINS", "https://a.example/page", "https://HOST"),
        ("ALLOWED_ORIGINS", '["https://a.example"', "commas"),
        ("ALLOWED_ORIGINS", "[1]", "quotation marks"),
        ("TRUSTED_PROXIES", '["abc"]', "127.0.0.1"),
        ("TRUSTED_PROXIES", "proxy.example", "127.0.0.1"),
        ("TRUSTED_PROXIES", "[1, null]", "127.0.0.1"),
        ("PUBLIC_URL", "foo", "https://help.example.com"),
        ("PUBLIC_URL", "ftp://help.example", "https://help.example.com"),
        ("PUBLIC_URL", "https://help.example:port", "https://help.example.com"),
        ("PORT", "eighty", "a whole number"),
        ("PORT", "70000", "at most 65535"),
        ("LLM_TIMEOUT_SECONDS", "0", "greater than 0"),
        ("LOG_CONTENT", "perhaps", "true or false"),
        ("VECTOR_INDEX", "faiss", "chroma, exact, pgvector"),
    ],
)
def test_a_refused_value_comes_with_what_to_write_instead(
    name: str, value: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"FIRSTLINE_{name}", value)
    with pytest.raises(MisconfiguredSetting) as caught:
        load_settings()
    assert caught.value.fields["name"].split(".")[0] == name.lower()
    assert advice in caught.value.fields["reason"]
    assert "Input should" not in caught.value.fields["reason"]


@pytest.mark.parametrize("value", ["127.0.0.1", "127.0.0.1, 10.0.0.0/8,::1", "*", ""])
def test_proxies_are_addresses_networks_or_any(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLINE_TRUSTED_PROXIES", value)
    assert load_settings().trusted_proxies == value.replace(" ", "")


def test_a_mistyped_name_is_met_with_the_right_one() -> None:
    Path("firstline.toml").write_text("timezon = 'UTC'\n")
    with pytest.raises(MisconfiguredSetting) as caught:
        load_settings()
    assert "timezone" in caught.value.fields["reason"]


def test_a_secret_of_the_wrong_kind_is_not_repeated() -> None:
    Path("firstline.toml").write_text("llm_api_key = 123456789\n")
    with pytest.raises(MisconfiguredSetting) as caught:
        load_settings()
    assert caught.value.fields["name"] == "llm_api_key"
    assert "123456789" not in str(caught.value)


def test_secrets_are_shown_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLINE_LLM_API_KEY", "sk-very-secret")
    settings = load_settings()
    assert "sk-very-secret" not in repr(settings) + str(describe(settings))
    assert {row["name"]: row["value"] for row in describe(settings)}["llm_api_key"] == "(set)"


def test_every_knob_has_help_and_an_environment_variable() -> None:
    rows = describe(Settings())
    assert [row["name"] for row in rows] == list(Settings.model_fields)
    assert all(row["help"] and row["env"] == f"FIRSTLINE_{row['name'].upper()}" for row in rows)


def test_settings_cannot_be_changed_once_read() -> None:
    with pytest.raises(Exception, match="frozen"):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"public_url": "https://help.example/"}, "https://help.example"),
        ({"host": "0.0.0.0"}, "http://127.0.0.1:8000"),
        ({"host": "::", "port": 9}, "http://127.0.0.1:9"),
        ({"host": "::1"}, "http://[::1]:8000"),
    ],
)
def test_the_public_address_has_no_slash_at_its_end(given: dict[str, str], shown: str) -> None:
    assert Settings(**given).base_url == shown
