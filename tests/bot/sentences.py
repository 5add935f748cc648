"""Passages, and what may and may not be said with them: (passage, sentence) and (passage, sentence, reason)."""

from __future__ import annotations

PASSAGES = {
    "vpn": (
        "VPN error 809 when connecting from a hotel\nWhat to do\n"
        "Error 809 means the hotel network blocks the VPN ports.\n"
        "1. Open HS Connect and choose Settings > Connection.\n2. Select TCP 443 mode.\n"
        "3. Connect again. It is about a third slower, but works nearly everywhere.\n"
        "If it still fails, call 8000 with the error code. Do not restart the VPN gateway yourself."
    ),
    "vpn_zh": (
        "在酒店连接 VPN 报错 809\n处理办法\n错误 809 表示酒店网络拦截了 VPN 端口。\n"
        "1. 打开 HS Connect，进入“设置 > 连接”。\n2. 选择“TCP 443 模式”。\n"
        "3. 重新连接。速度大约慢三分之一，但几乎到处能用。\n仍然失败请拨打 8000，并提供错误代码。请勿自行重启 VPN 网关。"
    ),
    "printer": (
        "Printer shows PRN-21: paper tray empty\n\nPRN-21 means that tray 2 is empty. Load A4 paper, 80 g/m², at most 500 "
        "sheets, and close the tray firmly.\nThe queue HS-Print continues by itself after 30 seconds. "
        "Never pull jammed paper out backwards."
    ),
    "password_zh": (
        "忘记密码怎么重置\n新密码的要求\n打开 https://password.haisong.example ，用手机验证码验证身份后设置新密码。\n"
        "- 至少 12 位；\n- 不能与最近 5 次的密码相同。\n重置后 15 分钟内生效。连续输错 6 次，账号锁定 30 分钟。"
    ),
    "password": (
        "Resetting a forgotten password\n\nOpen https://password.haisong.example/reset and verify with the code sent to your "
        "phone.\n- At least 12 characters\n- Not one of your last 5 passwords\nThe new password works within 15 minutes. "
        "After 6 wrong attempts the account is locked for 30 minutes. It cannot be unlocked by phone."
    ),
    "laptop": (
        "Ordering a new laptop\n\nOrder in the IT shop. Your line manager approves up to CNY 5,000; above that the department "
        "head approves too.\nA standard laptop arrives within 10 working days. Returns are accepted until 31 January 2027."
    ),
    "laptop_zh": (
        "申领新笔记本\n\n在 IT 商城下单。5,000 元以内由直属经理审批；超过的部分还要部门负责人审批。\n"
        "标准机型 10 个工作日内到货。退货截至 2027年1月31日。"
    ),
    "hours": (
        "Service desk hours\n\nThe desk is open Monday to Friday, 9:00-18:00 (Beijing time). Outside these hours call the "
        "emergency line 400-820-8820, which answers 24x7. Write to it-help@haisong.example at any time.\n"
        "| Level | First reply |\n| --- | --- |\n| Urgent | 30 min |\n| High | 4 working hours |"
    ),
    "hours_zh": (
        "服务台时间\n\n周一至周五上午9点到下午6点。其余时间请拨打应急热线 400-820-8820，全年 7x24 小时有人接听。\n"
        "| 级别 | 首次响应 |\n| --- | --- |\n| 紧急 | 30 分钟 |\n| 高优 | 4 个工作小时 |"
    ),
    "wifi": (
        "Guest Wi-Fi\n\nVisitors use the network HS-Guest. Guest codes are valid for one day and cost nothing. Enable "
        "private addresses before you connect. Streaming is not allowed. The speed is limited to 20 Mbit/s."
    ),
    "mail_zh": (
        "邮箱容量\n\n每个邮箱 50 GB，附件不超过 25 MB。超过 90% 时系统会发提醒。启用“自动归档”可把两年以前的邮件移到存档，"
        "存档不占容量。删除的邮件保留 30 天，之后无法恢复。"
    ),
    "export": (
        "Exporting a report\n\nRun `report --month 2026-10 --format xlsx` or open Reports > Export. Files over 2 GB are split. "
        "The export keeps 1.5 million rows; version 7.10 or later is required. About half of the exports finish in an hour."
    ),
}

