"""The matrix impact x breadth and what staff read about each piece of evidence: data, no logic."""

from __future__ import annotations

from base.i18n import N_
from desk.models import Urgency

# Columns: how many are hit. "unknown": the message does not say; "we": it says no more than "we".
BREADTHS = ("one", "few", "unknown", "we", "team", "site", "all")

_LEVELS = {"U": Urgency.URGENT, "H": Urgency.HIGH, "N": Urgency.NORMAL, "L": Urgency.LOW}
_ROWS = {
    # (what, effect)               one few unknown we team site all
    ("core", "down"): "N N U U H U U",
    ("core", "cant"): "N N N H H U U",
    ("core", "fault"): "N N N N H H U",
    ("core", "degraded"): "N N N N H H H",
    ("core", "intermittent"): "N N N N H H H",
    ("shared", "down"): "N N N H H U U",
    ("shared", "cant"): "N N N H H U U",
    ("shared", "fault"): "N N N N H H H",
    ("shared", "degraded"): "N N N N H H H",
    ("shared", "intermittent"): "N N N N H H H",
    ("device", "down"): "N N N N H H H",
    ("device", "cant"): "N N N N H H H",
    ("device", "fault"): "N N N N N H H",
    ("device", "degraded"): "N N N N N H H",
    ("device", "intermittent"): "N N N N N H H",
    ("thing", "down"): "N N N H H U U",
    ("thing", "cant"): "N N N N H U U",
    ("thing", "fault"): "N N N N H H H",
    ("thing", "degraded"): "N N N N H H H",
    ("thing", "intermittent"): "N N N N H H H",
}
MATRIX: dict[tuple[str, str, str], Urgency] = {
    (what, effect, breadth): _LEVELS[level]
    for (what, effect), row in _ROWS.items()
    for breadth, level in zip(BREADTHS, row.split(), strict=True)
}

TEXTS: dict[str, str] = {
    # what
    "core_down": N_("A service the business runs on has stopped: “{quote}”"),
    "core_cant": N_("A service the business runs on cannot be used: “{quote}”"),
    "core_fault": N_("A service the business runs on has a fault: “{quote}”"),
    "core_degraded": N_("A service the business runs on is slow: “{quote}”"),
    "core_intermittent": N_("A service the business runs on fails now and then: “{quote}”"),
    "shared_down": N_("A shared service has stopped: “{quote}”"),
    "shared_cant": N_("A shared service cannot be used: “{quote}”"),
    "shared_fault": N_("A shared service has a fault: “{quote}”"),
    "shared_degraded": N_("A shared service is slow: “{quote}”"),
    "shared_intermittent": N_("A shared service fails now and then: “{quote}”"),
    "device_down": N_("A device does not work: “{quote}”"),
    "device_cant": N_("A device cannot be used: “{quote}”"),
    "device_fault": N_("A device has a fault: “{quote}”"),
    "device_degraded": N_("A device is slow: “{quote}”"),
    "device_intermittent": N_("A device fails now and then: “{quote}”"),
    "thing_down": N_("Something has stopped: “{quote}”"),
    "thing_cant": N_("Something cannot be done: “{quote}”"),
    "thing_fault": N_("Something is wrong: “{quote}”"),
    "thing_degraded": N_("Something is slow: “{quote}”"),
    "thing_intermittent": N_("Something fails now and then: “{quote}”"),
    "business_stop": N_("The business itself is held up: “{quote}”"),
    "blocked": N_("Work has stopped: “{quote}”"),
    "cosmetic": N_("It is about looks only: “{quote}”"),
    "question": N_("It is a question: “{quote}”"),
    "wish": N_("It is a wish for something new: “{quote}”"),
    "request": N_("It is an order or a request: “{quote}”"),
    "status_inquiry": N_("It asks how a case stands: “{quote}”"),
    "thanks": N_("It is thanks: “{quote}”"),
    "nothing_reported": N_("No fault is reported."),
    "suspicious": N_("Something suspicious is reported, with no harm done yet: “{quote}”"),
    "money": N_("An amount or a bill is wrong: “{quote}”"),
    "item_lost": N_("A device was lost or stolen: “{quote}”"),
    "loss_own": N_("One person's data is missing: “{quote}”"),
    "loss_team": N_("Shared data is missing: “{quote}”"),
    "vip": N_("A key person cannot work: “{quote}”"),
    # floor
    "floor_hazard": N_("Danger to people or equipment: “{quote}”. Never below urgent."),
    "floor_entered": N_("A password or access was given away: “{quote}”. Never below urgent."),
    "floor_encrypting": N_("Files are being locked: “{quote}”. Never below urgent."),
    "floor_spreading": N_("It is spreading to other machines: “{quote}”. Never below urgent."),
    "floor_intrusion": N_("Somebody has broken in: “{quote}”. Never below urgent."),
    "floor_leak": N_("Data is open to others: “{quote}”. Never below urgent."),
    "floor_fraud_paid": N_("Money went to a fraud: “{quote}”. Never below urgent."),
    "floor_loss": N_("Data of many is being lost: “{quote}”. Never below urgent."),
    "floor_money": N_("Money of many is being lost: “{quote}”. Never below urgent."),
    "floor_item_lost": N_("A lost device holds confidential data: “{quote}”. Never below high."),
    "floor_outage": N_("A core service is out for many: “{quote}”. Never below urgent."),
    # how many
    "only_me": N_("Only one person is affected: “{quote}”"),
    "one": N_("One person is affected: “{quote}”"),
    "few": N_("A few people are affected: “{quote}”"),
    "we": N_("More than one person is affected: “{quote}”"),
    "team": N_("A team is affected: “{quote}”"),
    "site": N_("A whole site or company is affected: “{quote}”"),
    "all": N_("All customers are affected: “{quote}”"),
    "public": N_("It serves customers or the public: “{quote}”"),
    "unknown": N_("How many are affected is not said."),
    # state
    "workaround": N_("There is a way around it: “{quote}”"),
    "recovered": N_("It is over: “{quote}”"),
    "negated": N_("Said not to be the case: “{quote}”"),
    "hypothetical": N_("Only supposed: “{quote}”"),
    "general": N_("Asked about in general: “{quote}”"),
    "asked": N_("Only asked about: “{quote}”"),
    "quoted": N_("Somebody else's words: “{quote}”"),
    "third_party": N_("It happened to somebody else: “{quote}”"),
    "planned": N_("It is planned: “{quote}”"),
    "drill": N_("It is a drill: “{quote}”"),
    "test_env": N_("It is a test system: “{quote}”"),
    # time
    "deadline": N_("A deadline is near: “{quote}”"),
    "peak": N_("It is a peak time: “{quote}”"),
}
