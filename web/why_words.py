"""The words of "Why this answer?": every decision, stage and check of the assistant as a person says it."""

from __future__ import annotations

from base.i18n import N_
from bot.models import OutcomeKind
from desk.models import Sentiment
from web.answer_record import Standing

OUTCOME_NAMES = {
    OutcomeKind.ANSWER: N_("Answered"),
    OutcomeKind.CLARIFY: N_("Asked back"),
    OutcomeKind.OFFER: N_("Offered a person"),
    OutcomeKind.TICKET: N_("Given to a person"),
    OutcomeKind.GREETING: N_("Small talk"),
    OutcomeKind.SILENT: N_("Kept silent"),
}
# By the policy's reason; where one reason leads to two outcomes, by both.
REASONS = {
    "partly_answered": N_("One part of the message has an answer; what has none was passed on to a colleague."),
    "supported": N_("What was found supports an answer, and the confidence reaches the threshold for answering."),
    "close_candidates": N_(
        "Nothing was sure enough for an answer, but something came close: the customer was asked what they mean."
    ),
    "no_support": N_("Nothing that was found is sure enough for an answer, and there was no guessing: a person was offered."),
    "no_support/ticket": N_(
        "Nothing that was found is sure enough for an answer, and with this urgency nobody should wait for a further "
        "question: a ticket was opened."
    ),
    "failed_twice": N_("Nothing was found for the second time in a row, so a ticket was opened without asking."),
    "wants_human": N_("The customer wants a person. That is honoured in the same turn, whatever else was asked."),
    "not_helped": N_("The customer said that it did not help, so a ticket was opened."),
    "helped": N_("The customer said that it helped."),
    "urgent": N_("The message is urgent: a ticket was opened at once, and people come before articles."),
    "gave_up": N_("Something failed while the message was worked on, so it was given to a person without a search."),
    "added": N_("A person was already asked to look at this matter, so the message was added to the ticket."),
    "same_incident": N_("The customer said that the known problem is theirs: they are on its list and have a ticket."),
    "incident_over": N_("The customer said that a known problem is theirs, but it is over by now: a ticket was opened."),
    "not_incident": N_("The customer said that theirs is another problem than the known one."),
    "known_problem": N_("Nothing sure was found, but an open incident is about the same: the customer was told of it."),
    "empty": N_("There was no text in the message that could be read."),
    "greeting": N_("The message is a greeting and asks nothing yet."),
    "thanks": N_("The message is a word of thanks and asks nothing."),
    "bye": N_("The message is a goodbye and asks nothing."),
}  # fmt: skip
FIRST_AID = N_(
    "The answer was given as first aid beside the ticket, because the confidence is far above the threshold."
)
NO_FIRST_AID = N_(
    "No article was given as first aid: for an urgent message the confidence must be far above the threshold."
)
INJECTION = N_("The message tries to give the assistant instructions. They were read as text and not followed.")
ASKED_BEFORE = N_("The customer had been asked back just before, so there was no second question.")
CHOSE = N_("The customer chose this article, so no confidence was needed.")
LEVELS = {
    "good": N_("sure enough for an answer"),
    "warn": N_("too unsure for an answer, close enough to ask back"),
    "none": N_("too unsure for an answer and for asking back"),
}
UNDERSTOOD = {
    "": N_("as it was written"),
    "rule": N_("a follow-up, joined with what was asked before"),
    "model": N_("a follow-up, reworded by the model with the prompt {version}"),
}
ACTIONS = {
    "human": N_("Talk to a person"),
    "helped": N_("This helped"),
    "not_helped": N_("Still not working"),
}
STAGES = {
    "words": N_("Words looked up"),
    "reading": N_("Message read"),
    "embed": N_("Meaning computed"),
    "triage": N_("Triage"),
    "search": N_("Search"),
    "answer": N_("Answer worded"),
}
SENTIMENTS = {
    Sentiment.POSITIVE: N_("friendly"),
    Sentiment.NEUTRAL: N_("neutral"),
    Sentiment.NEGATIVE: N_("unhappy"),
    Sentiment.ANGRY: N_("angry"),
}
STANDING = {
    Standing.CHANGED: N_("changed since: version {now} is the visible one now"),
    Standing.WITHDRAWN: N_("withdrawn since: customers can no longer see it"),
    Standing.DELETED: N_("deleted since"),
}
FAULTS = {  # why a model did not word an answer, by the code of the error
    "answer_not_grounded": N_("what it wrote is not supported by the articles, so they were quoted"),
    "model_unavailable": N_("it could not be reached, or did not finish, so the articles were quoted"),
    "": N_("it failed, so the articles were quoted"),
}
OBJECTIONS = {
    "too_long": N_("the sentence is too long"),
    "promise": N_("promises what the assistant cannot do"),
    "uncited": N_("names no source"),
    "unknown_source": N_("names a source that was not found"),
    "markup": N_("holds markup that is not in the source"),
    "url": N_("an address is not in the source"),
    "number": N_("a number is not in the source"),
    "date": N_("a date or time is not in the source"),
    "name": N_("a name or code is not in the source"),
    "quote": N_("quoted words are not in the source"),
    "negation": N_("turns the source round"),
    "words": N_("says too little of what the source says"),
    "language": N_("is not in the customer's language"),
}
