"""L9: when the Job is deleted nothing of it is left: no pod, no connection, no key."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from harness.checks.invariant import Invariant
from harness.checks.model import Connection, Deletion, RunModel
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, Subject, failed, passed, unknown
from harness.core.text import several

#: Seconds in which a connection's end may be told after that of its pod.
_SOON = 1.0


def check(view: RunModel) -> Iterator[Finding]:
    for deletion in view.deletions:
        found = list(_left(view, deletion))
        yield from found
        if deletion.seen.keys is not None and not found:
            yield passed(
                "the Job was deleted, and no pod, connection or key of it is left",
                *evidence_ids(deletion.ref),
            )
    if not view.deletions:
        yield unknown("the Job was not deleted in this run")
    elif all(one.seen.keys is None for one in view.deletions):
        yield unknown(
            "the Job was deleted with work left: what lies in the broker may be for that",
            *evidence_ids(view.deletions[-1].ref),
        )


def _left(view: RunModel, deletion: Deletion) -> Iterator[Finding]:
    evidence, seen = evidence_ids(deletion.ref), deletion.seen
    if seen.objects:
        text = f"the Job was deleted, and of it is still there: {', '.join(seen.objects)}"
        yield failed(text, *evidence, subject=Subject.JOB)
        return  # whose connections and keys may then be in use
    still = [one for one in view.connections.values() if _open(one, deletion)]
    if still:
        yield failed(
            f"the Job's pods are gone, and {several(len(still), 'connection')} of theirs left",
            *evidence_ids(still[0].opened, deletion.ref),
        )
    keeps = view.header.keeps
    meant = (view.header.sentinel, *(keeps or ()))
    keys = [key for key in seen.keys or () if not any(fnmatchcase(key, one) for one in meant)]
    if not keys:
        return
    text = f"the Job was deleted after all was done, and has left {', '.join(keys)}"
    if keeps is None:  # results, or a count, may well be what it is there for
        yield unknown(f"{text}: whether that is meant nobody has said (--keeps)", *evidence)
    else:
        yield failed(text, *evidence)


def _open(connection: Connection, deletion: Deletion) -> bool:
    if connection.worker is None or connection.opened is None:
        return False
    if connection.opened.at > deletion.ref.at:
        return False
    return connection.closed is None or connection.closed.at > deletion.ref.at + _SOON


INVARIANT = Invariant("L9", "clean-up", ("coarse", "fine"), check, level="extended")
