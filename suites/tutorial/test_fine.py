"""Fine parallel processing using a work queue: the task page, step by step."""

from __future__ import annotations

import re
from typing import Any

from allure import step
from redis import Redis

from harness.core.clock import NotYet, wait_until
from harness.engine.observers.log_follower import LogFollower
from harness.fixtures.cluster import LoadedImages
from harness.infra.kube import Namespace
from harness.infra.settings import Settings
from harness.patterns.fine.pattern import PATTERN as FINE
from harness.patterns.job_manifest import JobOptions
from harness.suites.tutorial.page import (
    NO_DNS,
    after,
    assert_stays_incomplete,
    logs_of,
    start_temporary_pod,
    typed,
    wait_complete,
    wait_reachable,
)

WORKER = "tutorial-fine"
#: All that the page's worker may say, in this order.
PAGE_LOG = re.compile(
    r"Worker with sessionID: [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n"
    r"Initial queue state: empty=(False|True)\n"
    r"((Working on \w+|Waiting for work)\n)*"
    r"Queue empty, exiting"
)


def test_page(namespace: Namespace, images: LoadedImages, settings: Settings) -> None:
    """The page from its beginning to its end."""
    with step("Starting Redis: the pod and its service"):
        FINE.deploy(namespace, images.load(FINE.recipe))
        assert namespace.pod("redis-master").ready
        assert namespace.cluster_ip("redis")

    with step("A temporary pod runs the Redis CLI, by the service's name"):
        start_temporary_pod(namespace, images.load(FINE.recipe))
        wait_reachable(namespace, "redis-cli -h redis ping")

    fill_and_read_back(namespace, "redis")

    with step("The worker's image is built and on the nodes"):
        worker = images.load(WORKER)

    with step("Running the Job: parallelism 2, completions unset"):
        namespace.create(FINE.manifest(JobOptions(worker, env=item_seconds(settings))))
        described = namespace.kubectl("describe", f"jobs/{FINE.job}").stdout
        assert re.search(r"^Parallelism: +2$", described, re.MULTILINE), described
        assert re.search(r"^Completions: +<unset>$", described, re.MULTILINE), described

    with step("kubectl wait --for=condition=complete"):
        wait_complete(namespace, FINE.job)

    assert_all_done_once(namespace)

    with step("Each pod's log has the page's lines, and nothing else"):
        for pod, lines in logs_of(namespace, FINE.job).items():
            assert PAGE_LOG.fullmatch("\n".join(lines)), f"{pod} wrote: {lines}"

    with step("One of the pods worked on several work units"):
        pods = logs_of(namespace, FINE.job).values()
        assert max(len(after("Working on ", lines)) for lines in pods) > 1

    with step("Both lists are empty"), FINE.connect(namespace) as redis:
        assert queued(redis) == []
        assert processing(redis) == []


def test_without_cluster_dns(
    namespace: Namespace, images: LoadedImages, settings: Settings
) -> None:
    """The page's note: where names do not resolve, the host is `$REDIS_SERVICE_HOST`."""
    with step("Starting Redis, and a temporary pod without cluster DNS"):
        FINE.deploy(namespace, images.load(FINE.recipe))
        start_temporary_pod(namespace, images.load(FINE.recipe), **NO_DNS)

    with step("The service's name does not resolve there"):
        assert typed(namespace, "getent hosts redis || echo unknown") == "unknown"

    with step("REDIS_SERVICE_HOST is the service's address"):
        assert typed(namespace, "echo $REDIS_SERVICE_HOST") == namespace.cluster_ip("redis")

    with step("The Redis CLI reaches the service by it"):
        wait_reachable(namespace, "redis-cli -h $REDIS_SERVICE_HOST ping")

    fill_and_read_back(namespace, "$REDIS_SERVICE_HOST")

    with step("The Job's workers, without cluster DNS too, reach it as well: Complete"):
        env = {**item_seconds(settings), "REDIS_HOST": "$(REDIS_SERVICE_HOST)"}
        namespace.create(FINE.manifest(JobOptions(images.load(WORKER), env=env, pod=NO_DNS)))
        wait_complete(namespace, FINE.job)

    assert_all_done_once(namespace)


