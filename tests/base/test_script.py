"""Traditional and simplified characters are one when texts are compared or embedded; nothing shown is converted."""

from __future__ import annotations

import pytest

from base.script import simplified
from base.text import detect_language, for_embedding, normalise, query_tokens, tokens


@pytest.mark.parametrize(
    ("traditional", "same"),
    [
        ("打印機夾紙，請幫忙處理", "打印机夹纸，请帮忙处理"),
        ("印表機無法列印，請問軟體要怎麼更新？", "打印机无法打印，请问软件要怎么更新？"),
        ("忘記密碼，登入逾時", "忘记密码，登录逾时"),
        ("資料庫連線 809 錯誤", "数据库连接 809 错误"),
        ("瞭解更多", "了解更多"),
    ],
)
def test_a_question_in_traditional_characters_has_the_tokens_of_the_simplified_one(traditional: str, same: str) -> None:
    assert tokens(traditional) == tokens(same)
    assert query_tokens(traditional) == query_tokens(same)
    assert for_embedding(traditional) == for_embedding(same)


@pytest.mark.parametrize(
    "text", ["", "plain", "It’s a café", "打印机无法打印", "程序和文件", "\x00", "🙂", "ﾃｽﾄ", "𠮷野家"]
)
def test_other_text_is_left_as_it_is(text: str) -> None:
    assert simplified(text) == text


def test_a_quoted_line_does_not_turn_a_mainland_article_into_a_taiwanese_one() -> None:
    article = "屏幕上会出现「顯示」两个字。把程序和文件放在同一个目录里，然后重新启动计算机，再打开程序。"
    assert simplified(article) == article.replace("顯示", "显示")


def test_folding_twice_changes_nothing_more() -> None:
    text = "使用者在網路設定裡找不到印表機的驅動程式"
    assert normalise(normalise(text)) == normalise(text)


def test_traditional_chinese_is_chinese() -> None:
    assert detect_language("請問如何重設密碼？") == "zh"
