"""Whose a thing in the cluster is: a label that names the process that is to undo it."""

from __future__ import annotations

from harness.core.process_identity import ProcessId, current_process, pid_scope

#: The process that has made a namespace or closed a node, as long as that may not outlive it.
USER = "queuejob/user"


def user() -> str:
    """This process, as a label's value."""
    me = current_process()
    return f"{pid_scope()}.{me.pid}.{me.began}"


def dead(label: str) -> bool:
    """Whether the process of this label is one of this machine, and has ended."""
    where, _, process = label.partition(".")
    pid, _, began = process.partition(".")
    if where != pid_scope() or not (pid.isdigit() and began.isdigit()):
        return False
    return not ProcessId(int(pid), int(began)).alive
