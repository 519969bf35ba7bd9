"""Why no worker gets to run, or a pod does not end, although the worker could do nothing for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.checks.model import not_running
from harness.core.errors import InfrastructureError, UsageError
from harness.engine.observers.cluster_warnings import WarningWatcher
from harness.engine.observers.connection_owners import ConnectionOwners
from harness.engine.observers.log_listener import ContainerRun
from harness.engine.observers.pod_recorder import PodRecorder
from harness.engine.observers.recorder import Recorder
from harness.engine.run_spec import RunSpec, job_manifest
from harness.engine.scenario import ScenarioContext, find_scenario
from harness.engine.worker.worker_under_test import WorkerUnderTest
from harness.history import (
    ContainerSeen,
    JobSeen,
    OtherContainerSeen,
    OtherLogLine,
    PodSeen,
    WarningSeen,
    Worker,
)
from harness.infra.kube import Job, Pod
from harness.infra.kube.objects import ObjectEvent
from harness.patterns.coarse.pattern import PATTERN as COARSE
from harness.patterns.job_manifest import tutorial_job, with_workers, worker_container
from harness.suites.unit.dsl.history import Tale, header


def job(*, suspended: bool = False) -> JobSeen:
    return JobSeen("job", 1, 2, None, 0, 0, 0, (), suspended)


def unplaced(why: str) -> Tale:
    tale = Tale("fine")
    tale.waits(1, "a", f"Unschedulable: {why}")
    return tale


def waiting(reason: str, why: str = "", state: str = "waiting") -> Tale:
    tale = Tale("fine")
    tale.waits(1, "a", reason=reason, why=why, state=state)
    return tale


def before(state: str, **fields: Any) -> Tale:
    """An init container in this state."""
    tale = Tale("fine")
    tale.waits(1, "a", reason="PodInitializing")
    tale.other(2, "a", "migrate", state, kind="init", **fields)
    return tale


def warned(reason: str, why: str, about: str = "Job/job") -> Tale:
    tale = Tale("fine")
    tale.put(1, "warnings", WarningSeen(about, reason, why))
    return tale


def suspended() -> Tale:
    tale = Tale("fine")
    tale.put(1, "job", job(suspended=True))
    return tale


def out_of_memory() -> Tale:
    tale = Tale("fine")
    for run in (0, 1):
        end = ContainerSeen(Worker("uid-a", run), "terminated", 5, reason="OOMKilled")
        tale.put(1 + run, "pods", end)
    return tale


@pytest.mark.parametrize(
    ("tale", "why", "todo"),
    [
        (suspended(), "suspended: nothing will start it", "spec.suspend"),
        (unplaced("0/1 nodes: Insufficient cpu."), "Insufficient cpu", "resources.requests"),
        (unplaced("didn't match node selector."), "node selector", "nodeSelector"),
        (unplaced("had untolerated taint"), "untolerated", "tolerations"),
        (unplaced("something"), "something", "asks of a node"),
        (waiting("ErrImageNeverPull", "no such image"), "no such image", "the image"),
        (waiting("CreateContainerConfigError", 'secret "x" not found'), "secret", "--manifests"),
        (
            waiting("StartError", "OOM-killed (memory limit too low?)", "terminated"),
            "OOM",
            "limits",
        ),
        (waiting("StartError", "exec: not found", "terminated"), "not found", "command"),
        (before("waiting", reason="CrashLoopBackOff"), "'migrate' of pod pod-a fails", "init"),
        (before("waiting", reason="ImagePullBackOff", why="gone"), "gone", "initContainers"),
        (warned("FailedCreate", "exceeded quota: q"), "exceeded quota", "resources"),
        (warned("FailedCreate", "no service account"), "no service account", "spec.template"),
        (warned("FailedMount", 'configmap "c" not found', "Pod/job-x"), "configmap", "volumes"),
        (out_of_memory(), "OOMKilled 2 times", "limits.memory"),
    ],
)
def test_why_no_worker_runs(tale: Tale, why: str, todo: str) -> None:
    found = not_running(tale.view().standing)
    assert found is not None
    assert why in found.why
    assert todo in found.todo


@pytest.mark.parametrize(
    "tale",
    [
        Tale("fine"),
        waiting("ContainerCreating"),
        before("running"),
        before("terminated", exit_code=0),
        before("terminated", exit_code=1),  # it may be tried again
        warned("BackOff", "again"),
    ],
)
def test_what_may_still_come(tale: Tale) -> None:
    assert not_running(tale.view().standing) is None


def test_pods_that_were_there_need_no_quota() -> None:
    tale = warned("FailedCreate", "exceeded quota")
    tale.came(2, "a")
    assert not_running(tale.view().standing) is None


# -- told at once, and in words ---------------------------------------------------------------


def context(tale: Tale, moment: float) -> Any:
    """As much of a context as it takes to look at a history."""
    recording: Any = SimpleNamespace(events=tale.events, elapsed=lambda: moment)
    made = object.__new__(ScenarioContext)
    made.recorder = recording
    return made


def test_an_obstacle_ends_the_wait_when_it_has_lasted() -> None:
    tale = suspended()
    assert context(tale, 5)._connected(tale.events) is None
    with pytest.raises(InfrastructureError) as caught:
        context(tale, 30)._connected(tale.events)
    assert "the Job is suspended: nothing will start it" in caught.value.what
    assert "--env" not in str(caught.value)


def test_a_job_that_failed_before_anybody_connected() -> None:
    tale = Tale("fine")
    tale.job_is(3, "Failed", "BackoffLimitExceeded", "too often")
    with pytest.raises(InfrastructureError, match="BackoffLimitExceeded"):
        context(tale, 4)._connected(tale.events)


def test_who_has_connected_has_no_obstacle() -> None:
    tale = suspended()
    tale.came(2, "a")
    assert context(tale, 99)._connected(tale.events) is True


# -- before anything is created -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"suspend": True}, "suspended: nothing will start it"),
        ({"parallelism": 0}, "parallelism is 0"),
        ({"completions": 0}, "completions are 0"),
        ({"managedBy": "kueue.x-k8s.io/multikueue"}, "managed by kueue"),
        ({"template": {"spec": {"restartPolicy": "Always"}}}, "restartPolicy Always"),
    ],
)
def test_a_job_that_never_starts_is_refused(spec: dict[str, Any], words: str) -> None:
    worker = WorkerUnderTest("x", "fine", job=Path("job.yaml"))
    with pytest.raises(UsageError, match=words) as caught:
        worker.check_job({"metadata": {"name": "a"}, "spec": {"template": {}, **spec}})
    assert "spec." in caught.value.todo


def test_a_job_without_a_name_of_its_own() -> None:
    worker = WorkerUnderTest("x", "fine", job=Path("job.yaml"))
    with pytest.raises(UsageError, match="no name"):
        worker.check_job({"metadata": {"generateName": "a-"}, "spec": {}})


@pytest.mark.parametrize("spec", [{}, {"suspend": False, "parallelism": 1}])
def test_a_job_that_starts(spec: dict[str, Any]) -> None:
    WorkerUnderTest("x", "fine").check_job({"metadata": {"name": "a"}, "spec": spec})


# -- a scenario of another shape ------------------------------------------------------------------

OWN = """
apiVersion: batch/v1
kind: Job
metadata: {name: mine, namespace: production}
spec:
  completions: 8
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      serviceAccountName: mine
      containers:
        - name: beside
          image: proxy
        - name: worker
          image: theirs
          command: ["run"]
          env: [{name: MODE, value: fast}, {name: QUEUE, value: mine}]
