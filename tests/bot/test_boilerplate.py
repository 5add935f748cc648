"""What of an article is read out, and what is not."""

from __future__ import annotations

import pytest

from bot.boilerplate import only_points, readable, without_links
from bot.quote import quote_from
from bot.writer import QuotingWriter
from tests.bot.made import passage, request


@pytest.mark.parametrize(
    "sentence",
    [
        "Microsoft is researching this problem and will post more information in this article when it becomes available.",
        "For more information, see [Rename a site](https://x.example/rename).",
        "For information about how to do this, see[Turning it on](/on.md).",
        "See also [Other limits](limits.md).",
        "[Learn more](https://x.example)",
        "This article describes how to change the domain name.",
        "有关详细信息，请参阅：[更改 SharePoint 域名](/zh/rename)",
        "若要了解更多信息，请参阅[如何阻止安装](https://x.example/install)。",
        "具体步骤参见 [资源管理](/manage.md)。",
        "见 [支持的版本](/versions.md)。",
        "本文介绍如何更改域名。",
    ],
)
def test_what_only_points_elsewhere_is_told_apart(sentence: str) -> None:
    assert only_points(sentence)
    assert QuotingWriter().write(request(passage(sentence), question="rename domain")) is None


@pytest.mark.parametrize(
    "sentence",
    [
        "Select **File > Options** and clear the check box.",
        "For more information, call the Service Desk on 8000.",
        "See the light on the front: it must be green.",
        "在“设置”里选择“网络”。",
        "更多帮助请拨打 8000。",
    ],
)
def test_what_says_something_stays(sentence: str) -> None:
    assert not only_points(sentence)
    assert readable(sentence)[0].text == sentence


def test_a_list_of_links_goes_with_the_line_that_leads_in() -> None:
    text = "Restart the router.\n\nRelated pages:\n\n- [One](a.md)\n- [Two](b.md)\n- [Three](https://x.example)"
    assert [section.text for section in readable(text)] == ["Restart the router."]


def test_pointers_at_the_end_of_a_step_go_and_the_step_stays() -> None:
    text = "1. Open the admin center. For more information, see [Admin](a.md).\n2. Choose **Billing**."
    assert readable(text)[0].text == "1. Open the admin center.\n2. Choose **Billing**."


def test_a_paragraph_that_stands_twice_is_read_once() -> None:
    text = "A [region](a.md) stores data.\n\nA [region](b.md) stores data."
    assert len(readable(text)[0].body) == 1


def test_links_and_images_leave_only_words() -> None:
    assert without_links('See [the portal](/p "Portal") ![icon](i.png)now.') == "See the portal now."


def test_steps_that_are_promised_come_with_the_promise() -> None:
    text = (
        "## Resolution\n\nTo fix this, use one of the following methods.\n\n### Method 1: Restart\n\nRestart the device.\n\n"
        "### Method 2: Reset\n\nHold the key for 10 seconds.\n\n## More information\n\nThe light turns red."
    )
    quote = quote_from(passage(text), "how to fix a red light on the device", 600).text
    assert "Restart the device." in quote
    assert "Hold the key" in quote


def test_a_promise_that_is_not_kept_is_left_out() -> None:
    quote = quote_from(passage("Restart the device. To reset it, follow these steps:"), "reset the device", 600)
    assert quote.text == "Restart the device."
    assert quote.cut
    assert QuotingWriter().write(request(passage("请按照以下步骤操作："), lang="zh")) is None
