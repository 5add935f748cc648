"""Every knob, with default, unit and help. Read once at start from `FIRSTLINE_*` and `firstline.toml`; then passed on.

Order: environment, then `firstline.toml` in the working folder, then the one in the data folder, then defaults.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from base import settings_checks as checks
from base.errors import MisconfiguredSetting

DEFAULT_DATA_DIR = Path("firstline-data")


def _knob(default: Any, help_text: str, unit: str = "", **limits: Any) -> Any:
    """A field with its help and unit; `firstline settings` and docs/settings.md print both."""
    return Field(default, description=help_text, json_schema_extra={"unit": unit}, **limits)


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="FIRSTLINE_", extra="forbid", frozen=True, validate_default=True)

    # The installation
    data_dir: Path = _knob(
        DEFAULT_DATA_DIR, "Folder of this installation: database, index, uploads, cached model graph"
    )
    database_url: str = _knob(
        "", "SQLAlchemy URL; empty: SQLite in the data folder. PostgreSQL: postgresql+psycopg://USER:PASSWORD@HOST/NAME"
    )
    public_url: str = _knob("", "Address under which customers reach Firstline; empty: http://HOST:PORT")
    host: str = _knob("127.0.0.1", "Address to listen on")
    port: int = _knob(8000, "Port to listen on; 0 takes a free one", ge=0, le=65535)
    organisation: str = _knob("Haisong IT", "Name customers see in the chat window, on pages and in messages")
    timezone: str = _knob(
        "Asia/Shanghai", "Zone in which deadlines and times are shown and working hours are kept", "IANA zone"
    )
    default_locale: Literal["en", "zh"] = _knob("en", "Language when a person's own cannot be told")
    secret_key: SecretStr = _knob(
        SecretStr(""), "Signs customer sessions; empty: a random one is kept in the data folder"
    )

    # Knowledge
    embedder: str = _knob(
        "builtin", "builtin | sentence-transformers:NAME | openai:NAME | any LangChain embeddings as provider:model"
    )
    embedder_base_url: str = _knob("", "Address of an OpenAI-compatible embeddings server")
    embedder_api_key: SecretStr = _knob(SecretStr(""), "Key for that server")
    embedder_workers: int = _knob(2, "Texts embedded at the same time", "threads", ge=1, le=64)
    vector_index: Literal["chroma", "exact", "pgvector"] = _knob(
        "chroma", "Where vectors are searched: chroma (embedded, derived), exact (numpy), pgvector (PostgreSQL only)"
    )
    reranker: str = _knob(
        "learned",
        "Last word on the order of what is found: learned | fused (none) | cross-encoder:NAME_OR_PATH (extra)",
    )
    upload_max_bytes: int = _knob(50 * 1024 * 1024, "Largest document that is read", "bytes", ge=1024)
    ingest_parse_seconds: int = _knob(60, "Longest time one document may take to be read", "seconds", ge=1)
    ingest_url_private: bool = _knob(False, "Allow ingesting from private network addresses (otherwise refused)")

    # Answers
    llm: str = _knob("", "Chat model as provider:model (openai:NAME, ollama:NAME ...); empty: answers are quotations")
    llm_base_url: str = _knob("", "Address of an OpenAI-compatible or Ollama server")
    llm_api_key: SecretStr = _knob(SecretStr(""), "Key for the chat model")
    llm_timeout_seconds: float = _knob(20.0, "Longest time a model may take for one answer", "seconds", gt=0)
    llm_triage: bool = _knob(False, "Let the chat model judge urgency and category, too; a second or more a message")
    llm_max_tokens: int = _knob(700, "Longest answer a model may write", "tokens", ge=16)
    surge_customers: int = _knob(
        3,
        "Customers that report the same within the window before an incident is proposed; 0: never",
        "customers",
        ge=0,
    )
    surge_minutes: int = _knob(60, "Window in which reports are taken together", "minutes", ge=5, le=1440)
    answer_confidence: float = _knob(0.5, "Lowest confidence at which an answer is given", "probability", ge=0, le=1)
    clarify_confidence: float = _knob(
        0.05,
        "Lowest confidence at which the customer is asked which of two or three articles is meant",
        "probability",
        ge=0,
        le=1,
    )
    answer_max_chars: int = _knob(600, "Length up to which an answer quotes an article", "characters", ge=100)
    message_max_chars: int = _knob(
        4000, "Part of a customer's message that is read; the whole is kept", "characters", ge=200
    )
    top_k: int = _knob(8, "Passages an answer may draw on", "passages", ge=1, le=50)

    # Doors
    allowed_origins: Annotated[list[str], NoDecode] = _knob(
        ["*"], "Web sites that may show the widget, as origins, comma separated; * means any"
    )
    widget_secret: SecretStr = _knob(
        SecretStr(""), "Signs who is using the widget on your own site (a JWT, HS256); empty: everybody is a stranger"
    )
    chat_messages_per_minute: int = _knob(20, "Messages one chat session may send", "per minute", ge=1)
    chat_sessions_per_hour: int = _knob(120, "New chat sessions from one address", "per hour", ge=1)
    signin_attempts_per_minute: int = _knob(5, "Sign-in attempts per account and per address", "per minute", ge=1)
    mailboxes: str = _knob(
        "", "File with the mailboxes to answer; empty: mailboxes.toml in the data folder, if there is one"
    )
    mail_hook_token: SecretStr = _knob(
        SecretStr(""), "Bearer token with which a mail server hands mails to /hooks/mail/NAME; empty: none may"
    )
    mail_reopen_days: int = _knob(
        14, "Time in which an answer to a solved ticket opens it again; later it becomes a new one", "days", ge=0
    )
    mail_replies_per_hour: int = _knob(
        10, "Automatic mails one address gets; what is more waits for a person", "per hour", ge=1
    )
    mail_notify_staff: bool = _knob(
        True, "Tell staff by mail when a customer writes in a conversation of theirs, or they are given one"
    )
    clamd: str = _knob(
        "",
        "Virus scanner (clamd) that sees every file of a mail, as tcp://HOST:PORT or unix:/PATH; empty: none. While it is "
        "down no file is handed out",
    )
    metrics_token: SecretStr = _knob(
        SecretStr(""), "Bearer token with which a monitoring system reads /metrics; empty: administrators only"
    )
    staff_session_hours: int = _knob(12, "Time after which staff sign in again", "hours", ge=1)
    trusted_proxies: str = _knob("", "Addresses or networks whose X-Forwarded-For is believed, comma separated")

    service_defaults: str = _knob("", "File with levels, packages and calendars; empty: desk/defaults.toml as it comes")

    # Work
    worker: Literal["inline", "off"] = _knob(
        "inline", "Answer messages in the web process, or leave it to `firstline worker`"
    )
    mail_apart: bool = _knob(
        True,
        "Where there are mailboxes, `serve` reads and answers mail in a process of its own: chat does not wait for it",
    )
    worker_threads: int = _knob(2, "Messages answered at the same time by one process", "threads", ge=1, le=64)
    lease_seconds: int = _knob(
        60, "Time after which a claimed message is taken over by another worker", "seconds", ge=1
    )
    attempts_max: int = _knob(5, "Attempts before a message is set aside for a person", "attempts", ge=1)
    send_hours: int = _knob(48, "Time for which a reply that a channel refuses for now is tried again", "hours", ge=1)
    burst_seconds: float = _knob(
        1.5, "Time a greeting waits for what follows it, so that both get one answer", "seconds", ge=0, le=30
    )

    # Logs
    log_level: Literal["debug", "info", "warning", "error"] = _knob("info", "Least severe event that is logged")
    log_format: Literal["auto", "text", "json"] = _knob("auto", "auto: text on a terminal, JSON Lines otherwise")
    log_content: bool = _knob(False, "Also log what customers wrote (for debugging only)")

    @field_validator("timezone")
    @classmethod
    def _a_time_zone(cls, value: str) -> str:
        return checks.time_zone(value)

    @field_validator("public_url")
    @classmethod
    def _a_web_address(cls, value: str) -> str:
        return checks.web_address(value)

    @field_validator("clamd")
    @classmethod
    def _a_scanner(cls, value: str) -> str:
        if value:
            checks.clamd_address(value)
        return value

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _a_list(cls, value: Any) -> Any:
        return checks.listed(value)

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, value: list[str]) -> list[str]:
        return checks.origins(value)

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _addresses(cls, value: Any) -> Any:
        found = checks.listed(value)
        return checks.addresses(found) if isinstance(found, list) else found

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        given = init_settings().get("data_dir") or os.environ.get("FIRSTLINE_DATA_DIR") or DEFAULT_DATA_DIR
        files = [Path("firstline.toml"), Path(given) / "firstline.toml"]
        return (init_settings, env_settings, *(TomlConfigSettingsSource(settings_cls, file) for file in files))

    @property
    def url(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'firstline.db').absolute()}"

    @property
    def base_url(self) -> str:
        """The public address without a trailing slash. "Listen everywhere" is no address: then this machine's own."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104 - nothing is bound here
        return (self.public_url or f"http://{f'[{host}]' if ':' in host else host}:{self.port}").rstrip("/")


