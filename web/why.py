"""From the record of an answer to the page "Why this answer?": every figure as words of the reader's language."""

from __future__ import annotations

import re
from dataclasses import replace

from base.i18n import N_, join_sentences
from bot.models import OutcomeKind
from bot.replay import Replayed
from bot.think import CHOOSE
from desk.models import CATEGORY_NAMES, URGENCY_NAMES, Category, Conversation, Sentiment, Urgency
from web import why_words as words
from web.answer_record import AnswerRecord, Candidate, Grounding, Quotation, Risk, Source, Standing
from web.markdown import plain_html, text_html
from web.person_views import Fact
from web.present import Presenter, choice_views
from web.views import EMPTY
from web.why_views import (
    CandidateView,
    GaugeView,
    QuoteView,
    RebuiltView,
    SearchView,
    StageView,
    WhyView,
)

LANGUAGES = {"en": "English", "zh": "中文"}
SHOWN = 3  # passages of a search that are open to see
CLOSE = {OutcomeKind.TICKET, OutcomeKind.OFFER}


def why_view(presenter: Presenter, talk: Conversation, found: AnswerRecord, replayed: Replayed | None) -> WhyView:
    """The whole page. replayed: what the record leads to today; None where that cannot be told."""
    return _Why(presenter, found).view(talk, replayed)


def explanation(presenter: Presenter, found: AnswerRecord) -> str:
    """The decision as one sentence in the reader's language."""
    reason = str(found.get("reason"))
    return presenter.t(words.REASONS.get(f"{reason}/{found.get('outcome')}") or words.REASONS.get(reason, reason))


