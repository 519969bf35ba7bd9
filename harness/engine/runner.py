"""Runs one scenario once: from an empty queue to a history on disk."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from harness.core.errors import QueuejobError
from harness.core.masking import Masker, masker_for, secrets_in, secrets_of
from harness.core.time_limit import Left, unlimited
from harness.engine import phrase_learning
from harness.engine.calibration import Calibration
from harness.engine.observers.cluster_warnings import watching_warnings
from harness.engine.observers.connection_owners import ConnectionOwners
from harness.engine.observers.container_exits import exit_times
from harness.engine.observers.job_watcher import watching
from harness.engine.observers.log_follower import following
from harness.engine.observers.log_listener import ContainerRun
from harness.engine.observers.pod_recorder import PodRecorder
from harness.engine.observers.recorder import Recorder
from harness.engine.progress.events import ProgressSink, ignore_progress
from harness.engine.run_spec import (
    RunSpec,
    header_for,
    idle_watch_seconds,
    items_at_start,
    items_for,
    job_manifest,
    neighbour_job_manifest,
)
from harness.engine.scenario import ScenarioContext
from harness.engine.worker.companion_manifests import apply_companions
from harness.history import (
    ConnectionOpened,
    ContainerSeen,
    Event,
    ItemEnqueued,
    LogEnded,
    RunEnded,
    Worker,
    payload,
)
from harness.infra.kube import Manifest
from harness.patterns.base import Places, Points
from harness.patterns.coarse.interpreter import AmqpInterpreter
from harness.patterns.fine.interpreter.items.role_learner import is_done
from harness.patterns.interpreter import Interpreter
from harness.patterns.job_manifest import worker_container
from harness.tap.records import Record

#: Seconds to wait for the last states and log lines of a Job that has ended.
_LAST_LOGS = 10.0


@dataclass(frozen=True)
class RunResult:
    """A finished run: its history, and why it did not come to its end (or None)."""

    path: Path
    error: QueuejobError | None
    #: The interpreter of the wire; the scenarios that follow use what it learned.
    reader: Interpreter
    #: The items that were sent.
    items: tuple[bytes, ...]


def run(
    part: RunSpec,
    folder: Path,
    hear: ProgressSink = ignore_progress,
    name: str = "",
    left: Left = unlimited,
) -> RunResult:
    """Play a scenario and write `history.ndjson` and the logs into a folder.

    An expected failure is in the history and in the result. Only unforeseen errors and Ctrl-C are
    raised; then, too, the history records that the run did not come to its end.

    Args:
        part: The worker, the scenario, the testbed and the calibration.
        folder: Gets the history and the logs.
        hear: Called with progress events.
        name: The name of the scenario in progress events.
        left: Returns the seconds that are left for the run.
    """
    items = items_for(part)
    manifest = job_manifest(part, len(items))
    container = str(worker_container(manifest, part.container)["name"])
    recorder = Recorder(folder / "history.ndjson", header_for(part, items), hear, name, left)
    interpreter = part.pattern.interpreter(
        part.queue, recorder.epoch, part.calibration.roles, part.worker.seeding
    )
    error: QueuejobError | None = None
    end_reason = "it was interrupted"
    try:
        with contextlib.closing(recorder):
            try:
                error = _play_and_drain(
                    _ActiveRun(part, folder, recorder, interpreter, items, manifest, container)
                )
                end_reason = str(error) if error else ""
            finally:
                recorder.record("harness", RunEnded(end_reason))
    except BaseException:
        part.testbed.dirty = True
        raise
    return RunResult(recorder.path, error, interpreter, items)


@dataclass(frozen=True)
class _ActiveRun:
    """A run in progress."""

    spec: RunSpec
    folder: Path
    recorder: Recorder
    reader: Interpreter
    items: tuple[bytes, ...]
    manifest: Manifest
    container: str

    @property
    def job(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def hide(self) -> Masker:
        """Masks the secrets of the Job, and of the objects that it needs, in a text."""
        return masker_for([*secrets_of(self.manifest), *secrets_in(self.spec.supplies)])


def _play_and_drain(run: _ActiveRun) -> QueuejobError | None:
    """Play the run and record what it leaves behind; return an error the user can act on."""
    error: QueuejobError | None = None
    testbed, recorder = run.spec.testbed, run.recorder
    try:
        with _observing(run) as context:
            try:
                apply_companions(testbed.namespace, run.spec.supplies, run.hide)
                if not run.spec.scenario.late:
                    _seed_queue(run)
                run.spec.scenario.play(context)
            except QueuejobError as failure:
                error = failure
            context.clear_breakpoints()
            _wait_for_last_logs(context)
            # No observer sees the workers from here on, but what is left would show their effects.
            testbed.tap.hold_all()
            testbed.tap.sync(testbed.namespace.timeouts.settle)
        # The tap's records end here: take what the interpreter still has open.
        for observation in run.reader.finish():
            recorder.record("tap", observation)
        _in_own_words(run)
        testbed.end(run.job)
        remaining, depth = testbed.broker.drain(
            run.spec.queue,
            run.items,
            _dead(run.reader),
            run.spec.worker.seeding,
            _places(run),
        )
        for entry in remaining:
            recorder.record("broker", entry)
        recorder.record("broker", depth)
        testbed.broker.clear()
        testbed.tap.sync(testbed.namespace.timeouts.settle)
    except QueuejobError as failure:
        testbed.dirty = True
        error = error or failure
    return error


@contextlib.contextmanager
def _observing(run: _ActiveRun) -> Iterator[ScenarioContext]:
    """Run all observers for as long as the block lasts."""
    spec, recorder, testbed = run.spec, run.recorder, run.spec.testbed
    owners = ConnectionOwners(lambda owner: recorder.record("pods", owner))
    worker = spec.worker
    patterns = (worker.start_pattern, worker.done_pattern, worker.digest_pattern)
    hide = run.hide
    pod_recorder = PodRecorder(
        recorder,
        owners,
        run.job,
        run.items,
        container=run.container,
        patterns=patterns,
        begins=spec.calibration.begins,
        hide=hide,
    )

    def read(worker: Worker) -> str:
        pod = context.pod(worker).name
        return pod_recorder.read.get(ContainerRun(pod, run.container, worker.run), "")

    context = ScenarioContext(
        scenario=spec.scenario,
        testbed=testbed,
        recorder=recorder,
        owners=owners,
        calibration=spec.calibration,
        points=_points(spec, run.items),
        items=run.items,
        start=lambda: testbed.namespace.create(run.manifest),
        read=read,
        remains=lambda: testbed.broker.residual_keys(spec.queue, _dead(run.reader)),
        set_aside=lambda: testbed.broker.dead_letter_count(spec.queue),
        job=run.job,
        queue=spec.queue,
        container=run.container,
        fill=lambda: _seed_queue(run),
        add=_item_adder(run),
        idle_watch=idle_watch_seconds(spec),
        send=lambda queue, items: testbed.broker.seed(queue, items, worker.seeding),
        another=partial(neighbour_job_manifest, spec) if spec.queue_env else None,
        declared="".join(f", {name}={value}" for name, value in worker.seeding.arguments),
    )
    with (
        testbed.record_router.listening(
            _TapRecorder(run, owners), lambda why: recorder.gap("tap", why)
        ),
        following(testbed.namespace, run.folder / "logs", pod_recorder, pod_recorder.wanted, hide),
        watching(testbed.namespace, run.job, recorder),
        watching_warnings(testbed.namespace, run.job, recorder),
    ):
        yield context
        _exits(run, pod_recorder)


def _is_calibration_run(part: RunSpec) -> bool:
    """Return whether this is the fault-free run, before which nothing is known."""
    return part.calibration == Calibration() and not part.scenario.faults


def _exits(run: _ActiveRun, logs: PodRecorder) -> None:
    """In the fault-free run, record when workers exited, where their nodes can be queried."""
    provider = run.spec.testbed.provider
    if not _is_calibration_run(run.spec) or provider.node_access_error():
        return
    # A copy: while the Job goes on, other workers may exit.
    ended = {node: dict(workers) for node, workers in list(logs.ended_on.items())}
    with contextlib.suppress(QueuejobError):  # then the kubelet's whole seconds have to be enough
        for container_exit in exit_times(provider.on_node, ended, run.recorder.epoch):
            run.recorder.record("nodes", container_exit)


def _points(part: RunSpec, items: tuple[bytes, ...]) -> Points:
    """Return where this worker can be stopped: not at its report if it never reports anything."""
    points = part.pattern.points(part.calibration.roles, items)
    if part.calibration.settles:
        return points
    return dataclasses.replace(points, settling=None, settled=None)


class _TapRecorder:
    """Records what the tap's records mean; called in the tap's thread."""

    def __init__(self, run: _ActiveRun, owners: ConnectionOwners) -> None:
        self._run, self._owners = run, owners

    def __call__(self, at: float, record: Record) -> None:
        recorder = self._run.recorder
        try:
            for observation in self._run.reader.feed(at, record):
                recorder.record("tap", observation)
        # An interpreter that fails on a record has not seen it: this must not go unnoticed.
        except Exception as error:
            recorder.gap("tap", f"{record!r:.200} could not be read: {error!r}")
        if isinstance(record, ConnectionOpened):
            moment = at - recorder.epoch
            self._owners.opened(record.connection, record.address, moment)


def _seed_queue(run: _ActiveRun) -> None:
    spec, items = run.spec, run.items[: items_at_start(run.spec, len(run.items))]
    _announce(run, items)
    if spec.scenario.tries is not None:
        tries = min(spec.scenario.tries, spec.worker.max_attempts)
        spec.testbed.broker.set_delivery_limit(spec.queue, tries, spec.worker.seeding)
    spec.testbed.broker.seed(spec.queue, items, spec.worker.seeding)
    if spec.worker.sentinel:
        spec.testbed.broker.set_sentinel(spec.worker.sentinel)


def _announce(run: _ActiveRun, items: Sequence[bytes]) -> None:
    """Record items that are put into RabbitMQ; Redis shows automatically what is put into it.

    The record comes first: a waiting worker could get the item before the record is written.
    """
    for item in () if run.spec.pattern.capabilities.shows_enqueued_items else items:
        run.recorder.record("harness", ItemEnqueued(payload(item), run.spec.queue))


def _item_adder(run: _ActiveRun) -> Callable[[], bool]:
    """Return a function that adds one more item to the queue; False when none is left."""
    spec, remaining = run.spec, iter(run.items[items_at_start(run.spec, len(run.items)) :])

    def add() -> bool:
        item = next(remaining, None)
        if item is None:
            return False
        _announce(run, [item])
        spec.testbed.broker.seed(spec.queue, [item], spec.worker.seeding)
        return True

    return add


def _wait_for_last_logs(context: ScenarioContext) -> None:
    """Wait, where the Job has ended, for the last states and log lines of its workers."""
    if context.ended(context.recorder.events) is None:
        return

    def find(events: Sequence[Event]) -> bool | None:
        states: dict[Worker, str] = {}
        log_ended = set()
        for event in events:
            if isinstance(event.what, ContainerSeen):
                states[event.what.worker] = event.what.state
            elif isinstance(event.what, LogEnded):
                log_ended.add(event.what.worker)
        begun = {worker for worker, state in states.items() if state != "waiting"}
        all_terminated = all(states[worker] == "terminated" for worker in begun)
        return True if all_terminated and begun <= log_ended else None

    context.recorder.wait_or_none("the workers' last words", find, _LAST_LOGS)


def _in_own_words(run: _ActiveRun) -> None:
    """In the fault-free run, learn the worker's start lines, where no built-in phrase matches."""
    spec, recorder = run.spec, run.recorder
    if _is_calibration_run(spec) and not spec.worker.start_pattern:
        for statement in phrase_learning.statements(
            recorder.header, list(recorder.events), run.items
        ):
            recorder.record("logs", statement)


def _places(run: _ActiveRun) -> Places:
    """Return where items may lie in a changed form, as far as the interpreter knows by now."""
    roles = getattr(run.reader, "roles", None)
    if roles is None:
        return Places()
    leased, dead = _texts(roles().processing), _texts(roles().dead)

    def done(place: str) -> bool:
        return is_done(place.encode(errors="surrogateescape"), roles().done)

    known_bodies: Mapping[bytes, Literal["leased", "dead"]] = getattr(run.reader, "bodies", dict)()
    bodies = {key.decode(errors="backslashreplace"): where for key, where in known_bodies.items()}
    return Places(leased, dead, None if run.spec.calibration.roles is None else done, bodies)


def _texts(keys: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(key.decode(errors="backslashreplace") for key in keys)


def _dead(reader: Interpreter) -> tuple[str, ...]:
    """Return the keys known as dead-letter or archive locations.

    In RabbitMQ: all queues that the workers declared.
    """
    if isinstance(reader, AmqpInterpreter):
        return reader.queues()
    roles = getattr(reader, "roles", None)
    places = (*roles().dead, *roles().done) if roles else ()
    return _texts(places)
