"""One tree of errors. The class carries the HTTP status and a code, the instance carries data.

A person sees `message` in their language (`base.i18n.explain`); a log sees `code` and `fields`.
"""

from __future__ import annotations

import errno
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Self

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

    @property
    def operator_message(self) -> str:
        """What whoever runs Firstline is told, on the command line: they can mend what a customer cannot."""
        return self.message


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


class StorageFault(StrEnum):
    """What is wrong with a database or a folder, as far as it can be told."""

    NOT_WRITABLE = "not_writable"
    NOT_A_FOLDER = "not_a_folder"
    NOT_A_DATABASE = "not_a_database"
    NO_CONNECTION = "no_connection"
    FULL = "full"
    BUSY = "busy"
    OTHER = "other"


_FOR_OPERATORS: dict[StorageFault, str] = {
    StorageFault.NOT_WRITABLE: N_(
        "{path} cannot be written: this user has no permission, or it is mounted read-only. Change that, or use "
        "another folder (--data-dir) or another database (FIRSTLINE_DATABASE_URL)."
    ),
    StorageFault.NOT_A_FOLDER: N_(
        "{path} is a file or lies below one, and a folder is needed there. Move the file away, or use another folder "
        "(--data-dir)."
    ),
    StorageFault.NOT_A_DATABASE: N_(
        "{path} is not a database of Firstline, or it is damaged. Move it away and restore a backup in its place, or "
        "use another folder (--data-dir) or another database (FIRSTLINE_DATABASE_URL)."
    ),
    StorageFault.NO_CONNECTION: N_(
        "There is no connection to the database {path}. Check that PostgreSQL is running there, and address, name, "
        "user and password in FIRSTLINE_DATABASE_URL."
    ),
    StorageFault.FULL: N_("The disk that holds {path} is full. Make room and try again."),
    StorageFault.BUSY: N_(
        "Another program has been writing to {path} for too long. Stop it, or try again in a minute."
    ),
    StorageFault.OTHER: N_(
        "{path} cannot be used just now. Check the disk and the log, restore a backup if it is damaged, or use "
        "another folder (--data-dir) or another database (FIRSTLINE_DATABASE_URL)."
    ),
}
_BY_ERRNO = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), StorageFault.FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT), StorageFault.NOT_WRITABLE),
    **dict.fromkeys((errno.ENOTDIR, errno.EEXIST, errno.EISDIR), StorageFault.NOT_A_FOLDER),
}


class StorageUnavailable(Unavailable):
    """The database cannot be written: disk full, read-only folder, locked for too long, server gone.

    `fault`: which of these, `fields["path"]`: where; they are for whoever runs Firstline, never for customers.
    """

    code = "storage_unavailable"
    message = N_(
        "We cannot save anything right now (the disk may be full or read-only). Please try again in a few minutes."
    )

    def __init__(self, detail: str = "", fault: StorageFault = StorageFault.OTHER, **fields: Any) -> None:
        super().__init__(detail, **fields)
        self.fault = fault

    @property
    def operator_message(self) -> str:
        return _FOR_OPERATORS[self.fault] if self.fields.get("path") else self.message

    @classmethod
    def at(cls, path: Path, error: OSError, what: str = "cannot write") -> Self:
        """That a file or folder cannot be made or written, from what the system says about it."""
        words = error.strerror or type(error).__name__
        fault = _BY_ERRNO.get(error.errno or 0, StorageFault.OTHER)
        return cls(f"{what} {path}: {words}", fault, path=str(path.absolute()), reason=words)


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


class NotSent(DeliveryError):
    """A rule of ours forbids sending it: `detail` says which. Nothing has left the house."""

    code = "not_sent"


class RetryLater(DeliveryError):
    """A channel asks us to try again. `retry_after_seconds` is its wish, 0 when it named none."""

    code = "retry_later"

    def __init__(self, detail: str = "", retry_after_seconds: float = 0, **fields: Any) -> None:
        super().__init__(detail, **fields)
        self.retry_after_seconds = retry_after_seconds


class ModelUnavailable(Unavailable):
    """The chat model could not be reached, answered garbage, or took too long."""

    code = "model_unavailable"
