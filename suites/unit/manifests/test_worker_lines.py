"""What workers write, as events: that they begin and end, and which bytes they work on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.engine.observers.connection_owners import ConnectionOwners
from harness.engine.observers.log_listener import ContainerRun
from harness.engine.observers.pod_recorder import PodRecorder
from harness.engine.observers.recorder import Recorder
from harness.history import (
    ContainerSeen,
    ItemDone,
    ItemStarted,
    LogLine,
    Observation,
    WorkDigested,
    Worker,
)
from harness.infra.kube import Pod
from harness.suites.unit.dsl.history import header

HEX = "0123456789abcdef" * 4
A = Worker("pod-a")


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Callable[[str], list[Observation]]]:
    """The events that a line makes, in the year of the histories' beginning."""
    recording = Recorder(tmp_path / "history.ndjson", header())
    workers = PodRecorder(recording, ConnectionOwners(lambda _: None), "job", [b"apple"])

    def read(text: str) -> list[Observation]:
        before = len(recording.events)
        workers.line(ContainerRun("pod-a", "c", 0), f"2026-01-01T00:00:02Z {text}")
        return [event.what for event in recording.events[before:]]

    yield read
    recording.close()


def ended(second: int) -> dict[str, object]:
    moments = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": f"2026-01-01T00:00:{second:02}Z"}
    return {"terminated": {"exitCode": second, "reason": "Error", **moments}}


def pod(restarts: int, state: dict[str, object], last: dict[str, object]) -> Pod:
    status = {"name": "c", "restartCount": restarts, "state": state, "lastState": last}
    labels = {"batch.kubernetes.io/job-name": "job"}
    return Pod.of(
        {
            "metadata": {"name": "pod-a", "uid": "pod-a", "labels": labels},
            "spec": {"nodeName": "n"},
            "status": {"phase": "Running", "containerStatuses": [status]},
        }
    )


def test_a_container_that_waits_to_be_started_again(tmp_path: Path) -> None:
    """What the cluster calls its last state is then that of the run that it has counted last."""
    recording = Recorder(tmp_path / "history.ndjson", header())
    workers = PodRecorder(recording, ConnectionOwners(lambda _: None), "job", [b"apple"])
    waits: dict[str, object] = {"waiting": {"reason": "CrashLoopBackOff"}}
    runs: dict[str, object] = {"running": {"startedAt": "2026-01-01T00:00:30Z"}}
    for one in (
        pod(0, ended(1), {}),
        pod(1, ended(2), ended(1)),
        pod(1, waits, ended(2)),
        pod(2, runs, ended(2)),
    ):
        workers.pod("modified", one)
    seen = [event.what for event in recording.events if isinstance(event.what, ContainerSeen)]
    recording.close()
    assert [(one.worker.run, one.state, one.exit_code, one.reason) for one in seen] == [
        (0, "terminated", 1, "Error"),
        (1, "terminated", 2, "Error"),
        (2, "waiting", None, "CrashLoopBackOff"),
        (2, "running", None, ""),
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Working on apple", ItemStarted("apple", A, 1, 2.0)),
        ("Done apple", ItemDone("apple", A, 1, 2.0)),
        (f"sha256 {HEX}", WorkDigested(HEX, A, 1, 2.0)),
        (f"read 5 bytes, sha256={HEX.upper()}.", WorkDigested(HEX, A, 1, 2.0)),
        (f"sha256 {HEX}0", None),
        ("sha256 of apple", None),
    ],
)
def test_a_line(
    told: Callable[[str], list[Observation]], text: str, what: Observation | None
) -> None:
    line, *rest = told(text)
    assert isinstance(line, LogLine)
    assert rest == ([] if what is None else [what])
