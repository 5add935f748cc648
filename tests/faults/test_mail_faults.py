"""Promises 1 to 3 on the way of a mail: whatever breaks, and wherever, nothing is lost and nothing happens twice.

Each case plays the same story in a process of its own, lets one fault strike, restarts until nothing is left to do, and
compares with a run in which nothing broke. The whole matrix, at the first calls of each point and at later ones, is
`python -m tests.faults.runner`; here is the part of it in which no case is like another.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.points import Fault, Kind, When, every_fault, tells_more, tells_most
from tests.faults.runner import Theatre, Verdict, may_be_uncertain, theatre
from tests.live import LOOPBACK

pytestmark = pytest.mark.allow_hosts(LOOPBACK)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Theatre]:
    model_cache.mkdir(parents=True, exist_ok=True)
    with theatre(tmp_path_factory.mktemp("faults"), model_cache) as found:
        yield found


@pytest.fixture(scope="module")
def undisturbed(stage: Theatre) -> Verdict:
    return stage.play(None)


TELLING = [fault for fault in every_fault() if tells_most(fault)]
# While these were read, another worker has sorted them: an automatic reply, a colleague's reply, a bounce, a second copy.
OVERTAKEN = [Fault("reader.read", When.AFTER, Kind.STALL, nth) for nth in (3, 4, 5, 6)]


def check(verdict: Verdict, undisturbed: Verdict, fault: Fault) -> None:
    assert verdict.struck
    assert verdict.wrong == []
    assert verdict.state == undisturbed.state
    assert verdict.maybe_sent <= may_be_uncertain(fault)


@pytest.mark.parametrize("fault", [*TELLING, *OVERTAKEN], ids=str)
def test_nothing_is_lost_and_nothing_happens_twice_after(fault: Fault, stage: Theatre, undisturbed: Verdict) -> None:
    check(stage.play(fault), undisturbed, fault)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [fault for fault in every_fault() if tells_more(fault)], ids=str)
def test_a_process_that_is_killed_there_leaves_no_more_behind(
    fault: Fault, stage: Theatre, undisturbed: Verdict
) -> None:
    check(stage.play(fault), undisturbed, fault)


def test_the_story_meets_every_way_a_mail_can_go(undisturbed: Verdict) -> None:
    """Else a fault there would strike nothing."""
    assert undisturbed.wrong == []
    assert {mail[1] for mail in undisturbed.state.mails} == {"taken", "noted", "duplicate", "quarantined"}
    assert {state for _, talk in undisturbed.state.conversations for state, *_ in talk["sent"]} == {"sent", "bounced"}
    assert undisturbed.state.counts["desk_audit"] == 1  # the colleague took the conversation over, once
