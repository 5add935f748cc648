"""How mail programs mark what is not new: header labels, dividers and lines like "On Monday, X wrote:", in 25 languages.

The labels and verbs are those the programs write themselves (Outlook, Gmail, Apple Mail, Thunderbird, QQ, NetEase,
Foxmail, DingTalk, Feishu, WeCom, Zoho, Proton, Yahoo, K-9). Every pattern here is used on one line of at most MAX_LINE
characters, so that the time taken grows with the text and no faster.
"""

from __future__ import annotations

import re
from enum import StrEnum

from channels.email.phrases import any_of

MAX_LINE = 500  # characters; a longer line is prose, never a mark

# Put into the text by html.py, where the page itself says what a line is. Taken out of every mail before it is read.
HISTORY = "\ue0f0"  # alone on a line: all that follows was there before
SIGNATURE = "\ue0f1"  # before a line: it belongs to a signature
ATTRIBUTION = "\ue0f2"  # before a line: it says who wrote what is quoted next
OWN_MARKS = re.compile("[\ue0f0-\ue0ff]")


class Role(StrEnum):
    FROM = "from"
    DATE = "date"
    TO = "to"
    COPY = "copy"
    SUBJECT = "subject"
    OTHER = "other"


_LABELS = {
    Role.FROM: """
        from 发件人 发信人 寄件者 寄件人 發件人 發件者 de von da van fra från od от від lähettäjä kimden
        gönderen feladó 差出人 送信者 보낸사람 발신 odesílatel odosielateľ nadawca absender expéditeur
        remitente remetente mittente afzender avsender afsender отправитель από מאת من pengirim dari từ จาก
        saatja nuo pošiljatelj pošiljatel
    """,
    Role.DATE: """
        date sent senttime sendtime sentat sentdate datesent 发送时间 发送日期 发信时间 日期 时间 寄件日期
        傳送日期 傳送時間 已傳送 寄件時間 發送時間 發送日期 時間 寄送日期 envoyé envoyéle gesendet datum
        inviato inviatoil data datadiinvio verzonden sendt dato skickat enviado enviadoel enviadaem
        enviadoem enviada fecha fechadeenvío wysłano wysłane отправлено дата надіслано lähetetty päivämäärä
        päiväys gönderildi gönderilen gönderilmetarihi tarih elküldve elküldvedátum dátum odesláno odoslané
        trimis dată poslano 送信日時 日付 日時 보낸날짜 날짜 ημερομηνία εστάλη נשלח תאריך تاريخ التاريخ
        đãgửi ngày tanggal dikirim ส่ง วันที่ saadetud
    """,
    Role.TO: """
        to 收件人 收信人 收件者 à a para an aan til till do кому vastaanottaja kime címzett komu pro către
        catre za 宛先 受信者 받는사람 수신 προς אל إلى đến kepada ถึง destinataire destinatario destinatari
        empfänger ontvanger odbiorca
    """,
    Role.COPY: """
        cc bcc 抄送 抄送人 抄送者 副本 副本抄送 密件副本 密送 kopie copie copia cópia копия копія dw kopia
        kopi kopio bilgi másolat másolatotkap 参照 참조 κοιν cópiacc ccn cci
    """,
    Role.SUBJECT: """
        subject 主题 主旨 主題 标题 邮件主题 objet sujet betreff oggetto onderwerp emne ämne asunto assunto
        temat тема aihe konu tárgy předmět predmet subiect 件名 제목 θέμα נושא الموضوع chủđề subjek perihal
        เรื่อง teema
    """,
    Role.OTHER: """
        reply-to replyto 回复 答复 回覆地址 回复地址 antwortan répondreà respondera risposta rispondia
        antwoordaan importance priority 重要性 优先级 attachments 附件 anlagen piècesjointes allegati
        bijlagen adjuntos wichtigkeit sensitivity
    """,
}
LABELS: dict[str, Role] = {label: role for role, labels in _LABELS.items() for label in labels.split()}
_LABEL = re.compile(r"[\s>*_|]{0,12}([^\W\d_][^:：|\t<>@]{0,28}?)[\s*_]{0,6}[:：|\t](.*)")

# Labels in the middle of a line: Coremail and some phones put all of a header on one.
_IN_LINE = re.compile(
    r"(发件人|發件人|寄件者|发送时间|发送日期|日期|收件人|收件者|抄送|主题|主旨)\s?[:：]|\b(From|Sent|Date|To|Subject):"
)