class _Why:
    def __init__(self, presenter: Presenter, found: AnswerRecord) -> None:
        self._presenter, self._found, self.t = presenter, found, presenter.t

    def view(self, talk: Conversation, replayed: Replayed | None) -> WhyView:
        found, reply, asked = self._found, self._found.reply, self._found.asked
        outcome = OutcomeKind(found.get("outcome"))
        stages: dict[str, float] = found.get("milliseconds", {})
        return WhyView(
            back_url=f"/inbox/{talk.public_id}?view=all#turn-{reply.id}",
            subject=talk.subject or self.t(N_("New conversation")), subject_lang=talk.lang,
            asked_html=plain_html(asked.text) if asked else EMPTY, asked_lang=asked.lang if asked else talk.lang,
            said_html=text_html(reply.text), said_lang=reply.lang, time_iso=reply.created_at.isoformat(),
            time_text=self._presenter.moment(reply.created_at), outcome=outcome,
            outcome_name=self.t(words.OUTCOME_NAMES[outcome]), reason=explanation(self._presenter, found),
            notes=self._notes(outcome), gauge=self._gauge(), searched=self._searched(), searches=self._searches(),
            choices=choice_views(found.choices, found.chosen), quotes=tuple(map(self._quote, found.quotations)),
            grounding=(*self._grounding(found.grounding), *self._unsaid()), message=self._message(),
            urgency_reasons=tuple(self._presenter.reason(reason) for reason in found.get("reasons", ())),
            stages=self._stages(stages), total=_milliseconds(sum(stages.values())) if stages else "",
            versions=self._versions(), rebuilt=self._rebuilt(replayed),
        )  # fmt: skip

    def _notes(self, outcome: OutcomeKind) -> tuple[str, ...]:
        found, case = self._found, self._found.get("case", {})
        notes = []
        if found.get("reason") == "urgent" and found.queries:
            notes.append(words.FIRST_AID if found.get("writer") else words.NO_FIRST_AID)
        near = float(found.get("confidence", 0.0)) >= found.thresholds.clarify
        if outcome in CLOSE and found.queries and near and case.get("memory", {}).get("clarified"):
            notes.append(words.ASKED_BEFORE)
        if found.get("injection"):
            notes.append(words.INJECTION)
        return tuple(self.t(note) for note in notes)

    def _gauge(self) -> GaugeView | None:
        found, at = self._found, self._found.thresholds
        if not found.queries:
            return None
        sure = float(found.get("confidence", 0.0))
        level = "good" if sure >= at.answer else "warn" if sure >= at.clarify else "none"
        if str(found.get("action")).startswith(CHOOSE) and sure:
            reached = self.t(words.CHOSE)
        else:
            reached = self.t(words.LEVELS[level])
        answer = self.t(N_("answers from {percent}"), percent=percent(at.answer))
        clarify = self.t(N_("asks back from {percent}"), percent=percent(at.clarify))
        label = self.t(
            N_("Confidence {percent}: {words} ({answer}, {clarify})."),
            percent=percent(sure), words=reached, answer=answer, clarify=clarify,
        )  # fmt: skip
        today = N_("The record does not hold the thresholds of then; these are today's.")
        return GaugeView(
            _share(sure), _share(at.answer), _share(at.clarify), level, reached, answer, clarify, label,
            self._risk(found.risk), "" if at.recorded else self.t(today),
        )  # fmt: skip

    def _risk(self, risk: Risk | None) -> tuple[str, ...]:
        if risk is None:
            return (
                self.t(
                    N_("What risk the threshold stood for cannot be told any more: the fit {version} is not in use."),
                    version=self._found.get("fit"),
                ),
            )
        said = [
            self.t(
                N_("The aim behind the threshold: at most {aim} wrong among the answers given."),
                aim=percent(risk.promised),
            ),
            self.t(
                N_("Measured on labelled questions in this language: {wrong} of {answered} answers were wrong ({share}), "
                   "and with {sure} certainty it is at most {bound}."),
                wrong=risk.wrong, answered=risk.answered, share=percent(risk.wrong / risk.answered),
                sure=percent(risk.sure_to), bound=percent(risk.at_most),
            ),
        ]  # fmt: skip
        if not risk.kept:
            share_keeps = risk.wrong / risk.answered <= risk.promised
            near = N_("The measured share keeps the aim, but there were too few questions to be certain of it.")
            missed = N_("So the aim is missed here. Fit it to your own questions with “firstline calibrate”.")
            said.append(self.t(near if share_keeps else missed))
        return tuple(said)

    def _searched(self) -> tuple[Fact, ...]:
        found = self._found
        facts = [Fact(self.t(N_("Detected language")), LANGUAGES.get(found.lang, found.lang))]
        if action := str(found.get("action")):
            facts.append(Fact(self.t(N_("Button or what stands for it")), self._action(action)))
        if found.queries:
            way, _, version = str(found.get("understood")).partition("/")
            text = words.UNDERSTOOD.get(way, words.UNDERSTOOD[""])
            facts.append(Fact(self.t(N_("Understood")), self.t(text, version=version)))
        if len(found.queries) > 1:
            facts.append(Fact(self.t(N_("Questions in the message")), str(len(found.queries))))
        return tuple(facts)

    def _action(self, action: str) -> str:
        if not action.startswith(CHOOSE):
            return self.t(words.ACTIONS.get(action, action))
        chosen = action.removeprefix(CHOOSE)
        titles = [c.source.title for c in self._found.candidates if c.source.article_id == chosen]
        return self.t(N_("chose “{title}”"), title=titles[0]) if titles else self.t(N_("chose an article"))

    def _searches(self) -> tuple[SearchView, ...]:
        found, several, searches = self._found, len(self._found.queries) > 1, []
        for n, query in enumerate(found.queries):
            shown = [self._candidate(c) for c in found.candidates if c.query == n]
            first = max([SHOWN, *(c.rank for c in shown if c.quoted or c.offered)])
            sure = percent(found.confidences[n]) if several and n < len(found.confidences) else ""
            searches.append(SearchView(query, sure, tuple(shown[:first]), tuple(shown[first:])))
        return tuple(searches)

    def _candidate(self, candidate: Candidate) -> CandidateView:
        source, action = candidate.source, f"{CHOOSE}{candidate.source.article_id}"
        offered = ""
        if any(action == offer for _, offer in self._found.choices) and candidate.rank == self._first_of(source):
            chosen = self._found.chosen == action
            offered = self.t(N_("offered, and chosen by the customer") if chosen else N_("offered as a choice"))
        return CandidateView(
            candidate.rank, source.title, candidate.section, _url(source), source.lang,
            self.t(N_("version {number}"), number=source.version), f"{candidate.score:.3f}", _share(candidate.score),
            f"{candidate.similarity:.3f}", percent(candidate.keyword), candidate.citations, candidate.opening, offered,
            self._standing(source),
        )  # fmt: skip

    def _first_of(self, source: Source) -> int:
        return min(c.rank for c in self._found.candidates if c.source.article_id == source.article_id)

    def _standing(self, source: Source) -> str:
        text = words.STANDING.get(source.standing, "")
        return self.t(text, now=source.version_now) if text else ""

    def _quote(self, quotation: Quotation) -> QuoteView:
        source, then = quotation.source, quotation.source.version
        state, check = "good", self.t(N_("Stands word for word in version {number}."), number=then)
        if quotation.stands is None:
            state, check = "warn", self.t(N_("The text of version {number} is not kept any more."), number=then)
        elif not quotation.stands:
            state, check = "bad", self.t(N_("Does not stand word for word in version {number}."), number=then)
        elif source.standing in (Standing.WITHDRAWN, Standing.DELETED):
            more = self.t(N_("Customers can no longer see the article."))
            state, check = "warn", join_sentences(self._presenter.lang, check, more)
        elif source.standing is Standing.CHANGED:
            now = N_("Version {number}, the visible one now, still says it.")
            gone = N_("Version {number}, the visible one now, no longer says it.")
            state = "good" if quotation.stands_now else "warn"
            more = self.t(now if quotation.stands_now else gone, number=source.version_now)
            check = join_sentences(self._presenter.lang, check, more)
        return QuoteView(
            quotation.n,
            source.title,
            quotation.section,
            _url(source),
            source.lang,
            _cells(quotation.quote),
            state,
            check,
        )

    def _grounding(self, checked: Grounding | None) -> tuple[str, ...]:
        if checked is None:
            return ()
        fine = checked.sentences - len(checked.objections)
        said = [
            self.t(N_("{fine} of {all} sentences with a source are supported by it."), fine=fine, all=checked.sentences)
        ]
        for sentence, reason in checked.objections:
            why = self.t(words.OBJECTIONS.get(reason, reason))
            said.append(self.t(N_("“{sentence}”: {reason}"), sentence=sentence, reason=why))
        return tuple(said)

    def _unsaid(self) -> tuple[str, ...]:
        """What a model wrote and the customer was not told, with the reason."""
        said = N_("Written by the model and left out: “{sentence}”: {reason}")
        return tuple(
            self.t(said, sentence=sentence, reason=self.t(words.OBJECTIONS.get(reason, reason)))
            for sentence, reason in self._found.get("unsaid", ())
        )

    def _message(self) -> tuple[Fact, ...]:
        get = self._found.get
        facts = []
        if urgency := get("urgency"):
            facts.append(Fact(self.t(N_("Urgency")), self.t(URGENCY_NAMES[Urgency(urgency)])))
        if category := get("category"):
            facts.append(Fact(self.t(N_("Category")), self.t(CATEGORY_NAMES[Category(category)])))
        if sentiment := get("sentiment"):
            facts.append(Fact(self.t(N_("Mood")), self.t(words.SENTIMENTS[Sentiment(sentiment)])))
        wish = N_("yes") if get("wants_human") else N_("no")
        facts.append(Fact(self.t(N_("Wants a person")), self.t(wish)))
        return tuple(facts)

    def _stages(self, stages: dict[str, float]) -> tuple[StageView, ...]:
        slowest = max(stages.values(), default=0.0) or 1.0
        return tuple(
            StageView(self.t(words.STAGES.get(name, name)), _milliseconds(value), _share(value / slowest))
            for name, value in stages.items()
        )

    def _versions(self) -> tuple[Fact, ...]:
        found = self._found
        writer = str(found.get("writer"))
        facts = []
        if writer.startswith("model/"):
            number, _, name = writer.removeprefix("model/").partition(":")
            facts.append(Fact(self.t(N_("Worded by")), name))
            facts.append(Fact(self.t(N_("Prompt")), f"answer.v{number}"))
        else:
            facts.append(Fact(self.t(N_("Worded by")), writer or self.t(N_("no article was quoted"))))
        if instead_of := str(found.get("instead_of")):
            name, _, fault = instead_of.rpartition(" ")
            why = self.t(words.FAULTS.get(fault, words.FAULTS[""]))
            facts.append(Fact(self.t(N_("Instead of")), self.t(N_("{writer}: {reason}"), writer=name, reason=why)))
        facts.append(Fact(self.t(N_("Policy")), str(found.get("policy"))))
        facts.append(Fact(self.t(N_("Fit of the confidence")), str(found.get("fit"))))
        label = N_("Embedding model") if found.embedder_recorded else N_("Embedding model (today's)")
        facts.append(Fact(self.t(label), found.embedder))
        facts.append(Fact(self.t(N_("Command")), f"firstline replay {found.reply.id}"))
        return tuple(facts)

    def _rebuilt(self, replayed: Replayed | None) -> RebuiltView | None:
        if replayed is None:
            return None
        changes = tuple(self._presenter.reason(reason.as_dict(self._presenter.lang)) for reason in replayed.reasons)
        if replayed.identical:
            size = len(replayed.said.encode())
            text = N_("The record leads to the same text today, byte for byte ({bytes} bytes).")
            return RebuiltView(True, self.t(text, bytes=size), changes)
        text = N_("The record leads to another text today.")
        if not changes:
            changes = (self.t(N_("The rules of this version of Firstline word it differently.")),)
        view = RebuiltView(False, self.t(text), changes, EMPTY, self._found.reply.lang)
        return replace(view, text_html=text_html(replayed.rebuilt)) if replayed.rebuilt != replayed.said else view


def percent(share: float) -> str:
    """Return "7.5%" for 0.075, "71%" for 0.71."""
    return f"{share * 100:.1f}".removesuffix(".0") + "%"


def _share(value: float) -> float:
    return round(min(1.0, max(0.0, value)) * 100, 1)


def _milliseconds(value: float) -> str:
    return f"{value:.1f} ms"


def _cells(quote: str) -> str:
    """A quoted row of a table without its Markdown bars."""
    return re.sub(
        r"^[ \t]*\|(.*)\|[ \t]*$", lambda row: " · ".join(cell.strip() for cell in row[1].split("|")), quote, flags=re.M
    )


def _url(source: Source) -> str:
    return "" if source.standing is Standing.DELETED else f"/knowledge/{source.article_id}?version={source.version}"
