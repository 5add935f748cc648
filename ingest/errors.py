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


class NoWords(NoText):
    """A text file of blanks or dashes: no picture, so nothing that OCR could find."""

    message = N_("There are no words in this file. Please open it and check it, then save it again with text in it.")


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
    NoWords,
    TimedOut,
)


class NoDay(CannotRead):
    """An article must not outlive its day because the day was misread."""

    code = "no_day"
    message = N_("“{value}” is not a day. Write {field} as YYYY-MM-DD.")


class NeverValid(CannotRead):
    code = "never_valid"
    message = N_("It would never be valid: it ends on {valid_until}, before it begins on {valid_from}.")


class TooManyNames(CannotRead):
    code = "too_many_names"
    message = N_("The names under {field} are too long together. The limit is {limit} characters.")
