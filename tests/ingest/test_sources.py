"""Which files an ingest reads, what they are called, and which of them belong together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingest.errors import MissingFile
from ingest.sources import translation_key, walk


def _make(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text")
    return folder


def _names(path: Path) -> list[str]:
    return [source.name for source in walk(path)]


def test_a_folder_is_walked_in_order_with_names_relative_to_it(tmp_path: Path) -> None:
    _make(tmp_path, "b.md", "a.md", "sub/z.md", "sub/deeper/中文.md", "another/x.md")
    assert _names(tmp_path) == ["a.md", "b.md", "another/x.md", "sub/z.md", "sub/deeper/中文.md"]
    assert all(source.path.is_file() for source in walk(tmp_path))


def test_a_single_file_is_called_by_its_name(tmp_path: Path) -> None:
    assert _names(_make(tmp_path, "sub/a.md") / "sub" / "a.md") == ["a.md"]


def test_hidden_files_and_folders_are_left_alone(tmp_path: Path) -> None:
    assert _names(_make(tmp_path, "a.md", ".git/config", ".DS_Store", "sub/.hidden.md")) == ["a.md"]


def test_links_that_leave_the_folder_are_not_followed(tmp_path: Path) -> None:
    inside, outside = _make(tmp_path / "in", "a.md", "sub/b.md"), _make(tmp_path / "out", "secret.md")
    (inside / "leaves.md").symlink_to(outside / "secret.md")
    (inside / "stays.md").symlink_to(inside / "a.md")
    (inside / "folder").symlink_to(outside)
    (inside / "broken.md").symlink_to(tmp_path / "nothing")
    (inside / "sub" / "loop").symlink_to(inside)
    assert _names(inside) == ["a.md", "stays.md", "sub/b.md"]


def test_a_name_that_is_no_utf_8_can_be_stored_and_stays_itself(tmp_path: Path) -> None:
    for name in (b"caf\xe9.md", b"caf\xe8.md"):
        (Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))).write_text("text")
    names = _names(tmp_path)
    assert names == ["caf\\xe8.md", "caf\\xe9.md"]
    assert all(name.encode("utf-8") for name in names)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingFile):
        list(walk(tmp_path / "nothing"))


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("zh/net/vpn.md", "net/vpn.md"),
        ("en/net/vpn.md", "net/vpn.md"),
        ("zh-CN/vpn.md", "vpn.md"),
        ("en_US/vpn.md", "vpn.md"),
        ("docs/zh-Hans/net/vpn.md", "docs/net/vpn.md"),
        ("faq.zh.md", "faq.md"),
        ("faq_en.md", "faq.md"),
        ("faq-zh-CN.md", "faq.md"),
        ("guide/faq.EN.html", "guide/faq.html"),
        ("README_zh", "README"),
        ("faq.md", ""),
        ("vpn/faq.md", ""),
        ("garden.md", ""),
        ("zhongwen/faq.md", ""),
        ("fr/faq.md", ""),
        ("en.md", ""),
        (".zh.md", ""),
        ("zh", ""),
        ("", ""),
    ],
)
def test_language_versions_of_a_file_share_a_key(name: str, key: str) -> None:
    assert translation_key(name) == key
