"""Whether a customer asks for a person, directly or not, in Chinese or English, with the words that say so.

An explicit wish is honoured in the same turn, so a doubtful case counts as a wish; what only looks like one (人工智能,
"human resources", "user agent", 不用转人工, a question about the product's own hand-over) does not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from base.i18n import N_
from bot.models import Reason
from bot.triage_lexicon import scan
from bot.triage_text import Hit, Message

_SAID = N_("Asks for a person: “{quote}”")
_CALL = N_("Asks to be called or visited: “{quote}”")
_TIRED = N_("Does not want to talk to the bot: “{quote}”")
_SIMILAR = N_("It reads like other messages that ask for a person.")
_SIGNS = ("said", "call", "tired", "word", "no", "about")
_SHORT = 25  # characters
LIKE_A_WISH = 0.35  # out of fold over the labelled messages, see evals/cases/triage
_PLAIN_TOKENS = 6
_LEAST_WORDS = 3  # "在吗" resembles every opening of a conversation
# What may stand beside the one word that names a person ("agent please", "我要人工呢").
_FILLER_WORDS = """
hi hello hey dear thanks please pls plz now asap a an the need want get give me i live real support to ok just
你 您 好 我 要 找 请 呢 吧 啊 来 个 的 转 接 给 叫 想 一 下 在 吗 哪 里
"""
_FILLERS = frozenset(_FILLER_WORDS.split())


def asks_for_person(text: str, likeness: float | None = None) -> Reason | None:
    """The reason when the message asks for a person, else None. About 0.2 ms for 300 characters; no model.

    likeness: how much the message reads like known wishes (Opinion.human), about 0 to 1; it knows what the phrases say
    (`wish_signs`) and decides, except over a message of a few words that is nothing but a phrase. None: phrases alone.
    """
    scanned = scan(text)
    message, hits = scanned.message, scanned.hits["human"]
    said = _by_phrase(message, hits)
    if likeness is None or (said is not None and len(message.tokens) <= _PLAIN_TOKENS):
        return said
    bare = sum(token.word not in _FILLERS for token in message.tokens) < _LEAST_WORDS
    if said is None and (bare or any(hit.concept in ("no", "about") for hit in hits)):
        return None  # it declines a person, asks about hand-over as such, or says next to nothing
    if likeness < LIKE_A_WISH:
        return None
    return said or Reason("human", "human_similar", "", _SIMILAR)


def wish_signs(text: str) -> npt.NDArray[np.float64]:
    """(11,) zeros and ones: which phrases about people stand in a message, what they come to, whether it is short."""
    scanned = scan(text)
    concepts = {hit.concept for hit in scanned.hits["human"]}
    said = _by_phrase(scanned.message, scanned.hits["human"])
    codes = (f"human_{name}" for name in ("said", "call", "tired"))
    return np.array(
        [
            said is not None,
            *(name in concepts for name in _SIGNS),
            *(said is not None and said.code == code for code in codes),
            len(text) < _SHORT,
        ],
        np.float64,
    )


def _by_phrase(message: Message, hits: tuple[Hit, ...]) -> Reason | None:
    refusals = [hit for hit in hits if hit.concept == "no"]
    about = {message.tokens[hit.first].sentence for hit in hits if hit.concept == "about"}
    for concept, msgid in (("said", _SAID), ("call", _CALL), ("tired", _TIRED)):
        for hit in hits:
            if hit.concept != concept:
                continue
            if concept != "tired" and _refused(message, hit, refusals):
                continue
            if message.tokens[hit.first].sentence in about:
                continue
            return Reason("human", f"human_{concept}", message.quote(hit.first, hit.last), msgid)
    return _single_word(message, hits)


def _refused(message: Message, hit: Hit, refusals: list[Hit]) -> bool:
    """Whether "no need", 不用 or the like stands before the wish in its clause ("不想跟机器人聊" refuses the bot)."""
    clause = message.tokens[hit.first].clause
    return any(
        no.first <= hit.first
        and message.tokens[no.first].clause == clause
        and not any(message.tokens[at].word in ("bot", "robot", "器") for at in range(no.first, hit.first + 1))
        for no in refusals
    )


def _single_word(message: Message, hits: tuple[Hit, ...]) -> Reason | None:
    """ "Operator", "agent!!", "this goes nowhere, human": a clause of a few words of which one names a person."""
    if any(hit.concept in ("no", "about") for hit in hits):
        return None
    for hit in hits:
        clause = message.tokens[hit.first].clause
        beside = [t for at, t in enumerate(message.tokens) if t.clause == clause and not hit.first <= at <= hit.last]
        if hit.concept == "word" and all(token.word in _FILLERS for token in beside):
            return Reason("human", "human_said", message.quote(hit.first, hit.last), _SAID)
    return None
