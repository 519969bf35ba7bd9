"""The label of an object in the cluster that names the process responsible for cleanup."""

from __future__ import annotations

from harness.core.process_identity import ProcessId, current_process, pid_scope

#: Label key for the process that created a namespace or cordoned a node. It is set as long as
#: that must not outlive the process.
USER = "queuejob/user"


def owner_label() -> str:
    """Return this process as a label value."""
    process = current_process()
    return f"{pid_scope()}.{process.pid}.{process.began}"


def dead(label: str) -> bool:
    """Return whether the process of this label ran on this machine and has ended."""
    scope, _, process = label.partition(".")
    pid, _, began = process.partition(".")
    if scope != pid_scope() or not (pid.isdigit() and began.isdigit()):
        return False
    return not ProcessId(int(pid), int(began)).alive
