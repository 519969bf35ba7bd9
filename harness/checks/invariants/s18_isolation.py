"""S18: two Jobs on two queues never share an item."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import RunModel
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.history.preview import shown


def check(view: RunModel) -> Iterator[Finding]:
    if not view.header.neighbours:
        yield unknown("there was no other Job")
        return
    shared = [*_foreign_items(view), *_own_items_elsewhere(view)]
    yield from shared
    connected = [
        connection
        for connection in view.connections.values()
        if connection.worker is None and connection.address in view.neighbours
    ]
    if not connected:
        yield unknown("no worker of the other Job was seen at the broker")
    elif not shared:
        yield passed(
            "the other Job had its items, and this one has its own",
            *evidence_ids(connected[0].opened),
        )


def _foreign_items(view: RunModel) -> Iterator[Finding]:
    """Report lines of this Job's workers about items of the other Job."""
    foreign = set(view.header.neighbours)
    for line in view.unknown_items:
        if line.item in foreign:
            action = "has finished" if line.done else "begins"
            yield failed(
                f"{view.names.short(line.worker)} {action} {shown(line.item)}, "
                "which is another Job's",
                line.ref.id,
            )


def _own_items_elsewhere(view: RunModel) -> Iterator[Finding]:
    """Report deliveries of this Job's items to workers of the other Job."""
    for attempt in view.attempts:
        connection = view.connections[attempt.connection]
        neighbour = view.neighbours.get(connection.address)
        if attempt.worker is None and neighbour is not None:
            yield failed(
                f"{shown(attempt.item)} was given to pod {neighbour.name}, which is another Job's",
                *evidence_ids(attempt.delivered, neighbour.seen),
            )


INVARIANT = Invariant(
    "S18",
    "isolation",
    ("coarse", "fine"),
    check,
    valid_in_partial_history=True,
    level="extended",
)