SUPPORTED: list[tuple[str, str]] = [
    ("vpn", "Error 809 means the hotel network blocks the VPN ports. [1]"),
    ("vpn", "Open HS Connect and go to Settings > Connection [1]."),
    ("vpn", "1. Open **HS Connect** and choose **Settings > Connection**. [1]"),
    ("vpn", "- Select TCP 443 mode [1]"),
    ("vpn", "Then connect again; it is about a third slower but works nearly everywhere. [1]"),
    ("vpn", "If it still fails, please call 8000 with the error code. [1]"),
    ("vpn", "Do not restart the VPN gateway yourself. [1]"),
    ("vpn", "Please don't restart the VPN gateway yourself. [1]"),
    ("vpn", "Step 2: Select TCP 443 mode. [1]"),
    ("vpn", "The hotel's network is blocking the VPN ports (error 809) [1]."),
    ("vpn_zh", "错误 809 表示酒店网络拦截了 VPN 端口。[1]"),
    ("vpn_zh", "请打开 HS Connect，进入“设置 > 连接”[1]。"),
    ("vpn_zh", "2. 选择“TCP 443 模式”。[1]"),
    ("vpn_zh", "然后重新连接，速度大约慢三分之一，但几乎到处能用 [1]。"),
    ("vpn_zh", "如果仍然失败，请拨打 8000 并提供错误代码。【1】"),
    ("vpn_zh", "请不要自行重启 VPN 网关。[1]"),
    ("vpn_zh", "切勿自行重启ＶＰＮ网关 [1]"),
    ("vpn_zh", "**第二步**：选择 TCP 443 模式。[1]"),
    ("printer", "PRN-21 means tray 2 is empty. [1]"),
    ("printer", "Load A4 paper (80 g/m²), no more than 500 sheets, and close the tray firmly. [1]"),
    ("printer", "Load at most 500 sheets of A4 paper. [1]"),
    ("printer", "The HS-Print queue continues by itself after 30 s. [1]"),
    ("printer", "After thirty seconds the queue HS-Print continues by itself [1]."),
    ("printer", "Never pull the jammed paper out backwards. [1]"),
    ("printer", "Do not pull jammed paper out backwards. [1]"),
    ("password_zh", "打开 https://password.haisong.example，用手机验证码验证身份后设置新密码。[1]"),
    ("password_zh", "- 新密码至少 12 位 [1]"),
    ("password_zh", "新密码至少十二位，不能与最近五次的密码相同。[1]"),
    ("password_zh", "重置后十五分钟内生效 [1]。"),
    ("password_zh", "连续输错 6 次后，账号会锁定 30 分钟。[1]"),
    ("password_zh", "请在 password.haisong.example 设置新密码。[1]"),
    ("password", "Open https://password.haisong.example/reset and verify with the code sent to your phone. [1]"),
    ("password", "Your new password needs at least twelve characters. [1]"),
    ("password", "It must not be one of your last five passwords. [1]"),
    ("password", "The new password works within 15 min [1]."),
    ("password", "After six wrong attempts the account is locked for 30 minutes. [1]"),
    ("password", "It cannot be unlocked by phone. [1]"),
    ("password", "You can't unlock the account by phone. [1]"),
    ("laptop", "Your line manager approves up to CNY 5000. [1]"),
    ("laptop", "Above ¥5,000 the department head approves too. [1]"),
    ("laptop", "A standard laptop arrives within ten working days. [1]"),
    ("laptop", "A standard laptop arrives within 10 business days. [1]"),
    ("laptop", "Returns are accepted until January 31, 2027. [1]"),
    ("laptop", "Returns are accepted until 2027-01-31. [1]"),
    ("laptop_zh", "5000元以内由直属经理审批。[1]"),
    ("laptop_zh", "标准机型十个工作日内到货。[1]"),
    ("laptop_zh", "退货截至1月31日。[1]"),
    ("hours", "The desk is open Monday to Friday, 9 am to 6 pm. [1]"),
    ("hours", "Outside these hours call 400 820 8820, which answers 24/7. [1]"),
    ("hours", "Write to it-help@haisong.example at any time. [1]"),
    ("hours", "Urgent: the first reply comes within 30 minutes. [1]"),
    ("hours_zh", "服务台周一至周五 9:00-18:00 开放。[1]"),
    ("hours_zh", "其余时间请拨打应急热线 400-820-8820，7×24 小时有人接听。[1]"),
    ("hours_zh", "紧急级别的首次响应是 30 分钟。[1]"),
    ("wifi", "Visitors use the network HS-Guest. [1]"),
    ("wifi", "A guest code is valid for 1 day and costs nothing. [1]"),
    ("wifi", "Enable private addresses before you connect. [1]"),
    ("wifi", "Streaming is not allowed. [1]"),
    ("mail_zh", "每个邮箱的容量是 50GB，附件不超过 25MB。[1]"),
    ("mail_zh", "超过百分之九十时系统会发提醒。[1]"),
    ("mail_zh", "启用“自动归档”可以把 2 年以前的邮件移到存档。[1]"),
    ("mail_zh", "删除的邮件保留三十天，之后无法恢复。[1]"),
    ("export", "Run `report --month 2026-10 --format xlsx`. [1]"),
    ("export", "The export keeps 1.5 million rows. [1]"),
    ("export", "You need version 7.10 or later. [1]"),
    ("export", "About half of the exports finish in one hour. [1]"),
    ("export", "Files larger than 2 GB are split [^1]."),
]

