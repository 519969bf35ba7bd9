"""The follower keeps every line once, whatever breaks; the dump never costs what it can have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.core.clock import NotYet, wait_until
from harness.engine.observers.log_follower import LogFollower, following
from harness.engine.observers.namespace_dump import dump

MakePod = Callable[..., dict[str, Any]]
PODS = "GET /api/v1/namespaces/n/pods"
WATCH = "WATCH /api/v1/namespaces/n/pods"
LOG = "GET /api/v1/namespaces/n/pods/p/log"

ODD = "2026-01-01T00:00:01.5Z one \x0c page, \r return, \x85 and \u2028 more\n"
ONE, TWO, THREE = (f"2026-01-01T00:00:0{n}.5Z line {n}\n" for n in (1, 2, 3))


def listed(*pods: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": "5"}, "items": list(pods)}


def change(kind: str, thing: dict[str, Any]) -> str:
    return json.dumps({"type": kind, "object": thing}) + "\n"


def wait_lines(follower: LogFollower, expected: list[str]) -> None:
    def probe() -> None:
        if (seen := follower.lines("p")) != expected:
            raise NotYet(str(seen))

    wait_until(f"the lines {expected}", probe, timeout=10, interval=0.05)


def test_a_log_that_breaks_is_taken_up_where_it_was(
    fake_api: Any, pod_json: MakePod, tmp_path: Path
) -> None:
    running = pod_json("p", {"running": {}})
    fake_api.on(PODS, fake_api.json(listed(running)))
    fake_api.on(PODS + "/p", fake_api.json(running))
    fake_api.on(WATCH, fake_api.stream(held=True))
    fake_api.on(
        LOG,
        fake_api.stream(ONE, TWO[:9], cut=True),
        fake_api.stream(ONE, TWO, THREE, held=True),
    )
    with following(fake_api.namespace, tmp_path / "logs") as follower:
        wait_lines(follower, ["line 1", "line 2", "line 3"])
    assert (tmp_path / "logs" / "p.c.0.log").read_text() == ONE + TWO + THREE
    assert "lost the connection" in (tmp_path / "logs" / "follower.txt").read_text()


def test_a_watch_that_breaks_or_is_too_old_begins_anew(
    fake_api: Any, pod_json: MakePod, tmp_path: Path
) -> None:
    waiting, running = pod_json("p"), pod_json("p", {"running": {}})
    gone = {"kind": "Status", "code": 410, "message": "too old resource version"}
    fake_api.on(PODS, fake_api.json(listed()))
    fake_api.on(
        WATCH,
        fake_api.stream(change("ADDED", waiting), cut=True),
        fake_api.stream(change("ERROR", gone)),
        fake_api.stream(change("BOOKMARK", pod_json("")), change("MODIFIED", running), held=True),
    )
    fake_api.on(LOG, fake_api.stream(ONE, held=True))
    with following(fake_api.namespace, tmp_path) as follower:
        wait_lines(follower, ["line 1"])
    assert fake_api.asked.count(WATCH) == 3


def test_a_container_that_was_restarted_leaves_both_logs(
    fake_api: Any, pod_json: MakePod, tmp_path: Path
) -> None:
    ended = {"terminated": {"exitCode": 1}}
    again = pod_json("p", {"running": {}}, restartCount=1, lastState=ended)
    fake_api.on(PODS, fake_api.json(listed(again)))
    fake_api.on(WATCH, fake_api.stream(held=True))
    # Both runs give the same here: that there are two files is the point.
    fake_api.on(LOG, fake_api.stream(ONE, held=True))
    with following(fake_api.namespace, tmp_path) as follower:
        wait_lines(follower, ["line 1", "line 1"])
    assert {file.name for file in tmp_path.glob("*.log")} == {"p.c.0.log", "p.c.1.log"}


def test_the_next_runs_lines_are_not_taken_for_this_ones(
    fake_api: Any, pod_json: MakePod, tmp_path: Path
) -> None:
    """A container that has just died is called running; its log is then its next run's."""
    first = pod_json("p", {"running": {}})
    next_one = pod_json("p", {"running": {}}, restartCount=1)
    fake_api.on(PODS, fake_api.json(listed(first)))
    fake_api.on(PODS + "/p", fake_api.json(first), fake_api.json(next_one))
    fake_api.on(WATCH, fake_api.stream(held=True))
    # The stream brought a line of the next run; the log of the previous run has what is true.
    fake_api.on(LOG, fake_api.stream(ONE, THREE), fake_api.stream(ONE, TWO))
    with following(fake_api.namespace, tmp_path) as follower:
        wait_lines(follower, ["line 1", "line 2"])
    assert (tmp_path / "p.c.0.log").read_text() == ONE + TWO


