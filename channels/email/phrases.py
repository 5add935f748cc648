"""The words by which signatures, footers and closings are known, by language; each line lists alternatives.

They are regular expressions without nested repetition, matched against lines of bounded length.
"""

from __future__ import annotations

import re


def any_of(phrases: str) -> str:
    """One pattern for all alternatives, which stand on lines of their own or between " / "."""
    return "|".join(one.strip() for line in phrases.strip().splitlines() for one in line.split(" / "))


def compiled(phrases: str, before: str = "", after: str = "") -> re.Pattern[str]:
    """`any_of`, compiled without regard to case, between two patterns."""
    return re.compile(f"{before}(?:{any_of(phrases)}){after}", re.I | re.S)


_DEVICE = "|".join(
    "iphone ipad ipod android outlook foxmail magic mate nova redmi xiaomi huawei honor oppo vivo samsung galaxy blackberry "
    "安卓 手机 手機 邮箱 郵箱 郵件 邮件 企业微信 企業微信 微信 钉钉 飞书 小米 华为 荣耀 三星 大师".split()
)
_APP = (
    r"(?:my|mobile|a phone|the phone|\W?mail\W|mail\b|outlook|yahoo|gmail|proton|airmail|mailbox|mailspring|spark|"
    r"superhuman|windows|zoho|blackberry|galaxy|samsung|iphone|ipad|android|huawei|xiaomi|k-9|bluemail|spike|boxer|nine|"
    r"\w+(?:'s)? (?:mobile|text messag)|aol|icloud|thunderbird|em client|canary|fairmail|tutanota|tuta|hey\b|fastmail|"
    r"workspace|smartphone|handy)"
)
_NOT_SAID = (
    "(?:(?![的不无没無沒能会可报错]).)"  # a sentence about sending has one of these; a line added by a program has not
)
SENT_FROM = compiled(
    rf"""
    (?:sent|mailed|written) (?:from|via|with|by|using|on) {_APP}.{{0,120}}
    (?:sent|mailed) from (?:the |a )?\w+ (?:device|phone|mobile|mail|app)\b.{{0,60}}
    from my (?:{_DEVICE}|phone|mobile|cell|device|tablet|smartphone).{{0,60}} / [\w']{{2,20}} from (?:my )?mobile
    (?:get|download) \W?outlook for .{{0,120}}
    envoyé (?:depuis|de) (?:mon|ma|l'|l’).{{0,60}} / envoyé à partir de.{{0,60}} / télécharge[rz] outlook.{{0,80}}
    von meine[mr] .{{0,60}} gesendet / gesendet (?:von|mit) .{{0,60}} / holen sie sich outlook.{{0,80}}
    diese nachricht wurde von mein.{{0,100}}
    enviado (?:desde|a partir de|do|de) (?:mi|meu|o|m[ií]o) .{{0,60}} / obtener outlook.{{0,80}}
    inviato (?:da|dal) .{{0,60}} / verzonden (?:vanaf|met|via) .{{0,60}} / skickat från .{{0,60}} / sendt fra .{{0,60}}
    lähetetty .{{0,60}} / wysłan[eo] z .{{0,60}} / отправлено (?:с|из) .{{0,60}} / надіслано з .{{0,60}}
    odesláno z .{{0,60}} / iphone(?:から送信|に.{{0,10}}送信).{{0,10}} / (?:나의|내) .{{0,20}}에서 (?:보냄|전송)
    (?:发自|發自|寄自|来自|來自|发送自|傳送自)\s?(?:我的|新浪|网易|網易)?\s?(?:\S{{0,16}}\s?)?(?:{_DEVICE}){_NOT_SAID}{{0,24}}
    (?:发自|發自)我的.{{1,30}} / [从從由]\s?我的{_NOT_SAID}{{1,24}}(?:发送|傳送|寄出|发出)
    [从從由]\s?{_NOT_SAID}{{0,16}}(?:{_DEVICE}){_NOT_SAID}{{0,16}}(?:发送|傳送|寄出|发出)
    (?:获取|取得|下载|下載)\s?(?:适用于\s?(?:ios|android)\s?的\s?outlook|outlook (?:for )?(?:ios|android)).{{0,80}}
    (?:使用|通过|透過|通過)\s?(?:proton|zoho|outlook|foxmail|airmail|spark|qq|网易|網易|飞书|钉钉)\s?{_NOT_SAID}{{0,30}}(?:发送|傳送|寄出)
    """,
    before=r"\W{0,4}",
    after=r"[\s.。!！>)*|]{0,8}$",
)

