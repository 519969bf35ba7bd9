"""Frozen records of Kubernetes objects, created from the API's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

JSON = Mapping[str, Any]


@dataclass(frozen=True)
class State:
    """State of one run of a container; the times are the kubelet's, in whole seconds."""

    name: Literal["waiting", "running", "terminated"]
    reason: str = ""
    exit_code: int | None = None
    signal: int | None = None
    started: datetime | None = None
    finished: datetime | None = None
    #: Message of the kubelet or the container runtime that explains the reason.
    why: str = ""
    #: The container's id, if the run has ended.
    container: str = ""

    @classmethod
    def of(cls, state: JSON) -> State:
        if ended := state.get("terminated"):
            return cls(
                "terminated",
                ended.get("reason") or "",
                ended.get("exitCode"),
                ended.get("signal"),
                _timestamp_or_none(ended.get("startedAt")),
                _timestamp_or_none(ended.get("finishedAt")),
                (ended.get("message") or "").strip(),
                (ended.get("containerID") or "").rpartition("/")[2],
            )
        if runs := state.get("running"):
            return cls("running", started=_timestamp_or_none(runs.get("startedAt")))
        waits = state.get("waiting") or {}
        # The message of a back-off changes with each retry and adds nothing to its reason.
        why = "" if waits.get("reason") == "CrashLoopBackOff" else waits.get("message") or ""
        return cls("waiting", waits.get("reason") or "", why=why.strip())


@dataclass(frozen=True)
class Container:
    """State of one container of a pod in its current run; `restarts` counts earlier runs."""

    name: str
    image: str
    ready: bool
    restarts: int
    running: bool
    #: The current run is running or terminated, so there is a log.
    started: bool
    #: Why it waits, for example "ImagePullBackOff: Back-off pulling …"; empty if it does not wait.
    waiting: str
    #: Exit code of the current run, or else of the previous run; None if there is none.
    exit_code: int | None
    #: State of the current run, and how the previous run ended.
    now: State
    last: State | None = None
    #: Whether the pod starts it before the others, and whether the pod waits for its end.
    kind: Literal["beside", "init", "sidecar"] = "beside"

    @classmethod
    def of(cls, status: JSON, kind: Literal["beside", "init", "sidecar"] = "beside") -> Container:
        state, last = status.get("state", {}), status.get("lastState", {})
        waiting = state.get("waiting")
        ended = state.get("terminated") or last.get("terminated") or {}
        return cls(
            name=status["name"],
            image=status.get("image", ""),
            ready=status.get("ready", False),
            restarts=status.get("restartCount", 0),
            running="running" in state,
            started="running" in state or "terminated" in state,
            waiting=": ".join(filter(None, (waiting.get("reason"), waiting.get("message"))))
            if waiting
            else "",
            exit_code=ended.get("exitCode"),
            now=State.of(state),
            last=State.of(last) if last else None,
            kind=kind,
        )


@dataclass(frozen=True)
class Node:
    """A node: whether its kubelet reports as ready, and the keys of its taints."""

    name: str
    ready: bool
    taints: tuple[str, ...] = ()

    @classmethod
    def of(cls, item: JSON) -> Node:
        conditions = {c["type"]: c["status"] for c in item.get("status", {}).get("conditions", [])}
        return cls(
            item["metadata"]["name"],
            conditions.get("Ready") == "True",
            tuple(dict.fromkeys(t["key"] for t in item.get("spec", {}).get("taints") or ())),
        )

    def __str__(self) -> str:
        state = "ready" if self.ready else "not ready"
        return f"{self.name}: {state}, taints {', '.join(self.taints) or 'none'}"


