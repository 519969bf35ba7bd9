"""What we read of Kubernetes objects: frozen records, made from the API's own JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

JSON = Mapping[str, Any]


@dataclass(frozen=True)
class State:
    """How one run of a container stands; the moments are the kubelet's, in whole seconds."""

    name: Literal["waiting", "running", "terminated"]
    reason: str = ""
    exit_code: int | None = None
    signal: int | None = None
    started: datetime | None = None
    finished: datetime | None = None
    #: The reason in the kubelet's or the runtime's words.
    why: str = ""
    #: The container's id, of one that has ended.
    container: str = ""

    @classmethod
    def of(cls, state: JSON) -> State:
        if ended := state.get("terminated"):
            return cls(
                "terminated",
                ended.get("reason") or "",
                ended.get("exitCode"),
                ended.get("signal"),
                _moment_or_none(ended.get("startedAt")),
                _moment_or_none(ended.get("finishedAt")),
                (ended.get("message") or "").strip(),
                (ended.get("containerID") or "").rpartition("/")[2],
            )
        if runs := state.get("running"):
            return cls("running", started=_moment_or_none(runs.get("startedAt")))
        waits = state.get("waiting") or {}
        # The words of a back-off change with each try, and say no more than its reason.
        why = "" if waits.get("reason") == "CrashLoopBackOff" else waits.get("message") or ""
        return cls("waiting", waits.get("reason") or "", why=why.strip())


@dataclass(frozen=True)
class Container:
    """The state of one container of a pod, in its present run (`restarts` counts earlier ones)."""

    name: str
    image: str
    ready: bool
    restarts: int
    running: bool
    #: It runs or has run: there is a log.
    started: bool
    #: Why it waits, as "ImagePullBackOff: Back-off pulling …"; empty when it does not.
    waiting: str
    #: Exit code of the present run, or else of the one before; None while there is none.
    exit_code: int | None
    #: How the present run stands, and how the one before it ended.
    now: State
    last: State | None = None
    #: Whether the pod starts it before the others, and whether its end is waited for.
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
    """A node: whether its kubelet is heard of, and the keys of the taints that keep pods away."""

    name: str
    ready: bool
    taints: tuple[str, ...] = ()

    @classmethod
    def of(cls, item: JSON) -> Node:
        conditions = {c["type"]: c["status"] for c in item.get("status", {}).get("conditions", [])}
        return cls(
            item["metadata"]["name"],
            conditions.get("Ready") == "True",
            tuple(dict.fromkeys(one["key"] for one in item.get("spec", {}).get("taints") or ())),
        )

    def __str__(self) -> str:
        state = "ready" if self.ready else "not ready"
        return f"{self.name}: {state}, taints {', '.join(self.taints) or 'none'}"


@dataclass(frozen=True)
class Pod:
    """A pod as it was at one moment."""

    name: str
    uid: str
    phase: str
    ready: bool
    node: str
    containers: tuple[Container, ...]
    #: Since when the scheduler finds no place for it, and its words; None and "" when it has one.
    unplaced_since: datetime | None
    unplaced_why: str
    #: Its address in the cluster; empty until it has one.
    address: str = ""
    #: Grows with every change of any object.
    version: int = 0
    #: It has been asked to end.
    deleting: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    #: Why it has failed or was turned away, as "Evicted: …"; empty where it was not.
    why: str = ""

    @classmethod
    def of(cls, item: JSON) -> Pod:
        status = item.get("status", {})
        conditions = {c["type"]: c for c in status.get("conditions", [])}
        placed = conditions.get("PodScheduled", {})
        unplaced = placed.get("status") == "False"
        goes_on = {
            one["name"]
            for one in item["spec"].get("initContainers") or ()
            if one.get("restartPolicy") == "Always"
        }
        return cls(
            name=item["metadata"]["name"],
            uid=item["metadata"]["uid"],
            phase=status.get("phase", "Unknown"),
            ready=conditions.get("Ready", {}).get("status") == "True",
            node=item["spec"].get("nodeName", ""),
            containers=(
                *(
                    Container.of(one, "sidecar" if one["name"] in goes_on else "init")
                    for one in status.get("initContainerStatuses", [])
                ),
                *(Container.of(one) for one in status.get("containerStatuses", [])),
            ),
            unplaced_since=_moment(placed["lastTransitionTime"]) if unplaced else None,
            unplaced_why=placed.get("message", "") if unplaced else "",
            address=status.get("podIP", ""),
            version=int(item["metadata"].get("resourceVersion") or 0),
            deleting="deletionTimestamp" in item["metadata"],
            labels=item["metadata"].get("labels") or {},
            why=": ".join(filter(None, (status.get("reason"), status.get("message")))),
        )

    def __str__(self) -> str:
        """A few words for error messages: where it is in its life."""
        waits = [f"{c.name} waits: {c.waiting}" for c in self.containers if c.waiting]
        ends = [f"{c.name} exited with {c.exit_code}" for c in self.containers if c.exit_code]
        details = [*waits, *ends, *([self.unplaced_why] if self.unplaced_why else [])]
        return f"pod {self.name} is {self.phase}" + (f" ({'; '.join(details)})" if details else "")


@dataclass(frozen=True)
class Job:
    """A Job as it was at one moment; the counts are of pods."""

    name: str
    completions: int | None
    parallelism: int
    active: int
    succeeded: int
    failed: int
    #: How it ended, None while it has not.
    ended: Literal["Complete", "Failed"] | None
    #: Why it ended so, in the controller's words.
    why: str
    version: int = 0
    #: All conditions: type, status, reason, message.
    conditions: tuple[tuple[str, str, str, str], ...] = ()
    #: Its spec says that no pod of it may start.
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
                (one["type"], one["status"], one.get("reason") or "", one.get("message") or "")
                for one in status.get("conditions", [])
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
    """One line of what the cluster's parts say about an object."""

    at: str
    kind: str
    about: str
    reason: str
    message: str
    count: int
    #: The object's own id: another one of the same name has another.
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


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _moment_or_none(text: str | None) -> datetime | None:
    return _moment(text) if text else None