_MAIL = r"(?:电子邮件|電子郵件|邮件|郵件|信件|函件|电邮|電郵|e-?mail)"
LEGAL = compiled(
    rf"""
    confidential(?:ity)?\b.{{0,400}}?(?:intended|recipient|privileged|addressee|disclos)
    (?:intended|named) (?:recipient|addressee) / disclaimer\s?[:：] / privileged.{{0,60}}confidential
    (?:this|the) (?:e-?mail|message|communication).{{0,60}}(?:files|attachments?).{{0,200}}?(?:confidential|privileged|intended)
    consider the environment / think before (?:you )?print
    (?:e-?mail|message).{{0,60}}(?:scanned|checked).{{0,40}}(?:virus|malware|dangerous)
    virus-free / checked (?:for viruses )?by avast
    (?:click|visit|go|reply).{{0,60}} to unsubscribe / to unsubscribe.{{0,60}}(?:click|visit|reply|send|go to|follow|https?:)
    diese e-?mail.{{0,80}}vertraulich / ce (?:message|courriel|mail).{{0,80}}confidentiel
    este (?:correo|mensaje|e-?mail).{{0,80}}confidencial
    (?:本|此|該|该)\s?{_MAIL}.{{0,80}}?(?:保密|机密|機密|秘密|专有|授权|授權|指定的?收|仅供|僅供|法律责任|误收|誤收|系统自动)
    (?:本|此)\s?{_MAIL}.{{0,30}}(?:扫描|检测|檢測|掃描|掃瞄).{{0,20}}病毒
    (?:^|[【\[*\s])(?:重要)?(?:保密|免责|免責|机密|機密|法律|环保)(?:声明|聲明|提示|条款|提醒)\s?[:：】\]]
    (?:如果|若|如)(?:您|你|阁下|閣下)?(?:不是|并非|並非|非)(?:本{_MAIL})?的?(?:指定|预期|预定|目标|正确|真正|上述)?的?(?:收件人|收件者|接收者|接收人)
    (?:误收|誤收|错收|錯收)(?:了|到)?(?:本|此|這封|这封|该)
    (?:打印|列印)(?:此|本)?(?:邮件|郵件|前).{{0,20}}(?:环保|環保|环境|環境)
    (?:爱护|保护|愛護|保護)(?:环境|環境|地球).{{0,20}}(?:打印|列印|纸)
    """
)

CLOSING_ZH = compiled(
    r"""
    此致 / 敬礼 / 敬禮 / 敬上 / 谨上 / 謹上 / 谨启 / 敬启 / 敬具 / 祝好 / 祝：? / 商祺
    祝您?(?:生活|工作|身体|身體|商祺|万事|一切|安好|顺利|順利|愉快|健康|您?好|好运).{0,16}
    (?:顺|順|敬|即|谨|恭|并|並|此)?(?:颂|頌|祝|请|請)\s?(?:商祺|商安|时祺|時祺|春祺|夏安|夏祺|秋祺|秋安|冬安|台安|台祺|近安|近祺|大安|钧安|钧祺|编安|文祺|撰安|教安|研安|工作顺利|工作順利|顺利|順心|安康|平安).{0,8}
    顺颂 / 順頌 / \S{2,5}\s?(?:敬上|谨上|謹上|敬启|敬啟) / (?:诚挚|真诚|誠摯)?的?问候
    best(?: regards| wishes)? / (?:(?:kind|warm|best) )?regards / thanks ?(?:&|and) ?(?:best )?regards / b\.?r\.? / brgds
    yours (?:sincerely|faithfully|truly) / sincerely(?: yours)?
    (?:(?:best|kind|warm) )?regards\s?/\s?(?:祝好|此致|顺颂商祺)
    """,
    before=r"\W{0,3}",
    after=r"[\s,，.。!！~～:：]{0,4}$",
)
CLOSING_LATIN = compiled(
    r"""
    (?:with )?(?:(?:my|our) )?(?:(?:best|kind|kindest|warm|warmest|many|very) ){0,2}(?:regards|wishes) / best / rgds / brgds
    (?:thanks|thank you|cheers),? ?(?:&|and|with) ?(?:(?:best|kind) )?regards
    yours (?:sincerely|faithfully|truly) / sincerely(?: yours)?
    mit (?:freundlichen|besten|lieben) grü(?:ß|ss)en / (?:freundliche|viele|beste|liebe) grü(?:ß|ss)e
    cordialement / bien à vous / (?:un )?saludos?(?: cordial(?:es)?)? / atentamente / atenciosamente
    cordiali saluti / met vriendelijke groet(?:en)? / med vänliga? hälsning(?:ar)?
    """,
    before=r"\W{0,3}",
    after=r"[\s,，.。!！:：]{0,4}$",
)

