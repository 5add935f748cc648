"""The five links under a mail that says a ticket is solved: signed, for this ticket and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeSerializer

from base.i18n import translate
from desk.csat import SCORE_NAMES, SCORES


@dataclass(frozen=True, slots=True)
class Vote:
    """What a link stands for."""

    ticket: str  # public id
    score: int


@dataclass(frozen=True, slots=True)
class ScoreLink:
    score: int
    name: str
    url: str


class RatingLinks:
    """Makes and reads them; nobody else can make one."""

    def __init__(self, secret: str, base_url: str) -> None:
        self._signer = URLSafeSerializer(secret, salt="rating")
        self._base = base_url

    def url(self, vote: Vote) -> str:
        return f"{self._base}/rate/{self._signer.dumps([vote.ticket, vote.score])}"

    def read(self, token: str) -> Vote | None:
        """None for a link that is not ours."""
        try:
            ticket, score = self._signer.loads(token)
        except (BadSignature, ValueError, TypeError):
            return None
        return Vote(str(ticket), int(score))

    def scale(self, ticket: str, lang: str) -> tuple[ScoreLink, ...]:
        """One link for each score, the worst first; () without a ticket."""
        if not ticket:
            return ()
        return tuple(ScoreLink(n, translate(SCORE_NAMES[n], lang), self.url(Vote(ticket, n))) for n in SCORES)