def test_pod_deleted_in_mid_item(
    namespace: Namespace, images: LoadedImages, redis: Redis, logs: LogFollower
) -> None:
    """The page's own worker never takes an expired lease back: the Job runs for ever.

    Items take 10 s here, for a pod deleted with grace 0 still has about two seconds.
    The test passes when the defect shows.
    """
    items = FINE.items[:3]
    with step("Three items of 10 s, two workers"):
        redis.rpush(FINE.queue, *items)
        workers = JobOptions(images.load(WORKER), env={"ITEM_SECONDS": "10"})
        namespace.create(FINE.manifest(workers))

    with step("A pod works on an item"):
        victim, item = wait_for_somebody_at_work(namespace, logs)
        assert item in processing(redis)

    with step("It is deleted with grace 0, in the middle of that item"):
        namespace.delete_pod(victim, grace=0)

    with step("The others do the rest; the item stays in job2:processing, its lease expires"):
        wait_until(
            f"only {item} to be left, without a lease",
            lambda: assert_only_left(redis, item),
            timeout=namespace.timeouts.settle + 10 * len(items) + FINE.lease_seconds,
        )

    with step("A living worker asks five times more, and is given nothing"):
        # It asks every 2 s: whatever would take an expired lease back has had its chance.
        wait_for_questions(namespace, logs, 5)
        assert queued(redis) == []
        assert processing(redis) == [item]

    with step("The Job is not Complete, and goes on running"):
        assert_stays_incomplete(namespace, FINE.job)

    with step("Nobody else ever began that item; the deleted pod's log says who had it"):
        pods = {pod.name for pod in namespace.pods_of(FINE.job)} - {victim}
        begun = [one for pod in pods for one in after("Working on ", logs.lines(pod))]
        assert sorted(begun) == sorted(set(items) - {item})
        assert after("Working on ", logs.lines(victim)) == [item]


def fill_and_read_back(namespace: Namespace, host: str) -> None:
    """The page's section on filling the queue, from the temporary pod."""
    with step("Filling the queue: rpush job2, nine times"):
        for number, item in enumerate(FINE.items, start=1):
            assert typed(namespace, f'redis-cli -h {host} rpush job2 "{item}"') == str(number)

    with step("lrange job2 0 -1 gives the nine items back, in order"):
        listed = typed(namespace, f"redis-cli -h {host} lrange job2 0 -1")
        assert tuple(listed.splitlines()) == FINE.items


def assert_all_done_once(namespace: Namespace) -> None:
    """Each of the nine items was worked on exactly once, over both pods."""
    with step("Each item was worked on exactly once, over both pods"):
        logs = logs_of(namespace, FINE.job)
        assert len(logs) == 2, f"pods of the Job: {sorted(logs)}"
        worked = [item for lines in logs.values() for item in after("Working on ", lines)]
        assert sorted(worked) == sorted(FINE.items)


def item_seconds(settings: Settings) -> dict[str, str]:
    """The time that a worker spends on an item, as its environment."""
    return {"ITEM_SECONDS": f"{settings.item_seconds:g}"}


def queued(redis: Any) -> list[str]:
    """The items that nobody has taken."""
    return list(redis.lrange(FINE.queue, 0, -1))


def processing(redis: Any) -> list[str]:
    """The items that were taken and never reported as done."""
    return list(redis.lrange(FINE.processing, 0, -1))


def wait_for_somebody_at_work(namespace: Namespace, logs: LogFollower) -> tuple[str, str]:
    """The first pod that has begun an item, and the item."""

    def probe() -> tuple[str, str]:
        for pod in namespace.pods_of(FINE.job):
            for item in after("Working on ", logs.lines(pod.name)):
                return pod.name, item
        raise NotYet("nobody has begun anything")

    timeout = namespace.timeouts.pod_ready
    return wait_until("a pod to work on an item", probe, timeout=timeout, interval=0.1)


def wait_for_questions(namespace: Namespace, logs: LogFollower, more: int) -> None:
    """Wait until living workers have asked for work, in vain, so many times more."""

    def asked() -> int:
        pods = namespace.pods_of(FINE.job)
        return sum(logs.lines(pod.name).count("Waiting for work") for pod in pods)

    before = asked()

    def probe() -> None:
        if (seen := asked() - before) < more:
            raise NotYet(f"{seen} times so far")

    wait_until(f"workers to ask {more} times more", probe, timeout=namespace.timeouts.settle)


def assert_only_left(redis: Redis, item: str) -> None:
    """NotYet as long as anything but `item` is queued, in processing or leased."""
    state = queued(redis), processing(redis), list(redis.scan_iter(f"{FINE.leases}*"))
    if state != ([], [item], []):
        raise NotYet(f"queued, in processing, leases: {state}")
