"""What the tap costs: both brokers, with the deployed tap and without, on the cluster.

    python bench/tap/run.py [--items 10000] [--workers 8] [--out FILE] [--keep]

First as fast as it goes, then both at half of what goes through the tap. Prints a table, writes the
figures as JSON, and ends with 1 when the tap's records do not agree with the broker's counts.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from brokers import RabbitMQ, Redis, Tally

from harness.core.clock import NotYet, wait_until
from harness.core.progress import Progress
from harness.infra.infrastructure import Bench
from harness.infra.kube import Kube, Manifest, Namespace
from harness.infra.settings import Settings
from harness.patterns.job_manifest import broker_manifests, tapped_manifests
from harness.tap.control.client import RemoteTap

_CONTROL = 7000
_WORKER = Path(__file__).with_name("worker.py")
#: Seconds for one measurement.
_LONG = 600.0

Broker = Redis | RabbitMQ


@dataclass
class Measured:
    """One measurement: items per second, and microseconds of waiting for the broker."""

    broker: str
    tap: bool
    #: Items per second that were asked for; 0: as fast as it goes.
    rate: float
    items: int
    throughput: float
    p50: float
    p99: float
    records: int = 0
    wrong: list[str] = field(default_factory=list)


class Measurer:
    """Measures one broker after the other, each in a namespace of its own."""

    def __init__(self, bench: Bench, kube: Kube, workers: int) -> None:
        self._tag = bench.images.catalogue.tag
        self._kube, self._workers = kube, workers

    def measure(self, broker: Broker, *, tap: bool, items: int, rate: float = 0.0) -> Measured:
        """Have all items worked on, and look at what the workers say."""
        name = f"bench-{broker.recipe}-{'tap' if tap else 'direct'}"
        namespace = self._kube.create_namespace(name)
        try:
            return self._in(namespace, broker, tap, items, rate)
        finally:
            self._kube.delete_namespace(namespace.name)

    def _in(
        self, namespace: Namespace, broker: Broker, tap: bool, items: int, rate: float
    ) -> Measured:
        image = self._tag(broker.recipe)
        tapped = tapped_manifests(broker.pattern, image, self._tag("tap"))
        namespace.create(*(tapped if tap else broker_manifests(broker.pattern, image)))
        namespace.wait_ready(broker.pod, timeout=namespace.timeouts.broker_ready)
        tally = Tally()
        with (
            broker.connect(namespace, broker.behind if tap else broker.port) as client,
            _attached(namespace, broker, tally, tap) as remote,
        ):
            broker.fill(client, items)
            namespace.create(self._job(broker, rate))
            self._wait_until_ready(namespace)
            broker.go(client, self._workers)
            namespace.wait_ended("bench", timeout=_LONG)
            said = [_last_line(namespace, pod.name) for pod in namespace.pods_of("bench")]
            if remote is not None:
                remote.sync(60)
            wrong = broker.wrong(tally, items) if tap else []
            if left := broker.left(client):
                wrong.append(f"{left} items are left")
        found = _summed(broker, tap, rate, said)
        if found.items != items:
            wrong.append(f"the workers had {found.items} items")
        found.records, found.wrong = tally.records, wrong
        return found

    def _job(self, broker: Broker, rate: float) -> Manifest:
        env = {
            "PROTOCOL": broker.protocol,
            "HOST": broker.service,
            "PORT": broker.port,
            "RATE": rate / self._workers,
        }
        container = {
            "name": "c",
            "image": self._tag("tools"),  # it is on the nodes, and has both clients
            "imagePullPolicy": "IfNotPresent",
            "command": ["python3", "-c", _WORKER.read_text()],
            "env": [{"name": name, "value": str(value)} for name, value in env.items()],
        }
        pod = {"restartPolicy": "Never", "containers": [container]}
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "bench"},
            "spec": {
                "parallelism": self._workers,
                "completions": self._workers,
                "backoffLimit": 0,
                "template": {"spec": pod},
            },
        }

    def _wait_until_ready(self, namespace: Namespace) -> None:
        def probe() -> None:
            pods = namespace.pods_of("bench")
            if len(pods) < self._workers:
                raise NotYet(f"{len(pods)} pods")
            silent = [
                pod.name
                for pod in pods
                if "ready" not in namespace.log(namespace.wait_running(pod.name).name)
            ]
            if silent:
                raise NotYet(f"{len(silent)} pods are not ready")

        wait_until(f"{self._workers} workers to be ready", probe, timeout=180, interval=1)


@contextlib.contextmanager
def _attached(
    namespace: Namespace, broker: Broker, tally: Tally, tap: bool
) -> Iterator[RemoteTap | None]:
    if not tap:
        yield None
        return
    with (
        namespace.forward(broker.pod, _CONTROL) as port,
        RemoteTap("127.0.0.1", port, tally.take, tally.lost) as remote,
    ):
        yield remote


def _last_line(namespace: Namespace, pod: str) -> Any:
    return json.loads(namespace.log(pod).splitlines()[-1])


def _summed(broker: Broker, tap: bool, rate: float, said: list[Any]) -> Measured:
    waits = [wait for one in said for wait in one["waits"]]
    items = sum(one["items"] for one in said)
    seconds = max(one["end"] for one in said) - min(one["begin"] for one in said)
    cuts = statistics.quantiles(waits, n=100)
    return Measured(broker.recipe, tap, rate, items, items / seconds, cuts[49], cuts[98])


def _both(measurer: Measurer, broker: Broker, items: int) -> Iterator[Measured]:
    full = [measurer.measure(broker, tap=tap, items=items) for tap in (False, True)]
    yield from full
    rate = full[1].throughput / 2
    # As many as take about as long, but no more than it takes to know the slowest hundredth.
    for tap in (False, True):
        yield measurer.measure(broker, tap=tap, items=min(items, 4000), rate=rate)


def _row(one: Measured) -> str:
    rate = f"{one.rate:.0f}/s" if one.rate else "full"
    return (
        f"{one.broker:9} {'tap' if one.tap else 'direct':7} {rate:>8} {one.items:6} items"
        f" {one.throughput:8.0f}/s  p50 {one.p50 / 1000:6.2f} ms  p99 {one.p99 / 1000:6.2f} ms"
        f"  {one.records:7} records  {'; '.join(one.wrong) or 'all there'}"
    )


def main() -> int:
    """0 when all that the tap told agrees with the brokers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--out", type=Path, default=Path("queuejob-out/bench-tap.json"))
    parser.add_argument("--cluster", default=Settings().cluster)
    parser.add_argument("--keep", action="store_true", help="leave the cluster as it is")
    chosen = parser.parse_args()
    bench = Bench(Settings(cluster=chosen.cluster), Progress())
    measured: list[Measured] = []
    try:
        with Kube(bench.bring_up()) as kube:
            measurer = Measurer(bench, kube, chosen.workers)
            for broker in (Redis(), RabbitMQ()):
                for one in _both(measurer, broker, chosen.items):
                    measured.append(one)
                    print(_row(one), flush=True)
    finally:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(json.dumps([asdict(one) for one in measured], indent=1) + "\n")
        bench.provider.release(keep=chosen.keep)
    return 1 if any(one.wrong for one in measured) else 0


if __name__ == "__main__":
    sys.exit(main())
