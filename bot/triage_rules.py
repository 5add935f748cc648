"""Evidence to a level: the matrix, what moves it up or down, and the floors nothing may go below."""

from __future__ import annotations

from dataclasses import dataclass

from bot.models import Reason
from bot.triage_evidence import EFFECTS, Evidence, Signal, breadth
from bot.triage_matrix import MATRIX, TEXTS
from desk.models import Urgency

_URGENT, _HIGH, _NORMAL, _LOW = Urgency.URGENT, Urgency.HIGH, Urgency.NORMAL, Urgency.LOW
_MANY = ("site", "all")
_HELD = ("deadline", "blocked")  # a level they gave is a floor
_SECURITY = ("hazard", "entered", "encrypting", "spreading", "intrusion", "leak", "fraud_paid", "suspicious")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A level with its reasons. `floor`: nothing may go below it; `decided`: evidence was found."""

    urgency: Urgency
    reasons: tuple[Reason, ...]
    confidence: float  # 0..1
    floor: Urgency = Urgency.LOW
    decided: bool = True


def reason(kind: str, code: str, quote: str = "") -> Reason:
    return Reason(kind, code, quote, TEXTS[code])


def worse(a: Urgency, b: Urgency) -> Urgency:
    return a if a.rank <= b.rank else b


def judge(evidence: Evidence) -> Verdict:
    """The level of one message by rules alone."""
    floor, floor_reasons = _floors(evidence)
    if floor is _URGENT:
        return Verdict(_URGENT, tuple(floor_reasons), 0.95, floor)
    effects = _effects(evidence)
    level, reasons, confidence = _by_matrix(evidence, effects) if effects else _without_effect(evidence)
    outage = next((r for r in reasons if r.kind == "floor"), None)
    if outage:
        return Verdict(_URGENT, tuple(reasons), 0.92, _URGENT)
    if floor_reasons and floor.rank <= level.rank:
        return Verdict(floor, (*floor_reasons, *(r for r in reasons if r.kind != "what")), 0.85, floor)
    if level is _HIGH and any(found.code in _HELD for found in reasons):
        floor = _HIGH
    decided = bool(effects) or confidence > 0.5
    return Verdict(level, tuple(reasons), confidence, floor, decided)


# --- floors ----------------------------------------------------------------------------------------------------------


def _floors(evidence: Evidence) -> tuple[Urgency, list[Reason]]:
    """Safety, security in progress, data or money of many being lost, lost devices with secrets."""
    for concept in ("hazard", "entered", "encrypting", "spreading", "intrusion", "leak", "fraud_paid"):
        signal = evidence.first(concept)
        if signal and not (concept in ("intrusion", "spreading", "encrypting", "leak") and _harmless(evidence)):
            return _URGENT, [reason("floor", f"floor_{concept}", signal.quote)]
    many, how_many = _breadth_reason(evidence, None)
    loss = evidence.first("loss")
    if loss and (evidence.near(loss, "data_many", reach=1)) and not evidence.has("only_me"):
        severe = evidence.near(loss, "ongoing", reach=1) or many in _MANY or not evidence.has("one")
        if severe:
            return _URGENT, [reason("floor", "floor_loss", loss.quote), *how_many]
    money = evidence.first("money")
    if money and many in _MANY:
        return _URGENT, [reason("floor", "floor_money", money.quote), *how_many]
    lost = evidence.first("item_lost")
    if lost:
        if evidence.has("sensitive"):
            return _HIGH, [reason("floor", "floor_item_lost", lost.quote)]
        return _HIGH, [reason("what", "item_lost", lost.quote)]
    if loss and evidence.has("data_team") and many not in ("one", "few", "unknown"):
        return _HIGH, [reason("what", "loss_team", loss.quote), *how_many]
    return _LOW, []


def _harmless(evidence: Evidence) -> bool:
    """Reported but contained: nothing was entered, it was quarantined, the password is already changed."""
    return evidence.has("not_clicked", "recovered") or any(s.dead == "recovered" for s in evidence.dead)


# --- faults ----------------------------------------------------------------------------------------------------------


def _effects(evidence: Evidence) -> list[Signal]:
    effects = evidence.all(*EFFECTS)
    suspicious = {s.sentence for s in evidence.live.get("suspicious", ())}
    effects = [s for s in effects if not (s.concept == "fault" and s.sentence in suspicious)]
    cosmetic = {s.sentence for s in evidence.live.get("cosmetic", ())}
    if cosmetic:
        # "壁纸换不了" is about looks, unless the business stands still in the same breath.
        serious = {s.sentence for s in evidence.all("core", "business_stop", "blocked", "org", "all_customers")}
        down = {s.sentence for s in evidence.all("down")}
        effects = [s for s in effects if s.sentence not in cosmetic or s.sentence in serious & down]
    return effects


def _object(evidence: Evidence, effect: Signal) -> tuple[str, Signal | None]:
    """What the effect is about: the closest named thing in its clause, else in its sentence, else in the message."""
    things = [(kind, s) for kind in ("core", "shared", "device") for s in evidence.live.get(kind, ())]
    for same in (lambda s: s.clause == effect.clause, lambda s: s.sentence == effect.sentence, lambda s: True):
        close = [(kind, s) for kind, s in things if same(s)]
        if close:
            kind, thing = min(close, key=lambda pair: abs(pair[1].first - effect.first))
            devices = [s for k, s in close if k == "device"]
            own = any(abs(s.first - thing.first) <= 1 for s in devices)
            return ("device" if own and kind != "core" else kind), thing
    return "thing", None


def _by_matrix(evidence: Evidence, effects: list[Signal]) -> tuple[Urgency, list[Reason], float]:
    best: tuple[int, int, Signal, str, str, str, Signal | None] | None = None
    for effect in effects:
        what, thing = _object(evidence, effect)
        many, quote = _reach(evidence, effect, what, thing)
        level = MATRIX[what, effect.concept, many]
        if what == "device" and many in ("team", *_MANY) and evidence.has("device"):
            level = MATRIX["shared" if effect.concept in ("down", "cant") else "device", effect.concept, many]
            level = worse(level, _HIGH) if level is not _URGENT else _HIGH
        order = (level.rank, EFFECTS.index(effect.concept))
        if best is None or order < best[:2]:
            best = (*order, effect, what, many, quote, thing)
    assert best is not None
    _, _, effect, what, many, many_quote, thing = best
    level = MATRIX[what, effect.concept, many] if what != "device" else list(Urgency)[best[0]]
    reasons = [reason("what", f"{what}_{effect.concept}", _span(evidence, thing, effect))]
    reasons.append(reason("how_many", many, many_quote))
    confidence = 0.8 if many not in ("unknown", "we") and what != "thing" else 0.62
    return _modify(evidence, effect, what, many, level, reasons, confidence)


def _reach(evidence: Evidence, effect: Signal, what: str, thing: Signal | None) -> tuple[str, str]:
    """How many are hit; a public service that stops hits everybody, unless the message speaks of one person."""
    many, quote = breadth(evidence, effect)
    if what == "core" and thing and effect.concept == "down" and many not in ("one", *_MANY):
        public = next((s for s in evidence.live.get("public", ()) if s.sentence == effect.sentence), None)
        if public:
            return "all", public.quote
    return many, quote


def _span(evidence: Evidence, thing: Signal | None, effect: Signal) -> str:
    """The words from the thing to the effect when they stand close, else the effect alone."""
    if thing is None or thing.clause != effect.clause:
        return effect.quote
    first, last = min(thing.first, effect.first), max(thing.last, effect.last)
    return evidence.message.quote(first, last) if last - first <= 14 else effect.quote


def _modify(
    evidence: Evidence,
    effect: Signal,
    what: str,
    many: str,
    level: Urgency,
    reasons: list[Reason],
    confidence: float,
) -> tuple[Urgency, list[Reason], float]:
    stop, blocked = evidence.first("business_stop"), evidence.first("blocked")
    if stop:
        everywhere = many in _MANY or (what == "core" and many in ("unknown", "we"))
        level = worse(level, _URGENT if everywhere and effect.concept in ("down", "cant", "fault") else _HIGH)
        if many == "one":
            level = _HIGH if what != "core" else level
        reasons.append(reason("what", "business_stop", stop.quote))
    if blocked and many not in ("one", "few", "unknown"):
        level = worse(level, _URGENT if many in _MANY else _HIGH)
        reasons.append(reason("what", "blocked", blocked.quote))
    due = deadline(evidence)
    workaround = evidence.first("workaround")
    hard = effect.concept in ("down", "cant", "fault") or blocked
    if due and hard and not workaround and level is _NORMAL:
        level = _HIGH
        reasons.append(reason("time", "deadline", due))
    vip = evidence.first("vip")
    if vip and (due or evidence.has("near")) and level is _NORMAL:
        level = _HIGH
        reasons.append(reason("what", "vip", vip.quote))
    peak = evidence.first("peak")
    if peak and what == "core" and level is _NORMAL and many != "one":
        level = _HIGH
        reasons.append(reason("time", "peak", peak.quote))
    elif peak and level in (_URGENT, _HIGH):
        reasons.append(reason("time", "peak", peak.quote))
    if workaround and not stop and many not in _MANY and level in (_URGENT, _HIGH) and not blocked:
        level = _NORMAL if level is _HIGH else _HIGH
        reasons.append(reason("state", "workaround", workaround.quote))
    test = evidence.first("test_env")
    if test and level in (_URGENT, _HIGH):
        level = _NORMAL
        reasons.append(reason("state", "test_env", test.quote))
    if level is _URGENT and what == "core" and effect.concept in ("down", "cant") and many in _MANY and not workaround:
        reasons.insert(0, reason("floor", "floor_outage", reasons[0].quote))
    return level, reasons, confidence


def deadline(evidence: Evidence) -> str:
    """The words of a near business deadline: a near time and an event in the same or the next sentence, else ""."""
    for near in evidence.live.get("near", ()):
        event = evidence.near(near, "event", reach=1)
        if event:
            first, last = min(near.first, event.first), max(near.last, event.last)
            return evidence.message.quote(first, last) if last - first <= 12 else near.quote
    return ""


def _breadth_reason(evidence: Evidence, effect: Signal | None) -> tuple[str, list[Reason]]:
    many, quote = breadth(evidence, effect)
    return many, [] if many == "unknown" else [reason("how_many", many, quote)]


# --- no fault --------------------------------------------------------------------------------------------------------


def _without_effect(evidence: Evidence) -> tuple[Urgency, list[Reason], float]:
    """No live fault: something reported (suspicion, a wrong bill, missing data), or a question, wish or greeting."""
    many, how_many = _breadth_reason(evidence, None)
    blocked, stop = evidence.first("blocked"), evidence.first("business_stop")
    if stop and (many in _MANY or evidence.has("core")):
        return (_URGENT if many in _MANY else _HIGH), [reason("what", "business_stop", stop.quote), *how_many], 0.7
    if blocked and many not in ("one", "few", "unknown"):
        level = _URGENT if many in _MANY else _HIGH
        return level, [reason("what", "blocked", blocked.quote), *how_many], 0.65
    loss = evidence.first("loss")
    if loss:
        level = _HIGH if deadline(evidence) and not evidence.has("workaround") else _NORMAL
        return level, [reason("what", "loss_own", loss.quote), *how_many], 0.7
    for concept in ("suspicious", "money"):
        signal = evidence.first(concept)
        if signal and not (concept == "money" and evidence.has("info")):
            return _NORMAL, [reason("what", concept, signal.quote)], 0.7
    settled = next((s for s in evidence.dead if s.dead == "recovered" and s.concept in _SECURITY), None)
    if settled:
        return _NORMAL, [reason("what", "suspicious", settled.quote)], 0.7
    only = evidence.first("only_me")
    if only:
        return _NORMAL, [reason("how_many", "only_me", only.quote)], 0.6
    quiet = next((s for s in evidence.dead if s.dead != "negated"), None)
    reasons: list[Reason] = [reason("state", quiet.dead, quiet.quote)] if quiet else []
    for concept, code in (
        ("cosmetic", "cosmetic"),
        ("wish", "wish"),
        ("request", "request"),
        ("status_inquiry", "status_inquiry"),
        ("info", "question"),
        ("thanks", "thanks"),
    ):
        signal = evidence.first(concept)
        if signal:
            return _LOW, [reason("what", code, signal.quote), *reasons], 0.75
    if blocked or stop:
        signal = blocked or stop
        assert signal is not None
        return _NORMAL, [reason("what", "blocked" if blocked else "business_stop", signal.quote)], 0.45
    recovered = evidence.first("recovered")
    if recovered:
        return _LOW, [reason("state", "recovered", recovered.quote)], 0.7
    if reasons:
        return _LOW, reasons, 0.7
    return _LOW, [reason("what", "nothing_reported")], 0.3
