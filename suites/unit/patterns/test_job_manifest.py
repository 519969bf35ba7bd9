"""What is created for each pattern is the page's, with the images and workers at hand."""

from __future__ import annotations

import pytest

from harness.patterns.base import Places
from harness.patterns.coarse.pattern import PATTERN as COARSE
from harness.patterns.coarse.pattern import Coarse
from harness.patterns.command_roles import Roles
from harness.patterns.fine.pattern import PATTERN as FINE
from harness.patterns.fine.pattern import Fine
from harness.patterns.job_manifest import (
    JobOptions,
    broker_manifests,
    tapped_manifests,
    tutorial_job,
    with_workers,
)
from harness.tap import program
from harness.tap.points import Signature
from harness.tap.records import Command


def test_the_fine_job_has_no_completions() -> None:
    spec = FINE.manifest(JobOptions("worker:1", env={"ITEM_SECONDS": "1"}))["spec"]
    assert spec["parallelism"] == 2
    assert "completions" not in spec
    container = spec["template"]["spec"]["containers"][0]
    assert container["image"] == "worker:1"
    assert container["env"] == [{"name": "ITEM_SECONDS", "value": "1"}]


def test_the_coarse_job_has_as_many_completions_as_there_are_messages() -> None:
    spec = COARSE.manifest(JobOptions("worker:1"))["spec"]
    assert (spec["completions"], spec["parallelism"]) == (8, 2)
    assert spec["completions"] == len(COARSE.items)
    assert spec["template"]["spec"]["containers"][0]["env"] == [
        {"name": "BROKER_URL", "value": COARSE.url},
        {"name": "QUEUE", "value": COARSE.queue},
    ]


def test_workers_replace_what_the_page_has_and_leave_the_rest() -> None:
    page = tutorial_job("coarse")
    workers = JobOptions(
        "worker:1",
        parallelism=1,
        completions=3,
        env={"BROKER_URL": COARSE.url_by_address},
        pod={"dnsPolicy": "Default"},
    )
    spec = with_workers(page, workers)["spec"]
    assert (spec["completions"], spec["parallelism"]) == (3, 1)
    pod = spec["template"]["spec"]
    assert (pod["dnsPolicy"], pod["restartPolicy"]) == ("Default", "OnFailure")
    assert pod["containers"][0]["env"] == [
        {"name": "QUEUE", "value": "job1"},
        {"name": "BROKER_URL", "value": COARSE.url_by_address},
    ]
    assert page == tutorial_job("coarse")


@pytest.mark.parametrize("pattern", [FINE, COARSE], ids=lambda pattern: str(pattern.name))
def test_a_broker_has_the_names_of_the_page_and_the_image_at_hand(pattern: Fine | Coarse) -> None:
    manifests = broker_manifests(pattern.name, "broker:1")
    service = next(one for one in manifests if one["kind"] == "Service")
    broker = next(one for one in manifests if one["kind"] != "Service")
    assert service["metadata"]["name"] == pattern.service
    assert broker["metadata"]["name"] == pattern.broker_pod.removesuffix("-0")
    pod = broker["spec"].get("template", broker)["spec"]
    labels = broker["spec"].get("template", broker)["metadata"]["labels"]
    assert [one["image"] for one in pod["containers"]] == ["broker:1"]
    assert service["spec"]["selector"].items() <= labels.items()


@pytest.mark.parametrize("pattern", [FINE, COARSE], ids=lambda pattern: str(pattern.name))
def test_a_tap_stands_where_workers_look_for_the_broker(pattern: Fine | Coarse) -> None:
    plain = broker_manifests(pattern.name, "broker:1")
    tapped = tapped_manifests(pattern.name, "broker:1", "tap:1")
    names = [(one["kind"], one["metadata"]) for one in plain]
    assert sorted(map(str, names)) == sorted(str((one["kind"], one["metadata"])) for one in tapped)
    service = next(one for one in tapped if one["kind"] == "Service")
    broker = next(one for one in tapped if one["kind"] != "Service")
    pod = broker["spec"].get("template", broker)["spec"]
    containers = {one["name"]: one for one in pod["containers"]}
    assert len(containers) == 2
    assert {one["image"] for one in containers.values()} == {"broker:1", "tap:1"}
    tap = containers["tap"]
    assert tap["image"] == "tap:1"
    (port,) = service["spec"]["ports"]
    listen = {"containerPort": port["targetPort"]}
    assert listen in tap["ports"]
    chosen = program.options(tap["args"])
    assert chosen.listen == port["targetPort"] != chosen.upstream[1]
    assert tap["readinessProbe"]["tcpSocket"]["port"] == chosen.control
    (told,) = (one for name, one in containers.items() if name != "tap")
    said = [*told.get("args", []), *(one["value"] for one in told.get("env", []))]
    assert str(chosen.upstream[1]) in said


@pytest.mark.parametrize("pattern", [FINE, COARSE], ids=lambda one: one.name)
def test_the_broker_s_data_outlive_its_container(pattern: Fine | Coarse) -> None:
    """And not its pod: what is lost with a disk can be wiped there."""
    (pod,) = (
        one["spec"].get("template", one)["spec"]
        for one in tapped_manifests(pattern.name, "broker:1", "tap:1")
        if one["kind"] != "Service"
    )
    assert {"name": pattern.broker_volume, "emptyDir": {}} in pod["volumes"]
    (broker,) = (one for one in pod["containers"] if one["name"] == pattern.broker_container)
    assert broker["image"] == "broker:1"
    assert [one["name"] for one in broker["volumeMounts"]] == [pattern.broker_volume]


def test_what_an_item_in_other_bytes_means_by_its_place() -> None:
    places = Places(("held",), ("dead",), lambda place: place == "results")
    told = {place: places.where(place, expires=False) for place in ("held", "dead", "results", "x")}
    assert told == {"held": "leased", "dead": "dead", "results": None, "x": "dead"}
    assert places.where("held", expires=True) == "leased"
    assert places.where("dead", expires=True) is places.where("x", expires=True) is None
    # While the fault-free run goes on, it is not known yet where successes write.
    assert Places().where("x", expires=False) is None


@pytest.mark.parametrize(
    ("lists", "many"),
    [
        (("q:doing:job-x7k2p-1a2b3c", "q:doing:job-b9cd4-77aa10"), True),
        (("q:doing", "q:saving"), False),
        (("q:doing:job-x7k2p",), False),
    ],
)
def test_of_a_list_for_each_worker_all_are_meant(lists: tuple[str, ...], many: bool) -> None:
    keys = tuple(one.encode() for one in lists)
    settles = tuple(Signature("LREM", key) for key in keys)
    point = FINE.points(Roles(settles=settles, processing=keys), [b"a"]).settling
    assert point is not None
    known, other = (
        Command(1, 1, (b"LREM", key, b"1", b"a")) for key in (keys[0], b"q:doing:job-z55zz-0f0f0f")
    )
    assert (point.fits(known), point.fits(other)) == (True, many)
    assert not point.fits(Command(1, 1, (b"LREM", b"other", b"1", b"a")))