def load_settings(**overrides: Any) -> Settings:
    """Settings from all sources. Raises MisconfiguredSetting naming the first wrong knob and why."""
    try:
        return Settings(**{key: value for key, value in overrides.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "firstline.toml"
        field = Settings.model_fields.get(name)
        shown = {**first, "input": "(hidden)"} if field is not None and field.annotation is SecretStr else dict(first)
        reason = checks.reason(shown, Settings.model_fields)
        raise MisconfiguredSetting(name=name, reason=reason) from error
    except ValueError as error:  # a firstline.toml that is not TOML
        raise MisconfiguredSetting(name="firstline.toml / FIRSTLINE_*", reason=str(error)) from error
    except OSError as error:
        raise MisconfiguredSetting(name=str(error.filename or "firstline.toml"), reason=error.strerror or "") from error


def describe(settings: Settings) -> list[dict[str, str]]:
    """One row per knob: name, environment variable, value in force (secrets hidden), default, unit, help."""
    rows = []
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        rows.append(
            {
                "name": name,
                "env": f"FIRSTLINE_{name.upper()}",
                "value": _shown(getattr(settings, name)),
                "default": _shown(field.default),
                "unit": str(extra.get("unit", "")),
                "help": field.description or "",
            }
        )
    return rows


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return "(set)" if value.get_secret_value() else ""
    return ",".join(value) if isinstance(value, list) else str(value)
