"""L9: after the Job is deleted, no pod, no connection and no key of it is left."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from harness.checks.invariant import Invariant
from harness.checks.model import Connection, Deletion, RunModel
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, Subject, failed, passed, unknown
from harness.core.text import several

#: Seconds by which the end of a connection may be recorded after the end of its pod.
_SOON = 1.0


def check(view: RunModel) -> Iterator[Finding]:
    for deletion in view.deletions:
        findings = list(_leftovers(view, deletion))
        yield from findings
        if deletion.seen.keys is not None and not findings:
            yield passed(
                "the Job was deleted, and no pod, connection or key of it is left",
                *evidence_ids(deletion.ref),
            )
    if not view.deletions:
        yield unknown("the Job was not deleted in this run")
    elif all(deletion.seen.keys is None for deletion in view.deletions):
        yield unknown(
            "the Job was deleted with work left: what lies in the broker may be for that",
            *evidence_ids(view.deletions[-1].ref),
        )


def _leftovers(view: RunModel, deletion: Deletion) -> Iterator[Finding]:
    evidence, seen = evidence_ids(deletion.ref), deletion.seen
    if seen.objects:
        text = f"the Job was deleted, and of it is still there: {', '.join(seen.objects)}"
        yield failed(text, *evidence, subject=Subject.JOB)
        return  # their connections and keys may still be in use
    open_connections = [
        connection for connection in view.connections.values() if _open(connection, deletion)
    ]
    if open_connections:
        yield failed(
            f"the Job's pods are gone, and {several(len(open_connections), 'connection')} "
            "of theirs left",
            *evidence_ids(open_connections[0].opened, deletion.ref),
        )
    keeps = view.header.keeps
    intended = (view.header.sentinel, *(keeps or ()))
    keys = [
        key for key in seen.keys or () if not any(fnmatchcase(key, pattern) for pattern in intended)
    ]
    if not keys:
        return
    text = f"the Job was deleted after all was done, and has left {', '.join(keys)}"
    if keeps is None:  # a result or a counter may be the purpose of the Job
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