"""


def part(scenario: str, folder: Path) -> RunSpec:
    (folder / "job.yaml").write_text(OWN)
    worker = WorkerUnderTest("x", "coarse", job=folder / "job.yaml", container="worker")
    station: Any = SimpleNamespace(pattern=COARSE)
    return RunSpec(worker, "x", find_scenario(scenario), station, Any)  # type: ignore[arg-type]  # not asked


def test_the_task_pages_job_has_the_owners_worker(tmp_path: Path) -> None:
    """Its shape is the scenario's; how the worker is started, its owner's Job says."""
    one = part("scale_up", tmp_path)
    made = job_manifest(one, 8)
    container = worker_container(made, one.container)
    assert made["metadata"]["name"] == COARSE.job
    assert made["spec"]["parallelism"] == 1
    assert container["image"] == "x"
    assert container["command"] == ["run"]
    env = {each["name"]: each["value"] for each in container["env"]}
    assert env["MODE"] == "fast"
    assert env["QUEUE"] == "mine"
    assert "BROKER_URL" in env
    assert made["spec"]["template"]["spec"]["serviceAccountName"] == "mine"
    assert len(made["spec"]["template"]["spec"]["containers"]) == 1


def test_the_owners_job_runs_in_the_harness_namespace(tmp_path: Path) -> None:
    one = part("fault_free", tmp_path)
    made = job_manifest(one, 8)
    assert made["metadata"] == {"name": "mine"}
    assert worker_container(made, one.container)["name"] == "worker"
    assert made["spec"]["backoffLimit"] == 0


def test_the_task_pages_job_alone_is_as_it_was() -> None:
    from harness.patterns.job_manifest import JobOptions as Run_  # noqa: PLC0415  # another class of this name

    made = with_workers(tutorial_job("coarse"), Run_("x", parallelism=3))
    page = tutorial_job("coarse")
    assert made["spec"]["parallelism"] == 3
    assert made["metadata"] == page["metadata"]


# -- what is recorded -----------------------------------------------------------------------------


def pod(init: dict[str, Any], beside: dict[str, Any]) -> Pod:
    return Pod.of(
        {
            "metadata": {
                "name": "job-a",
                "uid": "uid-a",
                "labels": {"batch.kubernetes.io/job-name": "job"},
            },
            "spec": {
                "initContainers": [{"name": "mesh", "restartPolicy": "Always"}, {"name": "first"}]
            },
            "status": {
                "phase": "Pending",
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "lastTransitionTime": "2026-01-01T00:00:00Z",
                        "message": "no room",
                    }
                ],
                "initContainerStatuses": [
                    {"name": "mesh", "restartCount": 0, "state": {"running": {"startedAt": None}}},
                    {"name": "first", "restartCount": 0, "state": init},
                ],
                "containerStatuses": [
                    {"name": "worker", "restartCount": 0, "state": {"waiting": {"reason": "w"}}},
                    {"name": "proxy", "restartCount": 0, "state": beside},
                ],
            },
        }
    )


def test_all_containers_of_a_pod_are_recorded(tmp_path: Path) -> None:
    recording = Recorder(tmp_path / "history.ndjson", header())
    workers = PodRecorder(
        recording, ConnectionOwners(lambda _: None), "job", [b"x"], container="worker"
    )
    ended = {"terminated": {"exitCode": 3, "reason": "Error", "message": "broken"}}
    one = pod(ended, {"running": {"startedAt": None}})
    workers.pod("added", one)
    workers.pod("modified", one)
    assert workers.wanted(one, "first")
    workers.line(ContainerRun("job-a", "first", 0), "2026-01-01T00:00:02Z no database")
    workers.ended(ContainerRun("job-a", "first", 0), "")
    seen = [event.what for event in recording.events]
    recording.close()
    others = [what for what in seen if isinstance(what, OtherContainerSeen)]
    assert [(what.container, what.kind, what.state, what.exit_code) for what in others] == [
        ("mesh", "sidecar", "running", None),
        ("first", "init", "terminated", 3),
        ("proxy", "beside", "running", None),
    ]
    assert others[1].why == "broken"
    assert [what.text for what in seen if isinstance(what, OtherLogLine)] == ["no database"]
    assert {what.why for what in seen if isinstance(what, PodSeen)} == {"Unschedulable: no room"}
    assert sum(isinstance(what, ContainerSeen) for what in seen) == 1


def test_a_suspended_job_is_read_as_such() -> None:
    made = Job.of({"metadata": {"name": "a"}, "spec": {"suspend": True}})
    assert made.suspended
    assert not Job.of({"metadata": {"name": "a"}, "spec": {}}).suspended


def test_warnings_are_recorded_once_and_only_this_runs(tmp_path: Path) -> None:
    told = [
        [ObjectEvent("", "Warning", "Job/job", "FailedCreate", "of an earlier run", 1, "old")],
        [
            ObjectEvent("", "Warning", "Job/job", "FailedCreate", "of an earlier run", 2, "old"),
            ObjectEvent("", "Warning", "Job/job", "FailedCreate", "exceeded quota", 1, "new"),
            ObjectEvent("", "Warning", "Pod/job-x", "FailedMount", "no volume", 1, "pod"),
            ObjectEvent("", "Warning", "Pod/redis-master", "Unhealthy", "slow", 1, "broker"),
        ],
    ]
    namespace: Any = SimpleNamespace(warnings=lambda: told[-1])
    recording = Recorder(tmp_path / "history.ndjson", header())
    watcher = WarningWatcher(namespace, "job", recording)
    later, told = told, told[:1]
    watcher._look(record=False)
    told = later
    watcher._look(record=True)
    watcher._look(record=True)
    seen = [event.what for event in recording.events]
    recording.close()
    assert seen == [
        WarningSeen("Job/job", "FailedCreate", "exceeded quota"),
        WarningSeen("Pod/job-x", "FailedMount", "no volume"),
    ]