CONTACT = compiled(
    r"""
    [\w.+\-]{1,64}@[\w\-]{1,63}\.[\w.\-]{2,63} / (?:https?://|www\.)\S
    (?:^|[^\w])(?:tel|phone|mobile|mob|cell|fax|direct|office|ext|e-?mail|mail|web|website|skype|wechat|qq)\s?[.:：]\s?\S
    (?:^|[^\w])[mtpfew]\s?[:：]\s?\S
    (?:电\s*话|電\s*話|手\s*机|手\s*機|座机|直线|分机|传\s*真|傳\s*真|邮\s*箱|电邮|郵箱|電郵|微\s*信|网\s*址|網\s*址|官网|地\s*址|邮\s*编|总机|热线|公众号)\s?[:：]?\s?\S
    \+?\(?\d{2,4}\)?[\s.\-]?\d{3,4}[\s.\-]?\d{3,4}\b / (?<!\d)1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)
    """
)
TITLE = compiled(
    r"""
    公司 / 集团 / 集團 / 有限 / 经理 / 經理 / 主管 / 总监 / 總監 / 工程师 / 工程師 / 主任 / 专员 / 專員 / 助理 / 顾问 / 顧問
    教授 / 博士 / 部门 / 事业部 / [部处科室组司院]$ / 中心$ / 大学 / 大學 / 学院 / 学校 / 银行
    \b(?:inc|ltd|llc|gmbh|corp|co\.|company|manager|director|engineer|head of|president|founder|ceo|cto|cfo|assistant)\b
    \b(?:officer|department|dept|team|support|sales|consultant|analyst|specialist|lead|research|university|institute)\b
    """
)
# In the line above a card, these say that it is an answer.
ASKED_FOR = compiled(
    r"""
    [:：]\s*$ / 联系 / 聯絡 / 聯繫 / 电话 / 電話 / 手机 / 手機 / 地址 / 邮箱 / 郵箱
    寄到 / 寄给 / 寄給 / 收货 / 收貨 / 收件 / 信息如下 / 资料
    address / contact / call me / phone / number / reach (?:me|us) / details / (?:ship|deliver|send)(?:ed)?(?: it| them)? to\b
    """
)

# What a sender says above a mail that is only passed on, and where the answers are.
POINTS_BELOW = re.compile(
    any_of(
        r"""
        \bfyi\b / for your information / (?:see|read|check) (?:the )?(?:e-?mail |message |thread |mail |chain )?(?:below|attached)
        below (?:mail|e-?mail|message|thread) / as below / forward(?:ing|ed) (?:this|you|the|below|to you)
        见下 / 請見下 / 看下面 / 看下方 / 看以下 / 下面(?:是|这|的)邮件 / 下方(?:的)?邮件 / 以下(?:的)?(?:邮件|郵件)
        ^\W*@\s?fwd\s*$ / ^\W*(?:转发|轉寄|轉發)
        (?:转发|轉寄|轉發)(?:给|給|一下|如下|邮件|郵件|一封) / 如下(?:邮件)?[。：:]?\s*$
        """
    ),
    re.I | re.M,
)
ASKS = compiled(
    r"""
    please / pls\b / kindly / can you / could you / handle / look into / take care / help / thanks
    麻烦 / 麻煩 / 请 / 請 / 帮忙 / 幫忙 / 处理 / 處理 / 协助 / 協助 / 跟进
    跟進 / 查收 / 谢谢 / 謝謝 / 看看 / 看一下 / 看下 / 辛苦
    """
)
ANSWERS_BELOW = compiled(
    r"""
    (?:answers?|comments?|repl(?:y|ies)|responses?|notes?|see) .{0,40}?(?:in ?-?line|in (?:red|blue|green|colou?r)|below in)
    \binline below\b
    (?:回复|回覆|答复|答覆|批注|备注|標註|标注).{0,12}(?:红|紅|蓝|藍|绿|綠|彩)(?:色|字)
    [看见見]下.{0,12}(?:红|紅|蓝|藍|绿|綠|彩)(?:色|字)
    (?:红|紅|蓝|藍|绿|綠|彩)(?:色|字)(?:字体|字體|部分|文字)?.{0,4}(?:回复|回覆|答复|答覆|标注|標註|为我|是我)
    (?:回复|回覆|答复|答覆|批注|备注).{0,6}(?:在|见|見)(?:原文|邮件|郵件|下文|正文|下方|下面)
    在(?:原文|原邮件|下文|邮件)(?:中|里|內|内)?.{0,8}(?:回复|回覆|答复|答覆|批注|标注)
    """
)
