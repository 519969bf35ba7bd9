"""One run of one scenario: from an empty queue to a history on disk, in a straight line."""

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

#: Seconds for the last words of a Job that has ended.
_LAST_WORDS = 10.0


@dataclass(frozen=True)
class RunResult:
    """A run that is over: its history, and why it did not come to its end (or None)."""

    path: Path
    error: QueuejobError | None
    #: What the reader of the wire has learned, for the scenarios that follow.
    reader: Interpreter
    #: What was sent.
    items: tuple[bytes, ...]


def run(
    part: RunSpec,
    folder: Path,
    hear: ProgressSink = ignore_progress,
    name: str = "",
    left: Left = unlimited,
) -> RunResult:
    """Play a scenario; `folder` gets `history.ndjson` and the logs.

    `hear` is told how it goes on, under the name `name`; there are so many seconds `left` for it.

    What goes wrong is in the history and in the answer. Only what nobody foresaw, and Ctrl-C,
    is raised, and then too the history says that the run did not come to its end.
    """
    items = items_for(part)
    manifest = job_manifest(part, len(items))
    container = str(worker_container(manifest, part.container)["name"])
    recording = Recorder(folder / "history.ndjson", header_for(part, items), hear, name, left)
    reader = part.pattern.interpreter(
        part.queue, recording.epoch, part.calibration.roles, part.worker.seeding
    )
    error: QueuejobError | None = None
    why = "it was interrupted"
    try:
        with contextlib.closing(recording):
            try:
                error = _play(
                    _ActiveRun(part, folder, recording, reader, items, manifest, container)
                )
                why = str(error) if error else ""
            finally:
                recording.record("harness", RunEnded(why))
    except BaseException:
        part.testbed.dirty = True
        raise
    return RunResult(recording.path, error, reader, items)


@dataclass(frozen=True)
class _ActiveRun:
    """A run that has been begun."""

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
        """Takes out of words what is secret in the Job, and in what it needs."""
        return masker_for([*secrets_of(self.manifest), *secrets_in(self.spec.supplies)])


def _play(run: _ActiveRun) -> QueuejobError | None:
    """The run itself, and what is left after it; an error that the reader of it can act on."""
    error: QueuejobError | None = None
    station, recording = run.spec.testbed, run.recorder
    try:
        with _observed(run) as stage:
            try:
                apply_companions(station.namespace, run.spec.supplies, run.hide)
                if not run.spec.scenario.late:
                    _seed(run)
                run.spec.scenario.play(stage)
            except QueuejobError as failure:
                error = failure
            stage.clear_breakpoints()
            _last_words(stage)
            # What workers did from here on nobody would see, but what is left would show it.
            station.tap.hold_all()
            station.tap.sync(station.namespace.timeouts.settle)
        # Nobody listens to the tap any more: what is still open comes out now.
        for what in run.reader.finish():
            recording.record("tap", what)
        _in_own_words(run)
        station.end(run.job)
        left, depth = station.broker.drain(
            run.spec.queue,
            run.items,
            _dead(run.reader),
            run.spec.worker.seeding,
            _places(run),
        )
        for one in left:
            recording.record("broker", one)
        recording.record("broker", depth)
        station.broker.clear()
        station.tap.sync(station.namespace.timeouts.settle)
    except QueuejobError as failure:
        station.dirty = True
        error = error or failure
    return error


@contextlib.contextmanager
def _observed(run: _ActiveRun) -> Iterator[ScenarioContext]:
    """All observers at work, for as long as the block lasts."""
    part, recording, station = run.spec, run.recorder, run.spec.testbed
    owners = ConnectionOwners(lambda owner: recording.record("pods", owner))
    worker = part.worker
    patterns = (worker.start_pattern, worker.done_pattern, worker.digest_pattern)
    hide = run.hide
    logs = PodRecorder(
        recording,
        owners,
        run.job,
        run.items,
        container=run.container,
        patterns=patterns,
        begins=part.calibration.begins,
        hide=hide,
    )

    def read(worker: Worker) -> str:
        pod = stage.pod(worker).name
        return logs.read.get(ContainerRun(pod, run.container, worker.run), "")

    stage = ScenarioContext(
        scenario=part.scenario,
        testbed=station,
        recorder=recording,
        owners=owners,
        calibration=part.calibration,
        points=_points(part, run.items),
        items=run.items,
        start=lambda: station.namespace.create(run.manifest),
        read=read,
        remains=lambda: station.broker.residual_keys(part.queue, _dead(run.reader)),
        set_aside=lambda: station.broker.dead_letter_count(part.queue),
        job=run.job,
        queue=part.queue,
        container=run.container,
        fill=lambda: _seed(run),
        add=_adding(run),
        idle_watch=idle_watch_seconds(part),
        send=lambda queue, items: station.broker.seed(queue, items, worker.seeding),
        another=partial(neighbour_job_manifest, part) if part.queue_env else None,
        declared="".join(f", {name}={value}" for name, value in worker.seeding.arguments),
    )
    with (
        station.record_router.listening(
            _TapRecorder(run, owners), lambda why: recording.gap("tap", why)
        ),
        following(station.namespace, run.folder / "logs", logs, logs.wanted, hide),
        watching(station.namespace, run.job, recording),
        watching_warnings(station.namespace, run.job, recording),
    ):
        yield stage
        _exits(run, logs)


