"""Every dialect of Markdown reads like plain Markdown afterwards."""

from __future__ import annotations

import pytest

from ingest.loaders import markdown
from ingest.loaders.markdown import to_plain
from tests.ingest.make import read


def squeezed(text: str) -> str:
    return "\n".join(line for line in to_plain(text).split("\n") if line.strip())


def test_the_first_heading_is_the_title_before_the_front_matter() -> None:
    raw = read(
        markdown, "---\ntitle: From the matter\nsummary: What it is\nms.date: 01/02/2024\n---\n\n# From the text\n\nHi."
    )
    assert raw.title == "From the text"
    assert raw.meta == {"description": "What it is", "date": "01/02/2024"}
    assert "summary" not in raw.text


def test_front_matter_names_a_text_without_heading() -> None:
    assert read(markdown, "---\ntitle: 'It''s a title'\n---\nHi.").title == "It's a title"
    assert read(markdown, "Hi.").title == ""


def test_lists_in_front_matter_are_joined() -> None:
    raw = read(
        markdown, "---\ntitle: T\nappliesto:\n  - Outlook 2019\n  - Outlook 2016\ntags: [mail, 'sync']\n---\nHi."
    )
    assert raw.meta == {"applies_to": "Outlook 2019, Outlook 2016", "keywords": "mail, sync"}


def test_a_rule_at_the_top_is_not_front_matter() -> None:
    assert "Hello" in read(markdown, "---\n\nHello there\n\n---\n\nmore").text


def test_chapters_of_one_level_do_not_name_the_book() -> None:
    assert read(markdown, "# Install\n\nRun it.\n\n# Use\n\nClick it.").title == ""
    assert read(markdown, "# Handbook\n\n# Install\n\nRun it.\n\n# Use\n\nClick.").title == "Handbook"


def test_a_comment_sign_in_code_is_not_a_heading() -> None:
    assert read(markdown, "Intro\n\n```sh\n# not a title\n```\n").title == ""


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("> [!NOTE]\n> Save first.", "> Note: Save first."),
        ("> [!WARNING] Hot.", "> Warning: Hot."),
        (":::note\nSave first.\n:::", "**Note**\nSave first."),
        (":::tip Before you start\nSave.\n:::", "**Before you start**\nSave."),
        ('::: zone pivot="x"\nSave.\n::: zone-end', "Save."),
        ('{{< copyable "sql" >}}\nRun it.', "Run it."),
        ('{{% tab name="Linux" %}}\nRun it.\n{{% /tab %}}', "**Linux**\nRun it."),
        ("{% include note.html %}Text", "Text"),
        ("a <!-- hidden\nwords --> b", "a  b"),
        ("[!INCLUDE [notice](../notice.md)]\nText", "Text"),
        (':::image type="content" source="a.png" alt-text="A":::\nText', "Text"),
        ("# [Windows](#tab/windows)\nClick.", "**Windows**\nClick."),
        ('<SimpleTab>\n<div label="macOS">\n\nRun.\n\n</div>\n</SimpleTab>', "**macOS**\nRun."),
        ("import Tabs from '@theme/Tabs';\n\nText", "Text"),
        ("<details>\n<summary><b>More</b></summary>\n\nText\n</details>", "**More**\nText"),
    ],
)
def test_what_a_site_generator_acts_upon_becomes_plain_text(source: str, plain: str) -> None:
    assert squeezed(source) == plain


def test_the_kind_of_a_note_is_said_in_the_language_of_the_text() -> None:
    text = "请先保存所有文件，然后关闭窗口。如果窗口没有关闭，请联系管理员，并说明您正在使用的版本号以及操作系统。"
    assert "> 注意：先保存。" in to_plain(f"{text}\n\n> [!NOTE]\n> 先保存。")


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("![shot](a.png)", ""),
        ("Click ![gear](gear.png) to open.", "Click gear to open."),
        ("See [the guide](/guide.md#x).", "See the guide."),
        ("See [the site](https://a.example/x).", "See [the site](https://a.example/x)."),
        ("See [the guide][1].\n\n[1]: ./guide.md", "See the guide."),
        ("Mail <mailto:a@b.example> or <https://b.example>", "Mail a@b.example or https://b.example"),
        ("Fill in <user name> and <GUID>.", "Fill in <user name> and <GUID>."),
        ("a<br>b &nbsp;&amp; c\\_d", "a\nb \u00a0& c_d"),
        ('## <a name="x"></a>Cause {#cause}', "## Cause"),
        ("## Closed ##", "## Closed"),
        ("Title\n=====", "# Title"),
        ("Part\n----", "## Part"),
        ("| a |\n|---|\n| x<br>y |", "| a |\n|---|\n| x y |"),
        ("Say `<div>` and `![x](y)`", "Say `<div>` and `![x](y)`"),
    ],
)
def test_links_images_tags_and_headings_are_reduced(source: str, plain: str) -> None:
    assert squeezed(source) == plain


def test_code_is_never_touched() -> None:
    code = "```html\n<div><!-- x --> {{< y >}} ![a](b) &amp;\n# no heading\n```"
    assert to_plain(code) == code


def test_a_block_that_is_never_closed_is_closed_at_the_end() -> None:
    assert to_plain("```sh\nls\n") == "```sh\nls\n\n```"


def test_a_table_in_html_becomes_a_pipe_table() -> None:
    source = "Before\n\n<table><tr><th>Name</th><th>Use</th></tr><tr><td>a</td><td>`x`</td></tr></table>\n\nAfter"
    assert squeezed(source) == "Before\n| Name | Use |\n|---|---|\n| a | `x` |\nAfter"


@pytest.mark.parametrize(
    "piece", ["![", '[a](b "', '<a x="', "<!--", "{{< ", "{%", "` `` ", "[", "<script>", "> ", "- a\n"]
)
def test_a_text_of_nothing_but_openings_comes_through(piece: str) -> None:
    assert isinstance(to_plain(piece * 20_000), str)
