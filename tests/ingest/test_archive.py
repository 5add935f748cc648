"""Office files that are bombs, or hide something, are turned away before a parser opens them."""

from __future__ import annotations

import io
import struct
import zipfile
from dataclasses import replace

import pytest

from ingest import errors
from ingest.loaders import Kind
from ingest.loaders.archive import check_archive
from tests.ingest.make import LIMITS, docx_bytes, new_docx, repacked, xlsx_bytes, zip_bytes

DOCX = docx_bytes(new_docx())
BILLION_LAUGHS = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>'


def test_real_office_files_are_told_apart_by_their_parts() -> None:
    assert check_archive(DOCX, LIMITS) is Kind.DOCX
    assert check_archive(xlsx_bytes({"S": [["a"]]}), LIMITS) is Kind.XLSX


def test_a_part_that_unpacks_to_far_more_than_its_size_is_a_bomb() -> None:
    with pytest.raises(errors.ArchiveBomb):
        check_archive(repacked(DOCX, {"word/media/a.bin": bytes(30 * 1024 * 1024)}), LIMITS)


def test_the_sum_of_all_parts_counts() -> None:
    noise = bytes(i * 7919 % 251 for i in range(40_000))
    with pytest.raises(errors.ArchiveBomb):
        check_archive(
            repacked(DOCX, {f"word/{i}.bin": noise for i in range(5)}), replace(LIMITS, max_unpacked_bytes=99_000)
        )


def test_a_declared_size_that_lies_does_not_help() -> None:
    bomb = bytearray(repacked(DOCX, {"word/media/a.bin": bytes(30 * 1024 * 1024)}))
    real = struct.pack("<I", 30 * 1024 * 1024)
    while (at := bomb.find(real)) >= 0:
        bomb[at : at + 4] = struct.pack("<I", 10)
    with pytest.raises((errors.ArchiveBomb, errors.BrokenFile)):
        check_archive(bytes(bomb), LIMITS)


def test_too_many_parts_are_a_bomb() -> None:
    with pytest.raises(errors.ArchiveBomb):
        check_archive(zip_bytes({f"word/{i}.xml": b"x" for i in range(50)}), replace(LIMITS, max_entries=40))


@pytest.mark.parametrize("charset", ["ascii", "utf-16-le", "utf-16-be"])
def test_entity_definitions_are_refused_in_every_charset(charset: str) -> None:
    evil = BILLION_LAUGHS.decode().encode(charset)
    with pytest.raises(errors.ArchiveBomb):
        check_archive(repacked(DOCX, {"word/document.xml": evil}), LIMITS)


def test_entity_definitions_are_seen_across_the_border_of_two_reads() -> None:
    evil = b" " * (256 * 1024 - 4) + BILLION_LAUGHS
    with pytest.raises(errors.ArchiveBomb):
        check_archive(repacked(DOCX, {"word/document.xml": evil}), LIMITS)


@pytest.mark.parametrize("name", ["../evil.xml", "/etc/passwd", "word/../../x.xml", "..\\evil.xml"])
def test_path_names_that_climb_out_are_refused(name: str) -> None:
    with pytest.raises(errors.BrokenFile):
        check_archive(repacked(DOCX, {name: b"x"}), LIMITS)


def test_two_parts_of_one_name_are_refused() -> None:
    out = io.BytesIO(DOCX)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(out, "a") as archive:
        archive.writestr("word/document.xml", b"<other/>")
    with pytest.raises(errors.BrokenFile):
        check_archive(out.getvalue(), LIMITS)


def test_a_zip_with_protected_parts_is_encrypted() -> None:
    data = bytearray(zip_bytes({"word/document.xml": b"secret"}))
    central = data.rfind(b"PK\x01\x02")
    data[central + 8] |= 1
    with pytest.raises(errors.EncryptedFile):
        check_archive(bytes(data), LIMITS)


def test_slides_and_plain_archives_are_unsupported() -> None:
    for parts in ({"[Content_Types].xml": b"", "ppt/presentation.xml": b""}, {"holiday.jpg": b""}):
        with pytest.raises(errors.UnsupportedType):
            check_archive(zip_bytes(parts), LIMITS)
