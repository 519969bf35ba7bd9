"""A namespace with a broker and its tap, in which one run after another takes place."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from harness.core.clock import NotYet, wait_until
from harness.infra.cluster import Provider
from harness.infra.kube import Namespace, Refused
from harness.patterns.base import Broker, Pattern
from harness.tap.control.client import TapClient
from harness.tap.records import Record

#: The tap's control port.
_CONTROL = 7000


class RecordRouter:
    """Passes the tap's records to the current listener; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._record: Callable[[float, Record], None] = lambda at, record: None  # noqa: ARG005
        self._lost: Callable[[str], None] = lambda why: None  # noqa: ARG005
        #: Why the tap's records no longer arrive; empty while they do.
        self.disconnected = ""

    def record(self, at: float, record: Record) -> None:
        with self._lock:
            self._record(at, record)

    def lost(self, why: str) -> None:
        with self._lock:
            self.disconnected = why
            self._lost(why)

    @contextlib.contextmanager
    def listening(
        self, record: Callable[[float, Record], None], lost: Callable[[str], None]
    ) -> Iterator[None]:
        """Pass records and losses to these two callbacks for as long as the block lasts."""
        with self._lock:
            before = self._record, self._lost
            self._record, self._lost = record, lost
            if self.disconnected:
                lost(self.disconnected)
        try:
            yield
        finally:
            with self._lock:
                self._record, self._lost = before


@dataclass
class Testbed:
    """A namespace, its broker (reached past the tap) and its tap."""

    pattern: Pattern
    namespace: Namespace
    provider: Provider
    broker: Broker
    tap: TapClient
    record_router: RecordRouter
    #: Whether something is left that the next run must not find.
    dirty: bool = field(default=False)
    #: Closes what the connection to the broker is made of.
    _connection_stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def reconnect_broker(self) -> None:
        """Connect to a restarted broker again, as soon as it accepts connections."""
        with contextlib.suppress(Exception):  # any error: the old connection is dead
            self._connection_stack.close()

        def probe() -> Broker:
            try:
                return self._connection_stack.enter_context(
                    self.pattern.connect_past_tap(self.namespace)
                )
            except Exception as error:  # each client library has its own errors
                raise NotYet(f"{type(error).__name__}: {error}") from error

        timeout = self.namespace.timeouts.broker_ready
        self.broker = wait_until("the broker to take connections", probe, timeout=timeout)

    def end(self, job: str) -> None:
        """Delete a run's Job, wait until its workers have ended, and release all connections."""
        self.delete_job(job)
        self.tap.reset()

    def delete_job(self, job: str) -> None:
        """Delete a Job, and wait until its workers have ended.

        Not with grace 0: then a pod is gone at once, and its worker, which lives on for seconds,
        would take the next run's items. And the pods before the Job: once a pod has been asked to
        end with its own grace period, the kubelet grants it all of that.
        """
        for pod in self.namespace.pods_of(job):
            with contextlib.suppress(Refused):  # the pod is gone meanwhile
                self.namespace.delete_pod(pod.name, grace=1)
        self.namespace.delete_job(job)

        def probe() -> None:
            if remaining := self.namespace.pods_of(job):
                raise NotYet(", ".join(map(str, remaining)))

        timeout = self.namespace.timeouts.settle
        wait_until("the last run's pods to be gone", probe, timeout=timeout, interval=0.2)


@contextlib.contextmanager
def testbed(
    pattern: Pattern, namespace: Namespace, provider: Provider, broker_image: str, tap_image: str
) -> Iterator[Testbed]:
    """Deploy broker and tap in a namespace; both are reachable for as long as the block lasts."""
    pattern.deploy_with_tap(namespace, broker_image, tap_image)
    router = RecordRouter()
    with contextlib.ExitStack() as stack:
        control = stack.enter_context(namespace.forward(pattern.broker_pod, _CONTROL))
        tap = TapClient("127.0.0.1", control, router.record, router.lost)
        stack.callback(tap.close)
        connection_stack = stack.enter_context(contextlib.ExitStack())
        broker = connection_stack.enter_context(pattern.connect_past_tap(namespace))
        yield Testbed(
            pattern, namespace, provider, broker, tap, router, _connection_stack=connection_stack
        )
