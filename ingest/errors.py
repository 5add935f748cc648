"""Why a file could not be read: one class per reason, each with a stable code and what to do next."""

from __future__ import annotations

from base.errors import InvalidInput
from base.i18n import N_


class CannotRead(InvalidInput):
    """A file that gives no text. Nothing of it was stored."""

    code = "cannot_read"
    message = N_("This file could not be read. Please check it and try again.")


class MissingFile(CannotRead):
    code = "missing_file"
    message = N_("This file is not there any more, or we may not open it. Please check the path and its permissions.")


class EmptyFile(CannotRead):
    code = "empty_file"
    message = N_("This file is empty. Please upload one with text in it.")


class FileTooLarge(CannotRead):
    status, code = 413, "too_large"
    message = N_("This file is too large. The limit is {limit}. Please split it into smaller files.")


class TooManyPages(FileTooLarge):
    message = N_("This file has more than {limit} pages. Please split it into smaller files.")


class TooManyRows(FileTooLarge):
    message = N_("This table has more than {limit} rows. Please split it into smaller files.")


class TooMuchText(FileTooLarge):
    """The text, or the memory that reading it takes, is over the limit."""

    message = N_("There is more in this file than we can read at once. Please split it into smaller files.")


class EncryptedFile(CannotRead):
    code = "encrypted"
    message = N_("This file is protected by a password. Please save a copy without the password and upload that one.")


class BrokenFile(CannotRead):
    code = "broken_file"
    message = N_(
        "This file is damaged, or it is not what its name says. Please open it, save it again and upload the new copy."
    )


class UnsupportedType(CannotRead):
    code = "unsupported_type"
    message = N_("We cannot read this kind of file. Please save it as PDF, DOCX, XLSX, CSV, Markdown, HTML or TXT.")


class ArchiveBomb(CannotRead):
    code = "archive_bomb"
    message = N_(
        "This file unpacks to far more than a document holds, so we did not open it. Please save a plain copy."
    )


class NoText(CannotRead):
    code = "no_text"
    message = N_(
        "There is no text in this file; it may be a scan or only pictures. "
        "Please run text recognition (OCR) on it first."
    )


class TimedOut(CannotRead):
    code = "timed_out"
    message = N_("Reading this file took too long. Please split it into smaller files, or save it in a simpler format.")


ALL: tuple[type[CannotRead], ...] = (
    MissingFile,
    EmptyFile,
    FileTooLarge,
    TooManyPages,
    TooManyRows,
    TooMuchText,
    EncryptedFile,
    BrokenFile,
    UnsupportedType,
    ArchiveBomb,
    NoText,
    TimedOut,
)
