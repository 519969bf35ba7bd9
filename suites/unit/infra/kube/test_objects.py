"""What the Kubernetes client makes of manifests and of the API's objects: no server needed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.core.clock import now
from harness.core.errors import UsageError
from harness.infra.kube import Job, Pod, load, load_job
from harness.infra.kube.client import namespace_name
from harness.infra.kube.pod_diagnosis import not_ready, stuck

MakePod = Callable[..., dict[str, Any]]


# -- manifests --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b\n  c: [", "does not parse"),
        ("", "is empty"),
        ("---\n---\n", "is empty"),
        ("just words", "no Kubernetes object"),
        ("kind: Job", "no Kubernetes object"),
    ],
)
def test_a_manifest_that_cannot_be_used_says_why(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=message):
        load(file)


def test_a_manifest_that_does_not_parse_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text("kind: Job\nspec: [1, 2\n")
    with pytest.raises(UsageError, match=r"line 3, column 1: expected ',' or ']'"):
        load(file)


def test_a_manifest_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*none\.yaml"):
        load(tmp_path / "none.yaml")


def test_only_one_job_is_the_job_of_a_manifest(tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    service, job = "apiVersion: v1\nkind: Service\n", "apiVersion: batch/v1\nkind: Job\n"
    file.write_text(service)
    with pytest.raises(UsageError, match=r"no Job\n.*\n  saw: Service"):
        load_job(file)
    file.write_text(f"{service}---\n{job}")
    assert load_job(file)["kind"] == "Job"
    file.write_text(f"{job}---\n{job}")
    with pytest.raises(UsageError, match="2 Jobs"):
        load_job(file)


# -- records ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"waiting": {"reason": "ImagePullBackOff", "message": "no x"}}, "ImagePullBackOff: no x"),
        ({"waiting": {"reason": "ErrImageNeverPull"}}, "ErrImageNeverPull"),
        ({"waiting": {"reason": "CrashLoopBackOff"}}, "CrashLoopBackOff (exit code 7)"),
        ({"waiting": {"reason": "ContainerCreating"}}, None),
        ({"running": {}}, None),
    ],
)
def test_what_does_not_pass_by_itself_is_hopeless(
    pod_json: MakePod, state: dict[str, Any], why: str | None
) -> None:
    last = {"terminated": {"exitCode": 7}} if "CrashLoopBackOff" in str(state) else {}
    pod = Pod.of(pod_json("p", state, lastState=last))
    seen = stuck(pod, now(), 60)
    assert seen == (f"container c: {why}" if why else None)


def test_a_pod_without_a_place_is_hopeless_after_a_while(pod_json: MakePod) -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    item = pod_json("p")
    item["status"]["conditions"] = [
        {
            "type": "PodScheduled",
            "status": "False",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
            "message": "0/3 nodes are available",
        }
    ]
    pod = Pod.of(item)
    assert stuck(pod, since + timedelta(seconds=59), 60) is None
    assert stuck(pod, since + timedelta(seconds=61), 60) == "Unschedulable: 0/3 nodes are available"


def test_a_pod_that_has_ended_will_never_be_ready(pod_json: MakePod) -> None:
    item = pod_json("p", {"terminated": {"exitCode": 3}})
    item["status"]["phase"] = "Failed"
    assert not_ready(Pod.of(item), now(), 60) == ("it has ended: pod p is Failed (c exited with 3)")


def test_a_job_has_ended_only_by_a_condition_that_is_true() -> None:
    item: dict[str, Any] = {
        "metadata": {"name": "j"},
        "spec": {"parallelism": 2, "completions": 8},
        "status": {"active": 2, "succeeded": 8, "conditions": []},
    }
    item["status"]["conditions"] = [
        {"type": "SuccessCriteriaMet", "status": "True"},
        {"type": "Complete", "status": "False"},
    ]
    assert Job.of(item).ended is None
    item["status"]["conditions"] = [{"type": "Failed", "status": "True", "reason": "Deadline"}]
    assert (Job.of(item).ended, Job.of(item).why) == ("Failed", "Deadline")
    assert str(Job.of(item)).startswith("Job j is Failed: 2 pods active, 8 of 8 succeeded")


def test_a_namespace_is_named_after_its_test() -> None:
    name = namespace_name("suites/tutorial/test_fine.py::test_page[Ünder_score]")
    assert name.rsplit("-", 1)[0] == "page-nder-score"
    assert len(namespace_name("x" * 300)) <= 63
    assert namespace_name("___").startswith("test-")
