"""The words of a message and the pairs of neighbours among them: what the learned part of triage reads beside the embedding.

Function words stay: "not", "all" and "still" decide more often than the nouns do.
"""

from __future__ import annotations

from bot.triage_text import Message, Token


def grams(message: Message) -> dict[str, tuple[int, int]]:
    """Each word (stemmed, folded) and each pair of neighbours in one clause -> the first and last token of its first place."""
    found: dict[str, tuple[int, int]] = {}
    tokens = message.tokens
    for at, token in enumerate(tokens):
        if not _is_word(token):
            continue
        found.setdefault(token.text, (at, at))
        if at + 1 < len(tokens) and tokens[at + 1].clause == token.clause and _is_word(tokens[at + 1]):
            found.setdefault(f"{token.text}_{tokens[at + 1].text}", (at, at + 1))
    return found


def _is_word(token: Token) -> bool:
    return token.text[0].isalnum()
