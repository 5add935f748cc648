"""What an ingest was pointed at, as a list of files: folders are walked in order, hidden entries left alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ingest.errors import MissingFile

_LANGUAGE_PART = re.compile(r"^(en|zh)(?:[-_](?:us|gb|cn|hans|sg))?$", re.IGNORECASE)
_LANGUAGE_SUFFIX = re.compile(r"[._-](en|zh)(?:[-_](?:us|gb|cn|hans|sg))?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read and what to call it. `name`: path relative to the ingested folder, with "/"."""

    path: Path
    name: str


def walk(path: Path) -> Iterator[Source]:
    """Every file under `path`, or the file itself, sorted by name. Links that leave the folder are not followed.

    Raises MissingFile when there is nothing at `path`.
    """
    if not path.exists():
        raise MissingFile(path=str(path))
    if path.is_file():
        yield Source(path, _readable(path.name))
        return
    root = path.resolve()
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            file = Path(folder) / name
            if not name.startswith(".") and (not file.is_symlink() or file.resolve().is_relative_to(root)):
                yield Source(file, _readable(file.relative_to(root).as_posix()))


def _readable(name: str) -> str:
    """A name that can be stored: bytes that are not UTF-8 become "\\xe9", so that two such names stay two."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def translation_key(name: str) -> str:
    """The part of a file's name that its versions in other languages share, or "" when it has no language mark.

    "zh/net/vpn.md" and "en/net/vpn.md" give "net/vpn.md"; "faq.zh.md" and "faq_en.md" give "faq.md".
    """
    parts = name.split("/")
    for place, part in enumerate(parts[:-1]):
        if _LANGUAGE_PART.match(part):
            return "/".join(parts[:place] + parts[place + 1 :])
    file = PurePosixPath(parts[-1])
    cut = _LANGUAGE_SUFFIX.sub("", file.stem)
    return "/".join([*parts[:-1], cut + file.suffix]) if cut and cut != file.stem else ""
