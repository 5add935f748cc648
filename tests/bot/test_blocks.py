from __future__ import annotations

import pytest

from bot.blocks import BlockKind, Role, blocks, role_of
from bot.boilerplate import readable


def test_a_list_keeps_its_items_and_the_code_inside_them() -> None:
    text = "Do this:\n\n1. Open a terminal.\n   ```sh\n   kill -USR1 42\n   ```\n\n2. Close it.\n\nDone."
    found = blocks(text)
    assert [block.kind for block in found] == [BlockKind.TEXT, BlockKind.LIST, BlockKind.TEXT]
    assert "kill -USR1 42" in found[1].text
    assert "2. Close it." in found[1].text


def test_code_outside_a_list_is_a_block_of_its_own() -> None:
    found = blocks("Run:\n\n```\nipconfig\n\n/flushdns\n```\n\nThen try again.")
    assert [block.kind for block in found] == [BlockKind.TEXT, BlockKind.CODE, BlockKind.TEXT]
    assert found[1].text == "```\nipconfig\n\n/flushdns\n```"


def test_a_table_is_one_block() -> None:
    found = blocks("| Code | Meaning |\n|---|---|\n| PRN-21 | tray empty |\n\nCall 8000.")
    assert [block.kind for block in found] == [BlockKind.TABLE, BlockKind.TEXT]


def test_an_unclosed_fence_loses_nothing() -> None:
    assert "still here" in blocks("```\nstill here")[0].text


def test_sections_follow_the_headings_and_leave_boilerplate_out() -> None:
    text = "Intro.\n\n## Cause\n\nDust.\n\n## More information\n\nStill need help? Go to the community.\n\n## Empty\n"
    assert [(section.heading, section.text) for section in readable(text)] == [("", "Intro."), ("Cause", "Dust.")]


@pytest.mark.parametrize(
    ("heading", "role"),
    [
        ("Resolution", Role.SOLUTION),
        ("How to fix it", Role.SOLUTION),
        ("Workaround", Role.SOLUTION),
        ("处理办法", Role.SOLUTION),
        ("怎么办", Role.SOLUTION),
        ("Cause", Role.CAUSE),
        ("原因", Role.CAUSE),
        ("Symptoms", Role.PROBLEM),
        ("问题描述", Role.PROBLEM),
        ("现象", Role.PROBLEM),
        ("More information", Role.ASIDE),
        ("相关文章", Role.ASIDE),
        ("Delivery times", Role.OTHER),
        ("", Role.OTHER),
    ],
)
def test_a_heading_tells_what_its_section_is_for(heading: str, role: Role) -> None:
    assert role_of(heading) is role
