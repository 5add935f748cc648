"""One tree of errors. The class carries the HTTP status and a code, the instance carries data.

A person sees `message` in their language (`base.i18n.explain`); a log sees `code` and `fields`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from base.i18n import N_


class AppError(Exception):
    """Something went wrong that we can name. `status`: HTTP status; `message`: English msgid that says what to do."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    message: ClassVar[str] = N_("Something went wrong on our side. Please try again in a minute.")

    def __init__(self, detail: str = "", **fields: Any) -> None:
        self.detail = detail
        self.fields = fields
        shown = " ".join(f"{key}={value}" for key, value in fields.items())
        super().__init__(" ".join(part for part in (self.code, detail, shown) if part))


class NotFound(AppError):
    status, code = 404, "not_found"
    message = N_("We could not find that. It may have been moved or removed.")


class InvalidInput(AppError):
    status, code = 422, "invalid_input"
    message = N_("Something in the input is not right. Please check it and try again.")


class Unauthenticated(AppError):
    status, code = 401, "unauthenticated"
    message = N_("Please sign in first.")


class Forbidden(AppError):
    status, code = 403, "forbidden"
    message = N_("You do not have permission for this. Ask an administrator if you need it.")


class Conflict(AppError):
    status, code = 409, "conflict"
    message = N_("Somebody changed this in the meantime. Reload the page and try again.")


class TooManyRequests(AppError):
    status, code = 429, "too_many_requests"
    message = N_("Too many requests. Please wait {retry_after_seconds} seconds and try again.")


class TooLarge(InvalidInput):
    status, code = 413, "too_large"
    message = N_("This is too large. The limit is {limit}.")


class Unavailable(AppError):
    status, code = 503, "unavailable"
    message = N_("The service is busy or not reachable right now. Nothing was lost; please try again in a minute.")


class StorageUnavailable(Unavailable):
    """The database cannot be written: disk full, read-only folder, locked for too long, server gone."""

    code = "storage_unavailable"
    message = N_(
        "We cannot save anything right now (the disk may be full or read-only). Please try again in a few minutes."
    )


class DatabaseTooNew(AppError):
    """The database was written by a newer Firstline. Nothing is changed; install that version or restore a backup."""

    code = "database_too_new"
    message = N_(
        "This database belongs to a newer version of Firstline ({found}). Install that version, or restore a backup."
    )


class MisconfiguredSetting(AppError):
    code = "misconfigured_setting"
    message = N_("The setting {name} is not right: {reason}")


class DeliveryError(Unavailable):
    """A channel refused a message for good."""

    code = "delivery_failed"
    message = N_("The message could not be delivered.")


class RetryLater(DeliveryError):
    """A channel asks us to try again. `retry_after_seconds` is its wish, 0 when it named none."""

    code = "retry_later"

    def __init__(self, detail: str = "", retry_after_seconds: float = 0, **fields: Any) -> None:
        super().__init__(detail, **fields)
        self.retry_after_seconds = retry_after_seconds


class ModelUnavailable(Unavailable):
    """The chat model could not be reached, answered garbage, or took too long."""

    code = "model_unavailable"
