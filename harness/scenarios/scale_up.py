"""More workers come while one is at work: what nobody has begun is theirs."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from harness.core.clock import monotonic
from harness.core.errors import TimedOut
from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext, ScenarioNotApplicable
from harness.history import Event, ItemDelivered, ItemSettled, Payload, Worker
from harness.tap.control.client import RemoteHit
from harness.tap.records import Command, Message

SCALED = "scaled up"
_MORE = 3
#: Seconds in which a new worker is given what is there for it, nearly always.
_AT_ONCE = 2.0
#: Seconds for which something is waited for in any case.
_LEAST = 0.1


def play(stage: ScenarioContext) -> None:
    """Hold the only worker at its acknowledgement (or its delivery), and let two more come.

    All its connections are held: it may make a new one, and go on with what it has in stock.
    """
    trap = stage.set_breakpoint(stage.points.settling or stage.points.delivered)
    stage.start()
    caught = stage.wait_for_hit(trap)
    stage.testbed.tap.hold(caught.address)
    worker = stage.worker_at(caught.address)
    begun = stage.injected(SCALED, f"the Job: {_MORE} pods at once, the first one held", worker)
    stage.testbed.namespace.scale_job(stage.job, _MORE)
    timeout = stage.testbed.namespace.timeouts.settle
    scaled = stage.wait("the Job to be scaled up", conditions.job_at(_MORE), timeout)
    newcomer = stage.recorder.wait_or_none(
        "one of the new workers to connect",
        conditions.another_asks(caught.connection),
        stage.start_timeout,
    )
    if newcomer is None:
        raise ScenarioNotApplicable(
            "no new worker has come to the broker",
            expected=f"one within {stage.start_timeout:g} s of the scale-up",
            seen="nobody but the first",
        )
    _until_all_is_taken_or_kept(stage, caught, worker, begun)
    stage.confirmed(SCALED, begun, scaled.id, newcomer.id)
    stage.resume_client(caught.address)
    stage.healed(SCALED)
    stage.wait_for_the_end()


def _until_all_is_taken_or_kept(
    stage: ScenarioContext, caught: RemoteHit, worker: Worker, begun: int
) -> None:
    """Wait until the others have all items but the first worker's, or have waited in vain.

    Who keeps some for itself shows it only once they have worked off what it has left to them.
    """
    figures, known, anew = stage.calibration.figures, begun, False
    # Until they take their next ones; coarse workers are new ones then.
    pace = figures.longest_pace or figures.pace or figures.work or 0.0
    usual = _AT_ONCE + 2 * pace + (figures.pod_start or 0.0)
    until = monotonic() + stage.bounds.end
    while monotonic() < until:
        others = conditions.delivery_elsewhere(caught.address, known)
        patience = stage.bounds.progress if anew else usual if known != begun else _AT_ONCE
        given = stage.recorder.wait_or_none("a delivery to a new worker", others, patience)
        if given is not None:
            known = given.id
            if len(taken(stage.recorder.events, caught.address)) >= len(set(stage.items)) - 1:
                return
        elif anew:
            return
        else:
            _hold_anew(stage, caught, worker)
            anew = True


def taken(events: Sequence[Event], address: str) -> set[Payload]:
    """The items that are done, or were given to somebody who is not at this address."""
    its, found = conditions.connections_of(events, address), set[Payload]()
    for event in events:
        what = event.what
        if isinstance(what, ItemSettled) or (
            isinstance(what, ItemDelivered) and what.connection not in its
        ):
            found.add(what.item)
    return found


def _hold_anew(stage: ScenarioContext, caught: RemoteHit, worker: Worker) -> None:
    """Let the first worker report its item, and hold it at the next one that it has in stock.

    It has waited for an answer since before the others came, and would give up before they have
    waited for as long as they may have to.
    """
    if stage.points.settling is None or not stage.testbed.pattern.capabilities.answers_settlements:
        return  # no worker waits for an answer, so none gives up
    stage.clear_breakpoints()
    until = monotonic() + stage.bounds.progress
    with contextlib.suppress(TimedOut):  # it may have none
        if stage.calibration.figures.starts_matched:
            # Until then all that is left of its report passes, on whatever connection.
            before = len(stage.recorder.events)
            stage.testbed.tap.release(caught.address)
            what = "the first worker to begin its next item"
            stage.wait(what, conditions.starts_anew(worker, before), stage.bounds.progress)
        while True:
            again = stage.set_breakpoint(stage.points.settling, caught.address)
            stage.testbed.tap.release(caught.address)
            come = stage.wait_for_hit(again, max(until - monotonic(), _LEAST))
            if not says_the_same(come.message, caught.message):
                break
            stage.clear_breakpoints(again)
    stage.testbed.tap.hold(caught.address)


def says_the_same(one: Message, other: Message) -> bool:
    """Whether a command was sent once more: a client that waited for too long does that."""
    return isinstance(one, Command) and isinstance(other, Command) and one.words == other.words


SCENARIO = Scenario(
    name="scale-up",
    says="two more workers come while the first one is at work",
    proves={"fine": ("L2", "L3", "S12"), "coarse": ("L2", "L3", "S12")},
    play=play,
    faults=(SCALED,),
    # Enough that a worker which goes on with its stock has some left when the others have waited.
    items=7,
    parallelism=1,
)
