"""What the demo page offers to ask, as a colleague would type it. English and Chinese are two sets, no translations."""

from __future__ import annotations

# language -> (icon of the sprite, question)
DEMO_QUESTIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "en": (
        ("phone", "I have a new phone, how do I move the authenticator?"),
        ("key", "I forgot my password, how can I reset it?"),
        ("printer", "The printer says PRN-21, what does that mean?"),
        ("mail", "My mailbox is full, how do I free space?"),
        ("shield-lock", "I got a phishing mail, what should I do?"),
        (
            "alert-triangle",
            "Nobody in finance can log in to the ERP and month-end closing is today",
        ),
    ),
    "zh": (
        ("note", "怎么申请新电脑？"),
        ("key", "我忘记密码了，怎么重置？"),
        ("printer", "打印机提示 PRN-21 是什么意思？"),
        ("mail", "邮箱满了，怎么清理空间？"),
        ("shield-lock", "收到钓鱼邮件怎么办？"),
        ("alert-triangle", "全公司都登不上 ERP，今天还要月结"),
    ),
}
