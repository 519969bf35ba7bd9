"""Coarse parallel processing using a work queue: the task page, step by step."""

from __future__ import annotations

from typing import Any

from allure import step

from harness.core.clock import NotYet, wait_until
from harness.fixtures.cluster import LoadedImages
from harness.infra.kube import Namespace
from harness.infra.settings import Settings
from harness.patterns.coarse.broker import Depth
from harness.patterns.coarse.pattern import PATTERN as COARSE
from harness.patterns.job_manifest import JobOptions
from harness.suites.tutorial.page import (
    after,
    assert_stays_incomplete,
    logs_of,
    start_temporary_pod,
    typed,
    wait_complete,
    wait_reachable,
)

WORKER = "tutorial-coarse"
CRASHING_WORKER = "tutorial-coarse-crash"


def test_page(namespace: Namespace, images: LoadedImages, settings: Settings) -> None:
    """The page from its beginning to its end."""
    with step("Starting RabbitMQ: the service and the stateful set"):
        COARSE.deploy(namespace, images.load(COARSE.recipe))
        assert namespace.pod("rabbitmq-0").ready
        address = namespace.cluster_ip("rabbitmq-service")

    with step("A temporary pod with the tools"):
        start_temporary_pod(namespace, images.load("tools"))

    with step("The service has a name in DNS"):
        assert f"Address: {address}" in typed(namespace, "nslookup rabbitmq-service")

    with step("The service's address is in the environment as well"):
        found = typed(namespace, "env | grep RABBITMQ_SERVICE | grep HOST")
        assert found == f"RABBITMQ_SERVICE_SERVICE_HOST={address}"

    for host in ("rabbitmq-service", "$RABBITMQ_SERVICE_SERVICE_HOST"):
        try_the_queue(namespace, f"BROKER_URL=amqp://guest:guest@{host}:5672")

    with (
        step("Filling the queue with tasks, from outside the cluster"),
        COARSE.connect(namespace) as channel,
    ):
        COARSE.fill(channel, COARSE.items)
        assert COARSE.depth(channel) == Depth(ready=8, consumers=0)

    with step("The worker's image is built and on the nodes"):
        worker = images.load(WORKER)

    with step("Running the Job: completions 8, parallelism 2"):
        run(namespace, settings, worker)
        job = namespace.job(COARSE.job)
        assert (job.completions, job.parallelism) == (8, 2)

    with step("kubectl wait --for=condition=complete"):
        wait_complete(namespace, COARSE.job)

    with step("Eight pods succeeded"):
        assert [pod.phase for pod in namespace.pods_of(COARSE.job)] == ["Succeeded"] * 8
        described = namespace.kubectl("describe", f"jobs/{COARSE.job}").stdout
        assert "8 Succeeded / 0 Failed" in described

    with step("Each pod processed one message, and together all of them"):
        assert sorted(processed(namespace)) == list(COARSE.items)

    with step("The queue is empty"), COARSE.connect(namespace) as channel:
        wait_depth(namespace, channel, Depth(ready=0, consumers=0))


def test_more_completions_than_messages(
    namespace: Namespace, images: LoadedImages, settings: Settings, rabbitmq: Any
) -> None:
    """The page: the Job will not appear to be completed, although all items are processed."""
    with step("Eight messages, a Job with ten completions"):
        COARSE.fill(rabbitmq, COARSE.items)
        run(namespace, settings, images.load(WORKER), completions=10)

    with step("All eight messages are processed"):
        namespace.wait_job(COARSE.job, "to have eight successes", lambda job: job.succeeded == 8)

    with step("Two more pods wait for a message, and none is left"):
        # From here on nothing can happen any more: a bounded look proves "never".
        wait_depth(namespace, rabbitmq, Depth(ready=0, consumers=2))

    with step("The Job is not Complete, and goes on running"):
        assert_stays_incomplete(namespace, COARSE.job)
        assert sorted(processed(namespace)) == list(COARSE.items)


