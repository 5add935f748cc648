"""A small knowledge base for tests: written as files, ingested as in life."""

from __future__ import annotations

from pathlib import Path

from ingest.pipeline import IngestOptions, IngestReport
from ingest.sources import walk
from kb.models import Audience
from web.wiring import Services

ARTICLES = {
    "en/vpn.md": """# VPN error 809 when connecting from a hotel

Error 809 means the hotel network blocks the VPN ports.

## What to do

1. Open HS Connect and choose Settings > Connection.
2. Select TCP 443 mode.
3. Connect again. It is about a third slower, but works nearly everywhere.

If it still fails, call 8000 with the error code.
""",
    "zh/vpn.md": """# 在酒店连接 VPN 报错 809

错误 809 表示酒店网络拦截了 VPN 端口。

## 处理办法

1. 打开 HS Connect，进入“设置 > 连接”。
2. 选择“TCP 443 模式”。
3. 重新连接。速度大约慢三分之一，但几乎到处能用。

仍然失败请拨打 8000，并提供错误代码。
""",
    "en/printer.md": """# Printer shows PRN-21: paper tray empty

PRN-21 means that tray 2 is empty. Load A4 paper, 80 g/m², at most 500 sheets, and close the tray firmly.

The queue HS-Print continues by itself after 30 seconds.
""",
    "zh/password.md": """# 忘记密码怎么重置

打开 https://password.haisong.example ，用手机验证码验证身份后设置新密码。

## 新密码的要求

- 至少 12 位；
- 不能与最近 5 次的密码相同。

重置后 15 分钟内生效。
""",
    "en/laptop.md": """# Ordering a new laptop

Order in the IT shop. Your line manager approves up to CNY 5,000; above that the department head approves too.

A standard laptop arrives within 10 working days.
""",
}
INTERNAL = {
    "en/vpn-gateway-runbook.md": """# VPN gateway runbook

The break-glass account of the VPN gateway is HSGATE-7741. Restart the service `ipsecd` on both nodes, one after the other.
""",
}


def load(services: Services, folder: Path, *, collection: str = "test") -> IngestReport:
    """Ingest the public articles and the internal one."""
    write(folder / "public", ARTICLES)
    write(folder / "internal", INTERNAL)
    options = IngestOptions(collection=collection)
    report = services.pipeline.run(walk(folder / "public"), options)
    services.pipeline.run(walk(folder / "internal"), IngestOptions(collection, audience=Audience.INTERNAL))
    return report


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
