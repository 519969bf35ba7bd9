"""When waiting for a pod makes no sense any more, and why: pure looks at records."""

from __future__ import annotations

from datetime import datetime

from harness.infra.kube.objects import Pod

#: Reasons to wait that do not pass by themselves. (ErrImagePull is tried again; its back-off is
#: the sign that this did not help.)
HOPELESS = (
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "CrashLoopBackOff",
)


def stuck(pod: Pod, now: datetime, schedule: float) -> str | None:
    """Why this pod cannot run, or None while it may; `schedule` in seconds, as in Timeouts."""
    for container in pod.containers:
        if container.waiting.split(":")[0] in HOPELESS:
            code = "" if container.exit_code is None else f" (exit code {container.exit_code})"
            return f"container {container.name}: {container.waiting}{code}"
    if pod.unplaced_since and (now - pod.unplaced_since).total_seconds() > schedule:
        return f"Unschedulable: {pod.unplaced_why}"
    return None


def not_ready(pod: Pod, now: datetime, schedule: float) -> str | None:
    """Why this pod cannot become ready: it is stuck, or has ended."""
    if pod.phase in ("Failed", "Succeeded"):
        return f"it has ended: {pod}"
    return stuck(pod, now, schedule)
