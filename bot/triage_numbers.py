"""How many people, shops or machines a message names, in digits or words, Chinese or English."""

from __future__ import annotations

import re

from bot.triage_text import fold

_SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_EN_UNITS = {word: value for value, word in enumerate(_SMALL.split())}
_EN_UNITS |= {word: 10 * value for value, word in enumerate(_TENS.split(), start=2)}
_EN_WORDS = "|".join(sorted(_EN_UNITS, key=len, reverse=True))
_EN_NOUNS = """
people persons? users? staff employees? colleagues? agents? students? pupils? customers? clients? developers?
engineers? nurses? doctors? patients? trainees? guests? shops? stores? branches offices? sites? members?
passengers? lawyers? solicitors? workers? operators? drivers? complaints? tenants? machines? pcs computers?
devices? terminals? workstations? depots? teachers? visitors? subscribers? restaurants? starters? hires?
joiners? accountants? analysts? callers? mailboxes accounts? households? kiosks? pharmacies clinics schools?
families hotels? farms? vehicles? buses trucks? testers? dispatchers? buyers? residents? salespeople
reps us them viewers? sellers? merchants? designers? departments?
"""
_PEOPLE_EN = "|".join(_EN_NOUNS.split())
# "ten minutes from home" counts no homes, "Workspace 2010 to an Office site" no offices.
_NOT_BETWEEN = (
    "minutes? hours? days? weeks? months? years? seconds? times percent pages "
    "an? the to for in on at of with and or by from when via as is if that this your our their server"
)
_BETWEEN_EN = r"(?:(?!(?:" + "|".join(_NOT_BETWEEN.split()) + r")\b)\w+\s+){0,2}?"
_COUNT_EN = re.compile(
    r"(?<![\w.#-])(?P<digits>\d{1,3}(?:,\d{3})+|\d{1,7}k?)\+?(?:\s+or\s+so)?\s+"
    + _BETWEEN_EN
    + r"(?:"
    + _PEOPLE_EN
    + r")\b"
)
_WORDS_EN = re.compile(
    r"\b(?:(?P<vague>dozens|hundreds|thousands|millions)|(?P<dozen>a dozen|two dozen)|"
    r"(?:a |several |few |(?P<lead>" + _EN_WORDS + r")[ -])?(?P<big>hundred|thousand)|"
    r"(?P<tens>" + _TENS.replace(" ", "|") + r")-(?P<ones>one|two|three|four|five|six|seven|eight|nine)"
    r"|(?P<word>" + _EN_WORDS + r"))\s+(?:of\s+)?" + _BETWEEN_EN + r"(?:" + _PEOPLE_EN + r")\b"
)
_YEAR = re.compile(r"19[89]\d|20[0-3]\d")
_SIZED_EN = re.compile(
    r"\((\d{1,5}) (?:people|users|of us|staff)\)|\b(?:people|users|staff|starters|hires), (\d{1,5}) of them"
)
_ZH_DIGITS = {ch: i for i, ch in enumerate("零一二三四五六七八九")} | {"两": 2, "俩": 2}
_ZH_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10000}
_ZH_NOUNS = """
用户 客户 同事 员工 顾客 客人 学生 师生 考生 老师 教师 同学 患者 病人 医生 护士 司机 骑手 乘客 旅客 居民 住户 业主
租户 租客 商户 会员 玩家 观众 读者 家长 家属 家庭 职工 工人 队员 店员 会计 律师 业务员 工程师 研发 开发 买家 坐席 座席
新员工 号人 口人 来人 多人 人 户 门店 分店 网点 家店 药店 学校 诊所 酒店 餐厅 分公司 站点 柜台 车间 产线 车辆 工位
电脑 机器 终端 服务器 设备 邮箱 账号 账户 投诉 台
"""
_PEOPLE_ZH = "|".join(_ZH_NOUNS.split())
_COUNT_ZH = re.compile(
    r"(?P<n>\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?万?|[上成好几数]?[零一二两三四五六七八九十百千万]+)"
    r"(?P<vague>[多余几来])?(?P<scale>[十百千万])?\s*(?:个|名|位|家|台|间|条|号|项)?(?:新|在职|付费)?(?:"
    + _PEOPLE_ZH
    + r")"
)
_NOT_PEOPLE_ZH = re.compile(r"^(?:一人|一个人|一台|两台|一家店)$")


def count_affected(text: str) -> tuple[int | None, str, int]:
    """The largest number of people, shops or machines named, its words, and where they begin (-1 for none)."""
    folded = fold(text)
    best: tuple[int | None, str, int] = (None, "", -1)
    for match, value in (*_english(folded), *_chinese(folded)):
        if value is not None and value >= 1 and (best[0] is None or value > best[0]):
            best = (value, text[match.start() : match.end()], match.start())
    return best


def _english(text: str) -> list[tuple[re.Match[str], int | None]]:
    found: list[tuple[re.Match[str], int | None]] = []
    if not re.search(r"[a-z]", text):
        return found
    for match in _COUNT_EN.finditer(text):
        digits = match["digits"].replace(",", "")
        if _YEAR.fullmatch(match["digits"]) and not match.group().endswith(
            ("s", "people", "staff", "personnel", "them")
        ):
            continue  # "Server 2007 site", "the 2016 user guide"
        found.append((match, int(digits[:-1]) * 1000 if digits.endswith("k") else int(digits)))
    for match in _SIZED_EN.finditer(text):
        found.append((match, int(match[1] or match[2])))
    for match in _WORDS_EN.finditer(text):
        found.append((match, _english_value(match)))
    return found


def _english_value(match: re.Match[str]) -> int:
    if match["vague"]:
        return {"dozens": 24, "hundreds": 200, "thousands": 2000, "millions": 2_000_000}[match["vague"]]
    if match["dozen"]:
        return 24 if match["dozen"].startswith("two") else 12
    if match["big"]:
        lead = _EN_UNITS.get(match["lead"] or "one", 1)
        return lead * (100 if match["big"] == "hundred" else 1000)
    if match["tens"]:
        return _EN_UNITS[match["tens"]] + _EN_UNITS[match["ones"]]
    return _EN_UNITS[match["word"]]


def _chinese(text: str) -> list[tuple[re.Match[str], int | None]]:
    found: list[tuple[re.Match[str], int | None]] = []
    for match in _COUNT_ZH.finditer(text):
        if not _NOT_PEOPLE_ZH.match(match.group()):
            found.append((match, chinese_number(match["n"]) * _ZH_SCALES.get(match["scale"] or "", 1)))
    return found


_RANGE = re.compile(r"([一二两三四五六七八九])[二三四五六七八九](?=[十百千万])")


def chinese_number(words: str) -> int:
    """Return 320 for 三百二十, 12 for 十二, 200 for 好几百 or 上百 (a vague count reads as twice its unit)."""
    plain = words.replace(",", "")
    if plain[0].isdigit():
        return int(float(plain[:-1]) * 10000) if plain.endswith("万") else int(float(plain))
    plain = _RANGE.sub(r"\1", plain)  # 六七十 reads as 六十
    total = section = digit = 0
    vague = plain[0] in "好几数上成"
    for ch in plain:
        if ch in _ZH_DIGITS:
            digit = _ZH_DIGITS[ch]
        elif ch in _ZH_SCALES:
            scale = _ZH_SCALES[ch]
            if scale == 10000:
                total, section, digit = (total + section + digit or (2 if vague else 1)) * scale, 0, 0
            else:
                section, digit = section + (digit or (2 if vague and not section else 1)) * scale, 0
    return total + section + digit
