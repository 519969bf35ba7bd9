"""The reference workers in the pages' Jobs: what breaks the pages' own does not break them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from allure import step
from redis import Redis

from harness.core.clock import NotYet, wait_until
from harness.engine.observers.log_follower import LogFollower
from harness.fixtures.cluster import LoadedImages
from harness.infra.docker import Docker
from harness.infra.kube import Namespace
from harness.patterns.coarse.broker import Depth
from harness.patterns.coarse.pattern import PATTERN as COARSE
from harness.patterns.fine.pattern import PATTERN as FINE
from harness.patterns.job_manifest import JobOptions
from harness.suites.tutorial.page import after, logs_of, wait_complete
from harness.suites.tutorial.test_coarse import drain, wait_depth

FINE_WORKER = "reference-fine"
COARSE_WORKER = "reference-coarse"
#: Seconds that the work on an item takes where a harm has to come in the middle of it.
LONG = 3
#: What a dead worker holds up, in seconds; the default, as on the page, is 10.
LEASE = 4
KILLED = 137


def test_fine_without_a_fault(namespace: Namespace, images: LoadedImages, redis: Redis) -> None:
    """Every item is done exactly once, also where two are equal."""
    items = [*FINE.items, FINE.items[0]]
    with step("Ten items, two of them equal, two workers"):
        run_fine(namespace, images, redis, items, ITEM_SECONDS="1")

    with step("The Job is Complete, all keys are gone"):
        wait_complete(namespace, FINE.job)
        assert keys(redis) == []

    with step("Each item was begun and done exactly once"):
        lines = [line for pod in logs_of(namespace, FINE.job).values() for line in pod]
        assert sorted(after("Working on ", lines)) == sorted(items)
        assert sorted(after("Done ", lines)) == sorted(items)


@pytest.mark.parametrize("harm", ["deleted", "killed", "frozen"])
def test_fine_worker_hurt_in_mid_item(
    namespace: Namespace,
    images: LoadedImages,
    redis: Redis,
    logs: LogFollower,
    test_folder: Path,
    *,
    harm: str,
) -> None:
    """The page's worker leaves the item for ever; of these another takes it over.

    Deleted with grace 0, a worker gives its item back; killed, its lease runs out; frozen past its
    lease, it learns that the item is no longer its own.
    """
    items = FINE.items[:4]
    with step(f"Four items of {LONG} s, two workers"):
        run_fine(namespace, images, redis, items)

    with step(f"In the middle of an item, a worker is {harm}"):
        victim, item = wait_at_work(namespace, logs, FINE.job, "Working on ")
        if harm == "deleted":
            namespace.delete_pod(victim, grace=0)
        else:
            send(namespace, victim, "SIGKILL" if harm == "killed" else "SIGSTOP")

    with step("All items are done, and all keys gone"):
        wait_gone(namespace, redis)

    if harm == "frozen":
        with step("It goes on: its lease is lost, and what it did is void"):
            send(namespace, victim, "SIGCONT")
            wait_line(namespace, logs, victim, f"Lost the lease on {item}", f"Too late with {item}")

    with step("The Job is Complete, all keys are gone"):
        wait_complete(namespace, FINE.job)
        assert keys(redis) == []

    with step("The harm came in time: another began that item again; each was done exactly once"):
        lines = all_lines(namespace, logs, test_folder, FINE.job, "Queue empty, exiting")
        assert sorted(after("Working on ", lines)) == sorted([*items, item])
        void = after("Too late with ", lines)
        assert void in ([], [item] if harm == "frozen" else [])
        assert sorted(after("Done ", lines)) == sorted([*items, *void])


def test_fine_failing_item(
    namespace: Namespace, images: LoadedImages, redis: Redis, logs: LogFollower, test_folder: Path
) -> None:
    """It is tried so many times, each failure shows, then it is set aside; the rest is done."""
    failing, *others = items = FINE.items[:4]
    with step("Four items, of which the first always fails; two workers, two attempts"):
        env = {"FAIL_ITEM": failing, "MAX_ATTEMPTS": "2", "ITEM_SECONDS": "1"}
        run_fine(namespace, images, redis, items, **env)

    with step("The Job is Complete; only the failing item is left, set aside"):
        wait_complete(namespace, FINE.job)
        assert keys(redis) == [f"{FINE.queue}:dead"]
        # Any: the client's answers are typed for its two natures, now and awaited, at once
        client: Any = redis
        assert client.lrange(f"{FINE.queue}:dead", 0, -1) == [failing]

    with step("Both attempts show as failures of their workers"):
        lines = all_lines(namespace, logs, test_folder, FINE.job, "Queue empty, exiting")
        assert len(after(f"Failed {failing}", lines)) == 2
        assert restarts(namespace, FINE.job) == 2

    with step("The others were done exactly once"):
        assert sorted(after("Done ", lines)) == sorted(others)


def test_coarse_without_a_fault(namespace: Namespace, images: LoadedImages, rabbitmq: Any) -> None:
    """One message for each of eight pods."""
    with step("Eight messages, completions 8, parallelism 2"):
        run_coarse(namespace, images, rabbitmq)

    with step("The Job is Complete: eight of eight, and no failure"):
        wait_complete(namespace, COARSE.job)
        job = namespace.job(COARSE.job)
        assert (job.succeeded, job.failed) == (8, 0)
        assert restarts(namespace, COARSE.job) == 0

    with step("Each pod did one message, and together they did all"):
        done = []
        for pod, lines in logs_of(namespace, COARSE.job).items():
            done += after("Done ", lines)
            assert lines == [f"Processing {done[-1]}", f"Done {done[-1]}"], f"{pod} wrote: {lines}"
        assert sorted(done) == list(COARSE.items)

    with step("The queue is empty"):
        wait_depth(namespace, rabbitmq, Depth(ready=0, consumers=0))


def test_coarse_failing_message(
    namespace: Namespace, images: LoadedImages, rabbitmq: Any, logs: LogFollower
) -> None:
    """With the page's worker the Job is Complete then; here the failure shows, and nothing is lost.

    The last message fails: a classic queue gives it out again before those that are behind it.
    """
    *others, failing = COARSE.items
    with step("Eight messages, of which the last always fails"):
        run_coarse(namespace, images, rabbitmq, FAIL_ITEM=failing)

    with step("Seven pods succeed"):
        namespace.wait_job(COARSE.job, "to have seven successes", lambda job: job.succeeded == 7)

    with step("The eighth fails, is started again, and fails again"):
        (victim,) = [pod for pod in namespace.pods_of(COARSE.job) if pod.phase != "Succeeded"]
        wait_line(namespace, logs, victim.name, f"Failed {failing}", times=2)
        assert restarts(namespace, COARSE.job) > 0

    with step("That message, and no other, is in the queue"):
        wait_depth(namespace, rabbitmq, Depth(ready=1, consumers=0))
        assert drain(rabbitmq) == [failing]

    with step("The Job is not Complete"):
        job = namespace.job(COARSE.job)
        assert job.ended != "Complete", str(job)
        assert job.succeeded == 7, str(job)

    with step("All others were done exactly once"):
        lines = [line for pod in logs_of(namespace, COARSE.job).values() for line in pod]
        assert sorted(after("Done ", lines)) == sorted(others)


def test_coarse_worker_killed_in_mid_message(
    namespace: Namespace, images: LoadedImages, rabbitmq: Any, logs: LogFollower, test_folder: Path
) -> None:
    """The broker gives the message out again, and there is still one success for each message."""
    with step(f"Two messages of {LONG} s, completions 2"):
        items = COARSE.items[:2]
        run_coarse(namespace, images, rabbitmq, items, ITEM_SECONDS=f"{LONG}")

    with step("In the middle of a message, a worker is killed"):
        victim, item = wait_at_work(namespace, logs, COARSE.job, "Processing ")
        send(namespace, victim, "SIGKILL")

    with step("The Job is Complete, the queue is empty"):
        wait_complete(namespace, COARSE.job)
        wait_depth(namespace, rabbitmq, Depth(ready=0, consumers=0))

    with step("That message was begun again; each was done exactly once"):
        lines = all_lines(namespace, logs, test_folder, COARSE.job, "Done ")
        assert sorted(after("Processing ", lines)) == sorted([*items, item])
        assert sorted(after("Done ", lines)) == sorted(items)


def run_fine(
    namespace: Namespace, images: LoadedImages, redis: Redis, items: Sequence[str], **env: str
) -> None:
    """Fill the list as the page does, and create the page's Job around the reference worker."""
    redis.rpush(FINE.queue, *items)
    env = {"LEASE_SECONDS": f"{LEASE}", "ITEM_SECONDS": f"{LONG}", **env}
    namespace.create(FINE.manifest(JobOptions(images.load(FINE_WORKER), env=env)))


