"""What `make translations` extracts and what `make check` refuses."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog

from base.i18n import join_sentences, translations
from web.pages import make_environments

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = spec_from_file_location("translations_tool", ROOT / "tools" / "translations.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own for the tool, with one Python file and one template."""
    (tmp_path / "babel.cfg").write_text((ROOT / "babel.cfg").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "web" / "templates").mkdir(parents=True)
    (tmp_path / "web" / "pages.py").write_text('A = N_("Two words" " in two parts")\nB = N_("Hello {name}")\n')
    (tmp_path / "web" / "templates" / "page.html").write_text(
        "{% trans count=n %}One file{% pluralize %}{{ count }} files{% endtrans %}{{ _('Send') }}"
    )
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(tool, "CATALOGUE", tmp_path / "messages.po")
    return tmp_path


def fill(tool: ModuleType, **chinese: str) -> Catalog:
    """The merged catalogue, each message with the text given for its first word, and written down."""
    catalogue: Catalog = tool.merged(tool.extracted())
    for message in catalogue:
        if message.id:
            first = message.id if isinstance(message.id, str) else message.id[0]
            text = chinese.get(first.split()[0], "")
            message.string = text if first is message.id else (text,)
    tool.CATALOGUE.write_bytes(tool.as_text(catalogue))
    return catalogue


ALL = {"Two": "两个词", "Hello": "{name}，您好", "One": "%(count)s 个文件", "Send": "发送"}


def test_messages_of_code_and_templates_are_found_with_joined_parts_and_plurals(
    tool: ModuleType, project: Path
) -> None:
    found = {message.id for message in tool.extracted() if message.id}
    assert found == {"Two words in two parts", "Hello {name}", "Send", ("One file", "%(count)s files")}


def test_a_full_catalogue_passes_and_is_written_the_same_way_twice(
    tool: ModuleType, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tool.problems(fill(tool, **ALL)) == []
    first = tool.CATALOGUE.read_bytes()
    monkeypatch.setattr("sys.argv", ["translations.py"])
    assert tool.main() == 0
    assert "4 messages, 0 problems" in capsys.readouterr().out
    assert tool.CATALOGUE.read_bytes() == first
    monkeypatch.setattr("sys.argv", ["translations.py", "--check"])
    assert tool.main() == 0


def test_a_message_without_chinese_fails_the_check(
    tool: ModuleType, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tool, **{**ALL, "Send": "", "One": ""})
    monkeypatch.setattr("sys.argv", ["translations.py", "--check"])
    assert tool.main() == 1
    assert capsys.readouterr().out.splitlines() == [
        "no Chinese for: One file | %(count)s files",
        "no Chinese for: Send",
    ]


@pytest.mark.parametrize("wrong", ["您好", "{nane}，您好", "{name} {more}", "%(name)s，您好"])
def test_other_placeholders_in_the_chinese_fail_the_check(tool: ModuleType, project: Path, wrong: str) -> None:
    assert tool.problems(fill(tool, **{**ALL, "Hello": wrong})) == [
        "other placeholders in the Chinese of: Hello {name}"
    ]


def test_what_is_gone_from_the_code_is_dropped_and_an_old_catalogue_is_stale(
    tool: ModuleType, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tool, **ALL)
    (project / "web" / "pages.py").write_text('A = N_("Two words" " in two parts")\n')
    monkeypatch.setattr("sys.argv", ["translations.py", "--check"])
    assert tool.main() == 1
    assert "stale" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["translations.py"])
    assert tool.main() == 0
    assert "Hello" not in tool.CATALOGUE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "call", ['N_(f"Hello {name}")', 'N_("Hello " + name)', "_(text)", 'translate("Hello", lang)', "N_(TEXT)"]
)
def test_a_text_that_no_extraction_can_see_fails_the_check(tool: ModuleType, project: Path, call: str) -> None:
    (project / "web" / "more.py").write_text(f"A = {call}\n")
    assert list(tool.unseen()) == ["not one literal text at web/more.py:1"]


def test_plurals_of_templates_are_spoken_in_both_languages() -> None:
    source = "{% trans count=n %}One article{% pluralize %}{{ count }} articles{% endtrans %}"
    shown = {
        (lang, n): environment.from_string(source).render(n=n)
        for lang, environment in make_environments().items()
        for n in (1, 3)
    }
    assert shown == {
        ("en", 1): "One article",
        ("en", 3): "3 articles",
        ("zh", 1): "1 篇文章",
        ("zh", 3): "3 篇文章",
    }
    assert translations("zh").ngettext("One article", "%(count)s articles", 2) == "%(count)s 篇文章"


def test_sentences_are_joined_as_their_language_does() -> None:
    assert join_sentences("en", "Sorry.", "A person will reply.") == "Sorry. A person will reply."
    assert join_sentences("zh-CN", "非常抱歉。", "会有专人回复您。") == "非常抱歉。会有专人回复您。"


def test_the_chinese_is_set_as_chinese(tool: ModuleType) -> None:
    """A blank beside Latin words and numbers, none beside full-width marks, and no half-width marks."""
    han, full_width = r"[\u4e00-\u9fff]", "[，。：；？！（）“”]"
    ugly = re.compile(f"{han}[A-Za-z0-9]|[A-Za-z0-9%]{han}| {full_width}|{full_width} |{han}[,.:;?!()]")
    shown = []
    for message in tool.merged(tool.extracted()):
        forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
        shown += [re.sub(r"%\(\w+\)s|\{\w+\}", "X", text) for text in forms if message.id and text]
    assert len(shown) > 400
    assert [text for text in shown if ugly.search(text)] == []
