"""The built-in embedder for the tests of this folder, its graph built once per test process."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from kb.e5.engine import E5Encoder
from kb.embed import CentredEmbedder, make_embedder

HOSTILE = [
    "",
    " \n\t ",
    "\x00",
    "before\x00after",
    "\ud800 lone \udfff",
    "\ufdfa" * 20_000,
    "打印机脱机 " * 150_000,  # about a megabyte
    "👩‍👩‍👧‍👦🏳️‍🌈😀" * 50,
    "a\u0301" * 20_000,
    "\u202e\u200b\ufeff",
    "".join(map(chr, range(0x80, 0xA0))),
    "'; DROP TABLE kb_chunks; --",
]


@cache
def cache_dir() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="firstline-embedder-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def builtin() -> CentredEmbedder:
    return make_embedder("builtin", cache_dir())


@cache
def e5_encoder() -> E5Encoder:
    return E5Encoder(cache_dir())
