"""Pure checks whether waiting for a pod is hopeless, and why."""

from __future__ import annotations

from datetime import datetime

from harness.infra.kube.objects import Pod

#: Waiting reasons that do not pass automatically. ErrImagePull is not one: the kubelet retries,
#: and ImagePullBackOff shows that the retry failed.
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
    """Return why this pod cannot run, or None if it still may.

    `schedule` is in seconds, as in `Timeouts`.
    """
    for container in pod.containers:
        if container.waiting.split(":")[0] in HOPELESS:
            code = "" if container.exit_code is None else f" (exit code {container.exit_code})"
            return f"container {container.name}: {container.waiting}{code}"
    if pod.unplaced_since and (now - pod.unplaced_since).total_seconds() > schedule:
        return f"Unschedulable: {pod.unplaced_why}"
    return None


def not_ready(pod: Pod, now: datetime, schedule: float) -> str | None:
    """Return why this pod cannot become ready (it is stuck, or has ended), or None."""
    if pod.phase in ("Failed", "Succeeded"):
        return f"it has ended: {pod}"
    return stuck(pod, now, schedule)