def _teaches(part: RunSpec) -> bool:
    """Whether this is the fault-free run, before which nothing is known."""
    return part.calibration == Calibration() and not part.scenario.faults


def _exits(run: _ActiveRun, logs: PodRecorder) -> None:
    """The fault-free run: when its workers exited, where their nodes can be asked."""
    provider = run.spec.testbed.provider
    if not _teaches(run.spec) or provider.node_access_error():
        return
    # A copy: where the Job goes on, others may end meanwhile.
    ended = {node: dict(workers) for node, workers in list(logs.ended_on.items())}
    with contextlib.suppress(QueuejobError):  # then whole seconds have to be enough
        for one in exit_times(provider.on_node, ended, run.recorder.epoch):
            run.recorder.record("nodes", one)


def _points(part: RunSpec, items: tuple[bytes, ...]) -> Points:
    """Where this worker can be stopped; one that never reports anything cannot be at its report."""
    points = part.pattern.points(part.calibration.roles, items)
    if part.calibration.settles:
        return points
    return dataclasses.replace(points, settling=None, settled=None)


class _TapRecorder:
    """Records what the tap's records mean; called in the tap's thread."""

    def __init__(self, run: _ActiveRun, owners: ConnectionOwners) -> None:
        self._run, self._owners = run, owners

    def __call__(self, at: float, record: Record) -> None:
        recording = self._run.recorder
        try:
            for what in self._run.reader.feed(at, record):
                recording.record("tap", what)
        # A reader that fails on what a worker says has not seen it: that must not go unnoticed.
        except Exception as error:
            recording.gap("tap", f"{record!r:.200} could not be read: {error!r}")
        if isinstance(record, ConnectionOpened):
            moment = at - recording.epoch
            self._owners.opened(record.connection, record.address, moment)


def _seed(run: _ActiveRun) -> None:
    part, items = run.spec, run.items[: items_at_start(run.spec, len(run.items))]
    _announce(run, items)
    if part.scenario.tries is not None:
        tries = min(part.scenario.tries, part.worker.max_attempts)
        part.testbed.broker.set_delivery_limit(part.queue, tries, part.worker.seeding)
    part.testbed.broker.seed(part.queue, items, part.worker.seeding)
    if part.worker.sentinel:
        part.testbed.broker.set_sentinel(part.worker.sentinel)


def _announce(run: _ActiveRun, items: Sequence[bytes]) -> None:
    """Record what is put into RabbitMQ; Redis tells by itself what is put into it.

    Before it is there: who waits for it has it before anybody could say so.
    """
    for item in () if run.spec.pattern.capabilities.shows_enqueued_items else items:
        run.recorder.record("harness", ItemEnqueued(payload(item), run.spec.queue))


def _adding(run: _ActiveRun) -> Callable[[], bool]:
    """Puts what was not there at first into the queue, one at a time; False when all are."""
    part, rest = run.spec, iter(run.items[items_at_start(run.spec, len(run.items)) :])

    def add() -> bool:
        item = next(rest, None)
        if item is None:
            return False
        _announce(run, [item])
        part.testbed.broker.seed(part.queue, [item], part.worker.seeding)
        return True

    return add


def _last_words(stage: ScenarioContext) -> None:
    """Where the Job has ended: until the last states and lines of its workers are there."""
    if stage.ended(stage.recorder.events) is None:
        return

    def find(events: Sequence[Event]) -> bool | None:
        states: dict[Worker, str] = {}
        ended = set()
        for event in events:
            if isinstance(event.what, ContainerSeen):
                states[event.what.worker] = event.what.state
            elif isinstance(event.what, LogEnded):
                ended.add(event.what.worker)
        begun = {worker for worker, state in states.items() if state != "waiting"}
        over = all(states[worker] == "terminated" for worker in begun)
        return True if over and begun <= ended else None

    stage.recorder.wait_or_none("the workers' last words", find, _LAST_WORDS)


def _in_own_words(run: _ActiveRun) -> None:
    """The fault-free run: find out which lines say a beginning, where no built-in words do."""
    part, recording = run.spec, run.recorder
    if _teaches(part) and not part.worker.start_pattern:
        for one in phrase_learning.statements(recording.header, list(recording.events), run.items):
            recording.record("logs", one)


def _places(run: _ActiveRun) -> Places:
    """Where items may lie in other bytes than their own, as the reader knows by now."""
    roles = getattr(run.reader, "roles", None)
    if roles is None:
        return Places()
    leased, dead = _texts(roles().processing), _texts(roles().dead)

    def done(place: str) -> bool:
        return is_done(place.encode(errors="surrogateescape"), roles().done)

    told: Mapping[bytes, Literal["leased", "dead"]] = getattr(run.reader, "bodies", dict)()
    bodies = {key.decode(errors="backslashreplace"): where for key, where in told.items()}
    return Places(leased, dead, None if run.spec.calibration.roles is None else done, bodies)


def _texts(keys: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(one.decode(errors="backslashreplace") for one in keys)


def _dead(reader: Interpreter) -> tuple[str, ...]:
    """The places that the reader knows of where items lie that nobody waits for any more.

    In RabbitMQ: all queues of the workers' own.
    """
    if isinstance(reader, AmqpInterpreter):
        return reader.queues()
    roles = getattr(reader, "roles", None)
    places = (*roles().dead, *roles().done) if roles else ()
    return _texts(places)