_ORIGINAL = any_of(
    r"""
    原始邮件 / 原始郵件 / 原始信息 / 原始訊息 / 邮件原文 / 邮件原件 / 原邮件 / 回复的原邮件 / 回復的原郵件 / 回复的邮件
    original(?: message| mail| e-?mail)? / replied message / reply(?: to)? message
    ursprüngliche nachricht / original-?nachricht / message d['’]origine / message original
    mensaje original / mensagem original / messaggio originale / oorspronkelijk bericht
    oprindelig meddelelse / ursprungligt meddelande / opprinnelig melding / alkuperäinen viesti
    orijinal (?:mesaj|ileti) / özgün ileti / eredeti üzenet / původní zpráva / pôvodná správa
    wiadomość oryginalna / oryginalna wiadomość / исходное сообщение / оригинальное сообщение
    元のメッセージ / 원본 ?메[시일]지?
    """
)
_FORWARDED = any_of(
    r"""
    转发的?(?:原)?邮件(?:信息)? / 转发的?(?:消息|信息) / 已转发的?邮件 / 轉寄的?(?:郵件|訊息) / 轉發的?郵件
    forwarded (?:message|mail|by .{1,60}) / fwd / weitergeleitete nachricht / message transféré / mensaje reenviado
    messaggio inoltrato / mensagem encaminhada / doorgestuurd bericht / videresendt meddelelse
    vidarebefordrat meddelande / пересылаемое сообщение / przekazana wiadomość / 転送メッセージ / 전달된 메[시일]지?
    """
)
_DASH = r"[-‐–—_=*─]"
_WRAPPED = re.compile(
    rf"[\s>*]{{0,12}}{_DASH}{{2,80}}\s{{0,4}}(?P<words>\S[^\n]{{1,200}}?)\s{{0,4}}{_DASH}{{2,80}}(?P<rest>.*)", re.I
)
_IS_ORIGINAL = re.compile(rf"(?:{_ORIGINAL})\s*[:：]?", re.I)
_IS_FORWARDED = re.compile(rf"(?:{_FORWARDED})\s*[:：]?", re.I)
_BEGIN_FORWARDED = any_of(
    r"""
    begin forwarded message / 开始转发的邮件 / 开始转发的消息 / 以下是转发的邮件 / 下面是被转发的邮件 / 以下是轉寄的郵件
    開始轉寄郵件 / 開始轉寄的郵件 / anfang der weitergeleiteten (?:nachricht|e-mail)
    début du (?:message (?:réexpédié|transféré)|réexpédié) / inizio (?:del )?messaggio inoltrato
    inicio del mensaje reenviado / begin doorgestuurd bericht
    """
)
_BARE_FORWARD = re.compile(rf"[\s>]{{0,12}}(?:{_BEGIN_FORWARDED})\s?[:：]\s*$", re.I)
_RULE = re.compile(rf"[\s>]{{0,12}}(?:{_DASH}\s?){{3,200}}\s*$")

_WROTE = any_of(
    r"""
    wrote / writes / 写道 / 寫道 / 写到 / 寫到 / 来信 / 來信 / 撰写 / 撰寫 / schrieb / a écrit / escribió / escreveu / ha scritto
    scritto / scrive / schreef / geschreven / skrev / skrifaði / napisał(?:\(a\)|a)? / pisze / napsal(?:\(a\)|a)?
    napísal(?:\(a\)|a)? / написала? / написал\(а\) / написав(?:\(ла\))? / пише / пишет / kirjoitti / yazdı / írta / a scris
    έγραψε / כתבה? / كتب / menulis / đã viết / さん(?:は|が)書きました / のメール / 작성 / 님이 작성 / rašė / kirjutas / napisao
    """
)
_VERB = re.compile(rf"(?:{_WROTE})\s?[:：]?\s*(?:[-‐–—]{{2,20}}\s*)?$", re.I)
_WROTE_INSIDE = re.compile(rf"\b(?:{_WROTE})\b", re.I)
_COLON = re.compile(r"[:：]\s*$")
MAIL = re.compile(r"[\w.+\-*=]{1,80}@[\w\-*.…]{1,120}|\(at\)|＠")
_BRACKETED = re.compile(r"[<(\[]\s?[^\s<>]{0,80}(?:@|＠)")
_TOLD = re.compile(
    r"[你您我]|客服|邮件|郵件|回复|回覆|\b(?:you|your|we|our|my|i|e-?mail|message|letter)\b", re.I
)  # somebody tells it
TIME = re.compile(r"\d{1,2}\s?[:.：h]\s?\d{2}|\d{1,2}\s?(?:[ap]\.?m\b|uhr\b|点|點|时|時)|[上下]午", re.I)
_YEAR = re.compile(r"(?:19|20)\d\d|\d{1,2}[./]\d{1,2}[./]\d{2}")
_START = re.compile(
    r"(?:"
    r"(?:on|at|le|am|el|em|il|op|den|dnia|w dniu|dne|dňa|pe|på|vào|în|no dia|pada|в|у|от)\s.{0,40}?\d"
    r"|[在于於]\s?.{0,20}?\d"
    r"|\d{1,4}\s?[-./年\s].{0,8}?\d"
    r"|(?:星期|周|週|[^\W\d_]{2,12}[,.]).{0,16}?\d.{0,40}?(?:\d{4}|\d:\d\d)"
    r"|[^\n]{1,80}?[(<\"].{0,80}?@"
    r"|[^\n]{1,80}?<\s*$"
    r"|[^\n]{1,60}?[于於在]\s?\d{4}\s?[年/-])",
    re.I,
)
QUOTED = re.compile(r"\s{0,4}(?:[A-Z]{0,2}>|＞|&gt;)")


