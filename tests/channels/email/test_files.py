"""Files have safe names, the type of their content, and a limit."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest

from channels.email.files import FileList, extension_of, safe_name
from channels.email.limits import MailLimits
from channels.email.sniff import EXECUTABLE, OUTLOOK, SCRIPT, media_type_of
from tests.channels.email.recorded import recorded


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("invoice.pdf", "invoice.pdf"),
        ("合同（2026）.pdf", "合同(2026).pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\Users\\a\\b.doc", "b.doc"),
        ("a／b.txt", "b.txt"),  # a full-width slash is one after NFKC
        ("\u200b.htaccess", "htaccess"),
        ("....bashrc", "bashrc"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("a\x00b\r\n\tc.txt", "abc.txt"),
        ("name. . ", "name"),
        ("CON", "_CON"),
        ("com1.txt", "_com1.txt"),
        ("LPT¹ .log", "_LPT1 .log"),
        ("console.txt", "console.txt"),
        ('a<b>:"c|d?*.txt', "a_b___c_d__.txt"),
        ("\ufeff\u2066\u2069", ""),
        ("/", ""),
        ("...", ""),
        ("", ""),
        ("a" * 300 + ".pdf", "a" * 146 + ".pdf"),
        ("a" * 300, "a" * 150),
        ("\ufdfa" * 100 + ".txt", safe_name("\ufdfa" * 100 + ".txt")),
    ],
)
def test_a_name_is_safe(given: str, safe: str) -> None:
    assert safe_name(given) == safe
    assert len(safe_name(given)) <= 150


def office(inside: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(inside, "x")
    return data.getvalue()


def ole(stream: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 500 + stream.encode("utf-16-le") + b"\x00" * 100


OFFICE = "application/vnd.openxmlformats-officedocument."


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0..JFIF", "image/jpeg"),
        (b"GIF89a....", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"\x00\x00\x00\x18ftypheic....", "image/heic"),
        (b"\x00\x00\x00\x18ftypisom....", "video/mp4"),
        (b"ID3\x03....", "audio/mpeg"),
        (b"\xff\xfb\x90d....", "audio/mpeg"),
        (b"OggS....", "audio/ogg"),
        (b"#!AMR\n....", "audio/amr"),
        (b"\x1f\x8b\x08....", "application/gzip"),
        (b"Rar!\x1a\x07\x00", "application/vnd.rar"),
        (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
        (office("a.txt"), "application/zip"),
        (office("word/document.xml"), OFFICE + "wordprocessingml.document"),
        (office("xl/workbook.xml"), OFFICE + "spreadsheetml.sheet"),
        (office("ppt/presentation.xml"), OFFICE + "presentationml.presentation"),
        (office("META-INF/MANIFEST.MF"), EXECUTABLE),
        (ole("WordDocument"), "application/msword"),
        (ole("Workbook"), "application/vnd.ms-excel"),
        (ole("__properties_version1.0"), OUTLOOK),
        (b"MZ" + b"\x00" * 58 + b"\x40\x00\x00\x00PE\x00\x00", EXECUTABLE),
        (b"\x7fELF\x02\x01", EXECUTABLE),
        (b"\xcf\xfa\xed\xfe\x07", EXECUTABLE),
        (b"#!/bin/sh\nls", SCRIPT),
        (b"  <!DOCTYPE html><p>", "text/html"),
        (b"\xef\xbb\xbf<!-- x --><HTML>", "text/html"),
        (b"<script>alert(1)</script>", "text/html"),
        (b'<?xml version="1.0"?><svg onload="x"/>', "image/svg+xml"),
        (b'<?xml version="1.0"?><invoice/>', "application/xml"),
        ("<html>".encode("utf-16"), "text/html"),
        (b"MZ is how this sentence of a text begins, and it has no zero bytes in it at all.", "text/plain"),
        (b"2026-11-23 ERROR E-1001\n", "text/plain"),
        ("日志".encode(), "text/plain"),
        (b"\x00\x01\x02\x03", "application/octet-stream"),
    ],
)
def test_the_content_says_what_it_is(content: bytes, media_type: str) -> None:
    assert media_type_of(content, "application/octet-stream" if content[:1] != b"2" else "image/png", "x") == media_type


@pytest.mark.parametrize(
    ("declared", "content", "media_type"),
    [
        ("text/csv", b"a;b\n", "text/csv"),
        ("application/json", b"{}", "application/json"),
        ("text/plain", b"\x00\x01\x02", "application/octet-stream"),
        ("image/png", b"no image", "text/plain"),
        ("image/png", b"\x00\x01no image", "application/octet-stream"),
        ("text/html", b"only words", "text/html"),
        ("application/x-private", b"\x00\x01", "application/x-private"),
        ("", b"", "text/plain"),
    ],
)
def test_the_senders_word_counts_where_the_content_does_not_contradict(
    declared: str, content: bytes, media_type: str
) -> None:
    assert media_type_of(content, declared, "file") == media_type


@pytest.mark.parametrize(
    ("name", "media_type"), [("a.exe", EXECUTABLE), ("a.PDF.Js", SCRIPT), ("a.lnk", EXECUTABLE), ("a.ps1", SCRIPT)]
)
def test_a_name_that_runs_on_windows_is_a_program(name: str, media_type: str) -> None:
    assert media_type_of(b"words", "text/plain", name) == media_type


def test_programs_are_dropped_and_pages_kept_but_marked() -> None:
    found = {
        one.name: (one.media_type, one.refused, bool(one.content), one.size_bytes)
        for one in recorded("forbidden_files").files
    }
    assert found == {
        "invoice.pdf": (EXECUTABLE, "forbidden_type", False, 172),
        "run.txt": (SCRIPT, "forbidden_type", False, 19),
        "page.png": ("text/html", "forbidden_type", True, 53),
        "logo.svg": ("image/svg+xml", "forbidden_type", True, 59),
        "update.js": (SCRIPT, "forbidden_type", False, 17),
        "app.log": ("text/plain", "", True, 29),
    }


def test_recorded_names_are_decoded_and_safe() -> None:
    assert [one.name for one in recorded("file_names").files] == [
        "合同(2026).pdf",
        "htaccess",
        "attachment-3.pdf",
        "photognp.exe",
        "_CON .png",
        "my report final.pdf",
        "a _quoted_ name.png",
    ]
    assert recorded("netease_gbk").files[0].name == "错误截图.png"


def test_the_caps_refuse_and_tell() -> None:
    files = FileList(replace(MailLimits(), files=2, file_bytes=10))
    for name, content in (("a", b"x"), ("b", b"x" * 11), ("c", b"x"), ("d", b"x")):
        files.add(name, "text/plain", content)
    assert [(one.name, one.refused, len(one.content), one.size_bytes) for one in files.files] == [
        ("a", "", 1, 1),
        ("b", "too_large", 0, 11),
        ("c", "", 1, 1),
        ("d", "too_many", 0, 1),
    ]
    for _ in range(200):
        files.add("e", "text/plain", b"x")
    assert (len(files.files), files.left_out) == (100, True)


def test_an_extension_is_the_usual_one_on_every_machine() -> None:
    assert [extension_of(kind) for kind in ("image/jpeg", "application/pdf", "text/plain", "x/unknown", EXECUTABLE)] == [
        ".jpg", ".pdf", ".txt", ".bin", "",
    ]  # fmt: skip