# The sentence in another language than the passage: its facts are held against it all the same.
SUPPORTED_ACROSS: list[tuple[str, str]] = [
    ("vpn", "错误 809 表示酒店网络拦截了 VPN 端口。[1]"),
    ("vpn", "打开 HS Connect，依次选择“设置 > 连接”。[1]"),
    ("vpn", "速度大约慢三分之一。[1]"),
    ("password_zh", "The new password works within 15 minutes. [1]"),
    ("password_zh", "Use at least 12 characters. [1]"),
    ("laptop", "标准笔记本在 10 个工作日内到货。[1]"),
    ("laptop", "5000元以内由直属经理审批。[1]"),
    ("hours", "服务台周一至周五 9:00 至 18:00 开放。[1]"),
    ("hours_zh", "The desk is open Monday to Friday from 9:00 to 18:00. [1]"),
    ("mail_zh", "Deleted mails are kept for 30 days and cannot be restored after that. [1]"),
]

UNSUPPORTED: list[tuple[str, str, str]] = [
    ("vpn", "Error 809 means the hotel network blocks the VPN ports.", "uncited"),
    ("vpn", "Error 809 means the hotel network blocks the VPN ports. [2]", "unknown_source"),
    ("vpn", "Error 810 means the hotel network blocks the VPN ports. [1]", "number"),
    ("vpn", "Select TCP 8443 mode. [1]", "number"),
    ("vpn", "It is about half slower, but works nearly everywhere. [1]", "number"),
    ("vpn", "If it still fails, call 8001 with the error code. [1]", "number"),
    ("vpn", "If it still fails, call 400-123-4567 with the error code. [1]", "name"),
    ("vpn", "Restart the VPN gateway yourself. [1]", "negation"),
    ("vpn", "If it still fails, do not call 8000 with the error code. [1]", "negation"),
    ("vpn", "Open AnyConnect and choose Settings > Connection. [1]", "name"),
    ("vpn", "Open HS Connect and ask the Network Operations team. [1]", "name"),
    ("vpn", "Clear the browser cache and reinstall the driver of the graphics card. [1]", "words"),
    ("vpn", "I have reset your VPN connection. [1]", "promise"),
    ("vpn", "We will call you back about error 809. [1]", "promise"),
    ("vpn", "See https://vpn.haisong.example for error 809. [1]", "url"),
    ("vpn", "Open <b>HS Connect</b> and choose Settings > Connection. [1]", "markup"),
    ("vpn", "Open HS Connect ![x](https://evil.example/a.png) [1]", "markup"),
    ("vpn", "Open [HS Connect](javascript:alert) and choose Settings > Connection. [1]", "markup"),
    ("vpn", "Choose “Advanced options” and select TCP 443 mode. [1]", "quote"),
    ("vpn_zh", "错误 819 表示酒店网络拦截了 VPN 端口。[1]", "number"),
    ("vpn_zh", "错误 809 表示酒店网络允许了 VPN 端口。[1]", "negation"),
    ("vpn_zh", "请自行重启 VPN 网关。[1]", "negation"),
    ("vpn_zh", "仍然失败请不要拨打 8000 提供错误代码。[1]", "negation"),
    ("vpn_zh", "请打开 EasyConnect，进入“设置 > 连接”。[1]", "name"),
    ("vpn_zh", "进入“高级选项”，选择“TCP 443 模式”。[1]", "quote"),
    ("vpn_zh", "速度大约慢四分之一，但几乎到处能用。[1]", "number"),
    ("vpn_zh", "我已经为您重置 VPN 连接。[1]", "promise"),
    ("vpn_zh", "请卸载显卡驱动并清理浏览器缓存。[1]", "words"),
    ("vpn_zh", "仍然失败请拨打 13800138000，并提供错误代码。[1]", "number"),
    ("printer", "PRN-22 means tray 2 is empty. [1]", "name"),
    ("printer", "PRN-21 means tray 3 is empty. [1]", "number"),
    ("printer", "Load A3 paper and close the tray firmly. [1]", "name"),
    ("printer", "Load at least 500 sheets and close the tray firmly. [1]", "number"),
    ("printer", "The queue HS-Print continues by itself after 30 minutes. [1]", "number"),
    ("printer", "The queue HS-Print does not continue by itself after 30 seconds. [1]", "negation"),
    ("printer", "Pull jammed paper out backwards. [1]", "negation"),
    ("printer", "Order toner 21 for the printer. [1]", "number"),
    ("password_zh", "打开 https://password.haisong.evil.example 设置新密码。[1]", "url"),
    ("password_zh", "打开 https://password.haisong.example.evil.example 设置新密码。[1]", "url"),
    ("password_zh", "新密码至少 8 位。[1]", "number"),
    ("password_zh", "新密码最多 12 位。[1]", "number"),
    ("password_zh", "新密码可以与最近 5 次的密码相同。[1]", "negation"),
    ("password_zh", "重置后 15 小时内生效。[1]", "number"),
    ("password_zh", "重置后十六分钟内生效。[1]", "number"),
    ("password_zh", "连续输错三次，账号锁定 30 分钟。[1]", "number"),
    ("password_zh", "连续输错 6 次，账号锁定 30 天。[1]", "number"),
    ("password_zh", "请把新密码发送到 help@haisong.example。[1]", "url"),
    ("password", "The new password works within 15 seconds. [1]", "number"),
    ("password", "Use at least eight characters. [1]", "number"),
    ("password", "It can be one of your last 5 passwords. [1]", "negation"),
    ("password", "It can be unlocked by phone. [1]", "negation"),
    ("password", "After 6 wrong attempts the account is unlocked for 30 minutes. [1]", "negation"),
    ("password", "Open https://password.haisong.example/reset?token=1 and verify. [1]", "url"),
    ("laptop", "Your line manager approves up to CNY 50,000. [1]", "number"),
    ("laptop", "Your line manager approves up to USD 5,000. [1]", "number"),
    ("laptop", "A standard laptop arrives within 10 days. [1]", "number"),
    ("laptop", "Returns are accepted until 31 March 2027. [1]", "date"),
    ("laptop", "Returns are accepted until 31 January 2028. [1]", "date"),
    ("laptop_zh", "5000 元以内不由直属经理审批。[1]", "negation"),
    ("laptop_zh", "标准机型 10 天内到货。[1]", "number"),
    ("laptop_zh", "退货截至2月31日。[1]", "date"),
    ("laptop_zh", "5 万元以内由直属经理审批。[1]", "number"),
    ("hours", "The desk is open Monday to Saturday, 9:00-18:00. [1]", "date"),
    ("hours", "The desk is open Monday to Friday, 9:00-20:00. [1]", "date"),
    ("hours", "The desk is open Monday to Friday from 9 pm. [1]", "date"),
    ("hours", "Write to help@haisong.example at any time. [1]", "url"),
    ("hours_zh", "服务台周一至周日上午9点到下午6点。[1]", "date"),
    ("hours_zh", "服务台周一至周五上午8点半到下午6点。[1]", "date"),
    ("hours_zh", "紧急级别的首次响应是 30 秒。[1]", "number"),
    ("wifi", "Disable private addresses before you connect. [1]", "negation"),
    ("wifi", "Enable private addresses after you connect. [1]", "negation"),
    ("wifi", "Streaming is allowed. [1]", "negation"),
    ("wifi", "Guest codes are valid for one week. [1]", "number"),
    ("mail_zh", "附件不超过 50 MB。[1]", "number"),
    ("mail_zh", "停用“自动归档”可把两年以前的邮件移到存档。[1]", "negation"),
    ("mail_zh", "删除的邮件保留 30 天，之后可以恢复。[1]", "negation"),
    ("mail_zh", "启用“自动归档”可把三年以前的邮件移到存档。[1]", "number"),
    ("export", "Run `report --all --format xlsx`. [1]", "quote"),
    ("export", "You need version 7.1 or later. [1]", "number"),
    ("export", "The export keeps 15 million rows. [1]", "number"),
]

UNSUPPORTED_ACROSS: list[tuple[str, str, str]] = [
    ("vpn", "错误 810 表示酒店网络拦截了 VPN 端口。[1]", "number"),
    ("vpn", "打开 EasyConnect，选择“设置”。[1]", "name"),
    ("password_zh", "The new password works within 15 hours. [1]", "number"),
    ("password_zh", "Use at most 12 characters. [1]", "number"),
    ("laptop", "标准笔记本在 10 天内到货。[1]", "number"),
    ("laptop", "标准笔记本不会到货。[1]", "negation"),
    ("hours", "服务台周一至周六 9:00 至 18:00 开放。[1]", "date"),
    ("hours_zh", "The desk is open Monday to Friday from 9:00 to 19:00. [1]", "date"),
    ("mail_zh", "Deleted mails are kept for 30 weeks. [1]", "number"),
]