def header_of(line: str) -> tuple[Role, str] | None:
    """The role and the value of a line like "From: X", "**发件人：** X" or "| Date | X |"; None for any other line."""
    match = _LABEL.match(line[:MAX_LINE])
    if match is None:
        return None
    role = LABELS.get("".join(match[1].split()).casefold())
    return None if role is None else (role, match[2].strip(" *_|\t"))


def roles_in(line: str) -> int:
    """How many different header labels stand in one line."""
    return len({(one[1] or one[2]) for one in _IN_LINE.finditer(line[:MAX_LINE])})


def is_rule(line: str) -> bool:
    """Whether the line is nothing but dashes, underscores, stars."""
    return len(line) <= MAX_LINE and _RULE.match(line) is not None


def divider(line: str) -> str:
    """What a divider says: "original", "forwarded", "other" (dashes around words), or "" for any other line."""
    if len(line) > MAX_LINE:
        return ""
    if _BARE_FORWARD.match(line):
        return "forwarded"
    match = _WRAPPED.match(line)
    if match is None:
        return ""
    words = match["words"].strip(" *:：")
    if _IS_FORWARDED.fullmatch(words):
        return "forwarded"
    if _IS_ORIGINAL.fullmatch(words):
        return "original"
    return "" if match["rest"].strip() else "other"


def is_bare_original(line: str) -> bool:
    """Whether the line is "Original" or "原始邮件" without dashes: a mark only above a header."""
    return len(line) <= 40 and _IS_ORIGINAL.fullmatch(line.strip(" >*\t:：")) is not None


def starts_attribution(line: str) -> bool:
    """Whether an "On Monday, X <x@y> wrote:" may begin here: with a date, an address, or 在/于 and a number."""
    return len(line) <= MAX_LINE and _START.match(line.lstrip(" \t-‐–—")) is not None


def may_end_attribution(line: str) -> bool:
    """Whether a line ends as an attribution does; quick to tell."""
    return _COLON.search(line[-8:]) is not None or _VERB.search(line[-60:]) is not None


def ends_attribution(joined: str) -> bool:
    """Whether what began as an attribution is complete: a verb of writing at the end, or "<address>", date and colon."""
    if len(joined) > MAX_LINE:
        return False
    if _VERB.search(joined[-60:]):
        return True
    return bool(
        _COLON.search(joined[-8:]) and _BRACKETED.search(joined) and (TIME.search(joined) or _YEAR.search(joined))
    )


def tells_writer(line: str) -> bool:
    """Whether a line before a quote names its writer and date in another order: "X wrote on 05/03/2024 10:12:"."""
    line = line[:MAX_LINE]
    dated = _YEAR.search(line) and TIME.search(line)
    return bool(_COLON.search(line[-8:]) and dated and _WROTE_INSIDE.search(line))


def convinces(joined: str) -> bool:
    """Whether an attribution is one even if no quoted line follows: it has a date, and an address or a time and a name."""
    dated = _YEAR.search(joined) is not None
    timed = TIME.search(joined) is not None
    if MAIL.search(joined):
        return dated or timed
    return dated and timed and _TOLD.search(joined) is None