def run_coarse(
    namespace: Namespace,
    images: LoadedImages,
    rabbitmq: Any,
    items: Sequence[str] = COARSE.items,
    **env: str,
) -> None:
    """Fill the queue, and create the page's Job around the reference worker: a pod a message."""
    COARSE.fill(rabbitmq, items)
    workers = JobOptions(
        images.load(COARSE_WORKER), completions=len(items), env={"ITEM_SECONDS": "1", **env}
    )
    namespace.create(COARSE.manifest(workers))


def send(namespace: Namespace, pod: str, signal: str) -> None:
    """Send a signal to a pod's worker from its node: nothing in there could kill its PID 1."""
    path = "jsonpath={.status.containerStatuses[0].containerID}"
    container = namespace.kubectl("get", "pod", pod, "-o", path).stdout.removeprefix(
        "containerd://"
    )
    node = namespace.pod(pod).node
    ctr = ("ctr", "--namespace", "k8s.io", "task", "kill", "--signal", signal, container)
    Docker().run("exec", node, *ctr)


def keys(redis: Redis) -> list[str]:
    """All that Redis holds."""
    return sorted(redis.scan_iter())


def wait_gone(namespace: Namespace, redis: Redis) -> None:
    """Wait until Redis holds nothing."""

    def probe() -> None:
        if seen := keys(redis):
            raise NotYet(f"there are still {', '.join(seen)}")

    wait_until("all keys to be gone", probe, timeout=namespace.timeouts.job)