@dataclass(frozen=True)
class Pod:
    """A pod at one moment."""

    name: str
    uid: str
    phase: str
    ready: bool
    node: str
    containers: tuple[Container, ...]
    #: Since when the scheduler finds no node for it, and its message; None and "" if it has one.
    unplaced_since: datetime | None
    unplaced_why: str
    #: Its IP address in the cluster; empty until it has one.
    address: str = ""
    #: Resource version; it grows with every change of any object.
    version: int = 0
    #: Its deletion was requested.
    deleting: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    #: Why it failed or was rejected, for example "Evicted: …"; empty otherwise.
    why: str = ""

    @classmethod
    def of(cls, item: JSON) -> Pod:
        status = item.get("status", {})
        conditions = {c["type"]: c for c in status.get("conditions", [])}
        scheduled = conditions.get("PodScheduled", {})
        unplaced = scheduled.get("status") == "False"
        sidecars = {
            container["name"]
            for container in item["spec"].get("initContainers") or ()
            if container.get("restartPolicy") == "Always"
        }
        return cls(
            name=item["metadata"]["name"],
            uid=item["metadata"]["uid"],
            phase=status.get("phase", "Unknown"),
            ready=conditions.get("Ready", {}).get("status") == "True",
            node=item["spec"].get("nodeName", ""),
            containers=(
                *(
                    Container.of(container, "sidecar" if container["name"] in sidecars else "init")
                    for container in status.get("initContainerStatuses", [])
                ),
                *(Container.of(container) for container in status.get("containerStatuses", [])),
            ),
            unplaced_since=_timestamp(scheduled["lastTransitionTime"]) if unplaced else None,
            unplaced_why=scheduled.get("message", "") if unplaced else "",
            address=status.get("podIP", ""),
            version=int(item["metadata"].get("resourceVersion") or 0),
            deleting="deletionTimestamp" in item["metadata"],
            labels=item["metadata"].get("labels") or {},
            why=": ".join(filter(None, (status.get("reason"), status.get("message")))),
        )

    def __str__(self) -> str:
        """Return a short description of its state, for error messages."""
        waiting = [f"{c.name} waits: {c.waiting}" for c in self.containers if c.waiting]
        exited = [f"{c.name} exited with {c.exit_code}" for c in self.containers if c.exit_code]
        details = [*waiting, *exited, *([self.unplaced_why] if self.unplaced_why else [])]
        return f"pod {self.name} is {self.phase}" + (f" ({'; '.join(details)})" if details else "")


@dataclass(frozen=True)
class Job:
    """A Job at one moment; the counts are numbers of pods."""

    name: str
    completions: int | None
    parallelism: int
    active: int
    succeeded: int
    failed: int
    #: How it ended; None while it runs.
    ended: Literal["Complete", "Failed"] | None
    #: The controller's reason and message for the end.
    why: str
    version: int = 0
    #: All conditions, as (type, status, reason, message).
    conditions: tuple[tuple[str, str, str, str], ...] = ()
    #: Its spec forbids the start of its pods.
    suspended: bool = False

    @classmethod
    def of(cls, item: JSON) -> Job:
        spec, status = item["spec"], item.get("status", {})
        true = {c["type"]: c for c in status.get("conditions", []) if c["status"] == "True"}
        ended: Literal["Complete", "Failed"] | None = None
        if "Complete" in true:
            ended = "Complete"
        elif "Failed" in true:
            ended = "Failed"
        end = true.get(ended or "", {})
        return cls(
            name=item["metadata"]["name"],
            completions=spec.get("completions"),
            parallelism=spec.get("parallelism", 1),
            active=status.get("active", 0),
            succeeded=status.get("succeeded", 0),
            failed=status.get("failed", 0),
            ended=ended,
            why=": ".join(filter(None, (end.get("reason"), end.get("message")))),
            version=int(item["metadata"].get("resourceVersion") or 0),
            conditions=tuple(
                (cond["type"], cond["status"], cond.get("reason") or "", cond.get("message") or "")
                for cond in status.get("conditions", [])
            ),
            suspended=bool(spec.get("suspend")),
        )

    def __str__(self) -> str:
        wanted = "" if self.completions is None else f" of {self.completions}"
        return (
            f"Job {self.name} is {self.ended or 'running'}: {self.active} pods active, "
            f"{self.succeeded}{wanted} succeeded, {self.failed} failed"
            + (f" ({self.why})" if self.why else "")
        )


@dataclass(frozen=True)
class ObjectEvent:
    """One event that a component of the cluster recorded about an object."""

    at: str
    kind: str
    about: str
    reason: str
    message: str
    count: int
    #: The object's uid: another object of the same name has a different one.
    uid: str = ""

    @classmethod
    def of(cls, item: JSON) -> ObjectEvent:
        about = item.get("involvedObject", {})
        stamps = (item.get("lastTimestamp"), item.get("eventTime"), item.get("firstTimestamp"))
        return cls(
            at=next(filter(None, stamps), ""),
            kind=item.get("type") or "",
            about=f"{about.get('kind', '?')}/{about.get('name', '?')}",
            reason=item.get("reason") or "",
            message=(item.get("message") or "").strip(),
            count=item.get("count") or 1,
            uid=about.get("uid") or "",
        )

    def __str__(self) -> str:
        times = f" (x{self.count})" if self.count > 1 else ""
        return f"{self.at} {self.kind} {self.about} {self.reason}: {self.message}{times}"


def _timestamp(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _timestamp_or_none(text: str | None) -> datetime | None:
    return _timestamp(text) if text else None
