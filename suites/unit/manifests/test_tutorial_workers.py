"""The tutorial's workers behave like the page's, without a cluster."""

from __future__ import annotations

import importlib.util
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from harness.core import commands

WORKERS = Path(str(files("harness.manifests"))) / "workers" / "tutorial"


class LittleRedis:
    """As much of Redis as the work queue uses, in memory; leases never expire here."""

    def __init__(self) -> None:
        self.lists: dict[str, list[bytes]] = {}
        self.leases: dict[str, tuple[str, int]] = {}

    def llen(self, key: str) -> int:
        return len(self.lists.get(key, []))

    def brpoplpush(self, source: str, target: str, timeout: int) -> bytes | None:
        assert timeout == 2
        if not self.lists.get(source):
            return None
        item = self.lists[source].pop()
        self.lists.setdefault(target, []).insert(0, item)
        return item

    def set(self, key: str, value: str, ex: int) -> None:
        self.leases[key] = value, ex

    def lrem(self, key: str, count: int, item: bytes) -> None:
        assert count == 0
        self.lists[key] = [one for one in self.lists[key] if one != item]

    def delete(self, key: str) -> None:
        del self.leases[key]


@pytest.fixture
def queue_and_redis() -> tuple[Any, LittleRedis]:
    spec = importlib.util.spec_from_file_location("rediswq", WORKERS / "fine" / "rediswq.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    redis = LittleRedis()
    return module.WorkQueue(redis, "job2"), redis


def test_an_item_is_in_processing_and_leased_until_it_is_complete(
    queue_and_redis: tuple[Any, LittleRedis],
) -> None:
    queue, redis = queue_and_redis
    redis.lists["job2"] = [b"apple"]
    item = queue.lease(10, 2)
    assert item == b"apple"
    assert redis.lists == {"job2": [], "job2:processing": [b"apple"]}
    ((lease, held),) = redis.leases.items()
    assert lease.startswith("job2:leased_by_session:")
    assert held == (queue.session, 10)
    assert not queue.empty()
    queue.complete(item)
    assert queue.empty()
    assert redis.leases == {}


def test_an_empty_list_is_not_an_empty_queue_while_somebody_works(
    queue_and_redis: tuple[Any, LittleRedis],
) -> None:
    queue, redis = queue_and_redis
    redis.lists["job2:processing"] = [b"apple"]
    assert not queue.empty()
    assert queue.lease(10, 2) is None


def test_the_coarse_worker_processes_its_input() -> None:
    done = _run("coarse", ITEM_SECONDS="0")
    assert (done.code, done.stdout) == (0, "Processing apple\n")


def test_the_crashing_worker_reads_its_input_and_fails() -> None:
    done = _run("coarse-crash")
    assert (done.code, done.stdout, done.stderr) == (1, "", "cannot process apple\n")


def _run(worker: str, **env: str) -> commands.Completed:
    file = WORKERS / worker / "worker.py"
    return commands.run([sys.executable, file], timeout=30, check=False, stdin="apple", env=env)