def restarts(namespace: Namespace, job: str) -> int:
    """How many containers of a Job's pods have been started again."""
    return sum(one.restarts for pod in namespace.pods_of(job) for one in pod.containers)


def wait_at_work(namespace: Namespace, logs: LogFollower, job: str, begins: str) -> tuple[str, str]:
    """The first pod of a Job that has begun an item, and the item."""

    def probe() -> tuple[str, str]:
        for pod in namespace.pods_of(job):
            for item in after(begins, logs.lines(pod.name)):
                return pod.name, item
        raise NotYet("nobody has begun anything")

    timeout = namespace.timeouts.pod_ready
    return wait_until("a pod to work on an item", probe, timeout=timeout, interval=0.1)


def wait_line(
    namespace: Namespace, logs: LogFollower, pod: str, *wanted: str, times: int = 1
) -> None:
    """Wait until a pod has written lines that begin with one of `wanted`, so many `times`."""

    def probe() -> None:
        lines = logs.lines(pod)
        if sum(line.startswith(wanted) for line in lines) < times:
            raise NotYet(f"it wrote: {lines}")

    what = f"{pod} to write {' or '.join(wanted)}, {times} times"
    wait_until(what, probe, timeout=namespace.timeouts.settle)


def all_lines(
    namespace: Namespace, logs: LogFollower, folder: Path, job: str, last: str
) -> list[str]:
    """What all runs of all of an ended Job's workers wrote, those of deleted pods too.

    `last` begins the last line of a worker that succeeds.
    """
    for pod in namespace.pods_of(job):
        wait_line(namespace, logs, pod.name, last)
    files = sorted((folder / "logs").glob(f"{job}-*.log"))
    stamped = [line for file in files for line in file.read_text().splitlines()]
    return [line.partition(" ")[2] for line in stamped]