class Ear:
    """What a listener is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []
        self.ends: list[tuple[int, str]] = []
        self.gaps: list[str] = []

    def pod(self, change: Any, pod: Any) -> None: ...

    def line(self, run: Any, line: str) -> None:
        self.lines.append((run.number, line + "\n"))

    def ended(self, run: Any, why: str) -> None:
        self.ends.append((run.number, why))

    def missed(self, what: str) -> None:
        self.gaps.append(what)


def wait_ends(ear: Ear, count: int) -> None:
    def probe() -> None:
        if len(ear.ends) < count:
            raise NotYet(f"{ear.ends}")

    wait_until(f"{count} logs to end", probe, timeout=10, interval=0.05)


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        # The kubelet has thrown the log away: the stream had brought all of it.
        ("unable to retrieve container logs for containerd://8\n", ([ONE], 0)),
        # The stream had been cut short.
        (ONE + TWO, ([ONE, TWO], 0)),
        # The stream was the next run's.
        (TWO, ([ONE], 1)),
        # What looks like the end of a line to others is a part of it.
        (ODD + TWO, ([ODD, TWO], 0)),
    ],
)
def test_what_a_restart_leaves_of_a_log(
    fake_api: Any, pod_json: MakePod, tmp_path: Path, kept: str, expected: tuple[list[str], int]
) -> None:
    first = pod_json("p", {"running": {}})
    began = {"startedAt": "2026-01-01T00:00:05Z"}
    next_one = pod_json("p", {"running": began}, restartCount=1)
    fake_api.on(PODS, fake_api.json(listed(first)))
    fake_api.on(PODS + "/p", fake_api.json(next_one))
    fake_api.on(WATCH, fake_api.stream(held=True))
    came = ODD if kept.startswith(ODD) else ONE
    fake_api.on(LOG, fake_api.stream(came), fake_api.stream(kept))
    ear = Ear()
    with following(fake_api.namespace, tmp_path, ear):
        wait_ends(ear, 1)
    assert ear.ends == [(0, "")]
    assert ([line for _, line in ear.lines], len(ear.gaps)) == expected


@pytest.mark.parametrize(
    ("present", "gaps"),
    [
        (TWO, 0),
        ("", 0),  # it has written nothing, so nothing can be taken for another's
        (ONE, 1),
        (None, 1),  # the pod is gone
    ],
)
def test_a_restart_within_the_second_of_the_last_line(
    fake_api: Any, pod_json: MakePod, tmp_path: Path, present: str | None, gaps: int
) -> None:
    """What was kept of the run is gone: then the next one's first line tells whose that line is."""
    first = pod_json("p", {"running": {}})
    began = {"startedAt": "2026-01-01T00:00:01Z"}
    next_one = pod_json("p", {"running": began}, restartCount=1)
    fake_api.on(PODS, fake_api.json(listed(first)))
    fake_api.on(PODS + "/p", fake_api.json(next_one))
    fake_api.on(WATCH, fake_api.stream(held=True))
    answer = fake_api.no(404, "gone") if present is None else fake_api.stream(present)
    fake_api.on(LOG, fake_api.stream(ONE), fake_api.stream("unable to retrieve\n"), answer)
    ear = Ear()
    with following(fake_api.namespace, tmp_path, ear):
        wait_ends(ear, 1)
    assert ([line for _, line in ear.lines], len(ear.gaps)) == ([ONE], gaps)


def test_the_log_of_a_pod_that_is_gone_stays(
    fake_api: Any, pod_json: MakePod, tmp_path: Path
) -> None:
    running = pod_json("p", {"running": {}})
    fake_api.on(PODS, fake_api.json(listed(running)))
    fake_api.on(WATCH, fake_api.stream(change("DELETED", running), held=True))
    fake_api.on(LOG, fake_api.stream(ONE, TWO))  # and then: pod p not found
    with following(fake_api.namespace, tmp_path) as follower:
        wait_lines(follower, ["line 1", "line 2"])


def test_a_dump_has_what_can_be_had(fake_api: Any, tmp_path: Path) -> None:
    event = {
        "type": "Warning",
        "reason": "Unhealthy",
        "message": "no answer",
        "count": 3,
        "lastTimestamp": "2026-01-01T00:00:00Z",
        "involvedObject": {"kind": "Pod", "name": "p"},
    }
    fake_api.on("GET /api/v1/namespaces/n/events", fake_api.json({"items": [event]}))

    def broken() -> str:
        raise ConnectionResetError("no broker")

    files = dump(fake_api.namespace, tmp_path, {"redis": broken, "rabbitmq": lambda: "empty"})
    told = {file.name: file.read_text() for file in files}
    assert told["events.txt"] == ("2026-01-01T00:00:00Z Warning Pod/p Unhealthy: no answer (x3)\n")
    # The kubectl of the fake cluster repeats its arguments.
    assert told["jobs.txt"] == "--namespace n describe jobs\n"
    assert told["redis.txt"] == "not to be had: ConnectionResetError: no broker\n"
    assert told["rabbitmq.txt"] == "empty\n"