def test_fewer_completions_than_messages(
    namespace: Namespace, images: LoadedImages, settings: Settings, rabbitmq: Any
) -> None:
    """The page: not all items will be processed."""
    with step("Eight messages, a Job with five completions"):
        COARSE.fill(rabbitmq, COARSE.items)
        run(namespace, settings, images.load(WORKER), completions=5)

    with step("It is Complete"):
        wait_complete(namespace, COARSE.job)

    with step("Five messages were processed, the other three are still queued"):
        wait_depth(namespace, rabbitmq, Depth(ready=3, consumers=0))
        done = processed(namespace)
        assert len(done) == 5
        assert sorted(done + drain(rabbitmq)) == list(COARSE.items)


def test_worker_that_crashes_on_each_message(
    namespace: Namespace, images: LoadedImages, settings: Settings, rabbitmq: Any
) -> None:
    """`amqp-consume` drops its program's exit code: nothing is done, and the Job is Complete.

    The test passes when the defect shows.
    """
    with step("Eight messages, the page's Job around a program that always fails"):
        COARSE.fill(rabbitmq, COARSE.items)
        run(namespace, settings, images.load(CRASHING_WORKER))

    with step("The Job is Complete: eight of eight"):
        wait_complete(namespace, COARSE.job)
        job = namespace.job(COARSE.job)
        assert (job.completions, job.succeeded, job.failed) == (8, 8, 0)

    with step("Each pod says that it failed"):
        for pod, lines in logs_of(namespace, COARSE.job).items():
            assert len(after("cannot process ", lines)) == 1, f"{pod} wrote: {lines}"

    with step("All eight messages are still in the queue"):
        # They come back once the broker has noticed that their consumers are gone.
        wait_depth(namespace, rabbitmq, Depth(ready=8, consumers=0))
        assert sorted(drain(rabbitmq)) == list(COARSE.items)


def try_the_queue(namespace: Namespace, broker_url: str) -> None:
    """The page's section on testing the message queue service, from the temporary pod."""
    with step(f"The tools reach the broker: {broker_url}"):
        declare = "/usr/bin/amqp-declare-queue --url=$BROKER_URL -q foo -d"
        wait_reachable(namespace, f"{broker_url}; {declare}")

    with step("Declaring a queue answers with its name"):
        assert typed(namespace, f"{broker_url}; {declare}") == "foo"

    with step("A message is published, and consumed by a command as its input"):
        publish = "/usr/bin/amqp-publish --url=$BROKER_URL -r foo -p -b Hello"
        assert typed(namespace, f"{broker_url}; {publish}") == ""
        consume = "/usr/bin/amqp-consume --url=$BROKER_URL -q foo -c 1 cat && echo 1>&2"
        assert typed(namespace, f"{broker_url}; {consume}") == "Hello"


def run(
    namespace: Namespace, settings: Settings, image: str, completions: int | None = None
) -> None:
    """Create the page's Job, around the worker `image`."""
    env = {"ITEM_SECONDS": f"{settings.item_seconds:g}"}
    namespace.create(COARSE.manifest(JobOptions(image, completions=completions, env=env)))


def processed(namespace: Namespace) -> list[str]:
    """The messages that the Job's succeeded pods have processed: one each, and nothing else."""
    done = []
    for pod in namespace.pods_of(COARSE.job):
        if pod.phase == "Succeeded":
            lines = namespace.log(pod.name).splitlines()
            assert len(lines) == len(after("Processing ", lines)) == 1, f"{pod.name}: {lines}"
            done += after("Processing ", lines)
    return done


def wait_depth(namespace: Namespace, channel: Any, expected: Depth) -> None:
    """Wait until the queue holds just so much, and has so many consumers."""

    def probe() -> None:
        if (seen := COARSE.depth(channel)) != expected:
            raise NotYet(str(seen))

    wait_until(f"{COARSE.queue} at {expected}", probe, timeout=namespace.timeouts.settle)


def drain(channel: Any) -> list[str]:
    """Take all messages that are ready."""
    taken = []
    while (message := channel.basic_get(COARSE.queue, auto_ack=True)) != (None, None, None):
        taken.append(message[2].decode())
    return taken
