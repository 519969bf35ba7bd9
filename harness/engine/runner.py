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
from harness.core.masking import Hide, hiding, secrets_in, secrets_of
from harness.core.time_limit import Left, unlimited
from harness.engine import phrase_learning
from harness.engine.calibration import Learned
from harness.engine.observers.cluster_warnings import warned
from harness.engine.observers.connection_owners import Owners
from harness.engine.observers.container_exits import exits
from harness.engine.observers.job_watcher import watching
from harness.engine.observers.log_follower import following
from harness.engine.observers.log_listener import Run as ContainerRun
from harness.engine.observers.pod_recorder import Workers
from harness.engine.observers.recorder import Recording
from harness.engine.progress.events import Hear, unheard
from harness.engine.run_spec import (
    Part,
    another_job,
    at_first,
    header_of,
    items_of,
    job_of,
    watch_of,
)
from harness.engine.scenario import Stage
from harness.engine.worker.companion_manifests import supply
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
from harness.patterns.coarse.interpreter import AmqpReader
from harness.patterns.fine.interpreter.items.role_learner import is_done
from harness.patterns.interpreter import Reader
from harness.patterns.job_manifest import worker_container
from harness.tap.records import Record

#: Seconds for the last words of a Job that has ended.
_LAST_WORDS = 10.0


@dataclass(frozen=True)
class Played:
    """A run that is over: its history, and why it did not come to its end (or None)."""

    path: Path
    error: QueuejobError | None
    #: What the reader of the wire has learned, for the scenarios that follow.
    reader: Reader
    #: What was sent.
    items: tuple[bytes, ...]


def run(
    part: Part, folder: Path, hear: Hear = unheard, name: str = "", left: Left = unlimited
) -> Played:
    """Play a scenario; `folder` gets `history.ndjson` and the logs.

    `hear` is told how it goes on, under the name `name`; there are so many seconds `left` for it.

    What goes wrong is in the history and in the answer. Only what nobody foresaw, and Ctrl-C,
    is raised, and then too the history says that the run did not come to its end.
    """
    items = items_of(part)
    manifest = job_of(part, len(items))
    container = str(worker_container(manifest, part.container)["name"])
    recording = Recording(folder / "history.ndjson", header_of(part, items), hear, name, left)
    reader = part.pattern.reader(
        part.queue, recording.epoch, part.learned.roles, part.worker.seeding
    )
    error: QueuejobError | None = None
    why = "it was interrupted"
    try:
        with contextlib.closing(recording):
            try:
                error = _play(_Run(part, folder, recording, reader, items, manifest, container))
                why = str(error) if error else ""
            finally:
                recording.record("harness", RunEnded(why))
    except BaseException:
        part.station.spoilt = True
        raise
    return Played(recording.path, error, reader, items)


@dataclass(frozen=True)
class _Run:
    """A run that has been begun."""

    part: Part
    folder: Path
    recording: Recording
    reader: Reader
    items: tuple[bytes, ...]
    manifest: Manifest
    container: str

    @property
    def job(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def hide(self) -> Hide:
        """Takes out of words what is secret in the Job, and in what it needs."""
        return hiding([*secrets_of(self.manifest), *secrets_in(self.part.supplies)])


def _play(run: _Run) -> QueuejobError | None:
    """The run itself, and what is left after it; an error that the reader of it can act on."""
    error: QueuejobError | None = None
    station, recording = run.part.station, run.recording
    try:
        with _observed(run) as stage:
            try:
                supply(station.namespace, run.part.supplies, run.hide)
                if not run.part.scenario.late:
                    _seed(run)
                run.part.scenario.play(stage)
            except QueuejobError as failure:
                error = failure
            stage.disarm()
            _last_words(stage)
            # What workers did from here on nobody would see, but what is left would show it.
            station.tap.hold_everybody()
            station.tap.sync(station.namespace.timeouts.settle)
        # Nobody listens to the tap any more: what is still open comes out now.
        for what in run.reader.flush():
            recording.record("tap", what)
        _in_own_words(run)
        station.end(run.job)
        left, depth = station.broker.left(
            run.part.queue,
            run.items,
            _dead(run.reader),
            run.part.worker.seeding,
            _places(run),
        )
        for one in left:
            recording.record("broker", one)
        recording.record("broker", depth)
        station.broker.clear()
        station.tap.sync(station.namespace.timeouts.settle)
    except QueuejobError as failure:
        station.spoilt = True
        error = error or failure
    return error


@contextlib.contextmanager
def _observed(run: _Run) -> Iterator[Stage]:
    """All observers at work, for as long as the block lasts."""
    part, recording, station = run.part, run.recording, run.part.station
    owners = Owners(lambda owner: recording.record("pods", owner))
    worker = part.worker
    patterns = (worker.start_pattern, worker.done_pattern, worker.digest_pattern)
    hide = run.hide
    logs = Workers(
        recording,
        owners,
        run.job,
        run.items,
        container=run.container,
        patterns=patterns,
        begins=part.learned.begins,
        hide=hide,
    )

    def read(worker: Worker) -> str:
        pod = stage.pod(worker).name
        return logs.read.get(ContainerRun(pod, run.container, worker.run), "")

    stage = Stage(
        scenario=part.scenario,
        station=station,
        recording=recording,
        owners=owners,
        learned=part.learned,
        points=_points(part, run.items),
        items=run.items,
        start=lambda: station.namespace.create(run.manifest),
        read=read,
        remains=lambda: station.broker.remains(part.queue, _dead(run.reader)),
        set_aside=lambda: station.broker.set_aside(part.queue),
        job=run.job,
        queue=part.queue,
        container=run.container,
        fill=lambda: _seed(run),
        add=_adding(run),
        watch=watch_of(part),
        send=lambda queue, items: station.broker.seed(queue, items, worker.seeding),
        another=partial(another_job, part) if part.queue_env else None,
        declared="".join(f", {name}={value}" for name, value in worker.seeding.arguments),
    )
    with (
        station.ear.listening(_Teller(run, owners), lambda why: recording.gap("tap", why)),
        following(station.namespace, run.folder / "logs", logs, logs.wanted, hide),
        watching(station.namespace, run.job, recording),
        warned(station.namespace, run.job, recording),
    ):
        yield stage
        _exits(run, logs)


def _teaches(part: Part) -> bool:
    """Whether this is the fault-free run, before which nothing is known."""
    return part.learned == Learned() and not part.scenario.faults


def _exits(run: _Run, logs: Workers) -> None:
    """The fault-free run: when its workers exited, where their nodes can be asked."""
    provider = run.part.station.provider
    if not _teaches(run.part) or provider.reaches_nodes():
        return
    # A copy: where the Job goes on, others may end meanwhile.
    ended = {node: dict(workers) for node, workers in list(logs.ended_on.items())}
    with contextlib.suppress(QueuejobError):  # then whole seconds have to be enough
        for one in exits(provider.on_node, ended, run.recording.epoch):
            run.recording.record("nodes", one)


def _points(part: Part, items: tuple[bytes, ...]) -> Points:
    """Where this worker can be stopped; one that never reports anything cannot be at its report."""
    points = part.pattern.points(part.learned.roles, items)
    if part.learned.settles:
        return points
    return dataclasses.replace(points, settling=None, settled=None)


class _Teller:
    """Records what the tap's records mean; called in the tap's thread."""

    def __init__(self, run: _Run, owners: Owners) -> None:
        self._run, self._owners = run, owners

    def __call__(self, at: float, record: Record) -> None:
        recording = self._run.recording
        try:
            for what in self._run.reader.take(at, record):
                recording.record("tap", what)
        # A reader that fails on what a worker says has not seen it: that must not go unnoticed.
        except Exception as error:
            recording.gap("tap", f"{record!r:.200} could not be read: {error!r}")
        if isinstance(record, ConnectionOpened):
            moment = at - recording.epoch
            self._owners.opened(record.connection, record.address, moment)


def _seed(run: _Run) -> None:
    part, items = run.part, run.items[: at_first(run.part, len(run.items))]
    _announce(run, items)
    if part.scenario.tries is not None:
        tries = min(part.scenario.tries, part.worker.max_attempts)
        part.station.broker.limit(part.queue, tries, part.worker.seeding)
    part.station.broker.seed(part.queue, items, part.worker.seeding)
    if part.worker.sentinel:
        part.station.broker.mark(part.worker.sentinel)


def _announce(run: _Run, items: Sequence[bytes]) -> None:
    """Record what is put into RabbitMQ; Redis tells by itself what is put into it.

    Before it is there: who waits for it has it before anybody could say so.
    """
    for item in () if run.part.pattern.capabilities.shows_enqueued_items else items:
        run.recording.record("harness", ItemEnqueued(payload(item), run.part.queue))


def _adding(run: _Run) -> Callable[[], bool]:
    """Puts what was not there at first into the queue, one at a time; False when all are."""
    part, rest = run.part, iter(run.items[at_first(run.part, len(run.items)) :])

    def add() -> bool:
        item = next(rest, None)
        if item is None:
            return False
        _announce(run, [item])
        part.station.broker.seed(part.queue, [item], part.worker.seeding)
        return True

    return add


def _last_words(stage: Stage) -> None:
    """Where the Job has ended: until the last states and lines of its workers are there."""
    if stage.ended(stage.recording.events) is None:
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

    stage.recording.wait_quietly("the workers' last words", find, _LAST_WORDS)


def _in_own_words(run: _Run) -> None:
    """The fault-free run: find out which lines say a beginning, where no built-in words do."""
    part, recording = run.part, run.recording
    if _teaches(part) and not part.worker.start_pattern:
        for one in phrase_learning.said(recording.header, list(recording.events), run.items):
            recording.record("logs", one)


def _places(run: _Run) -> Places:
    """Where items may lie in other bytes than their own, as the reader knows by now."""
    roles = getattr(run.reader, "roles", None)
    if roles is None:
        return Places()
    leased, dead = _texts(roles().processing), _texts(roles().dead)

    def done(place: str) -> bool:
        return is_done(place.encode(errors="surrogateescape"), roles().done)

    told: Mapping[bytes, Literal["leased", "dead"]] = getattr(run.reader, "bodies", dict)()
    bodies = {key.decode(errors="backslashreplace"): where for key, where in told.items()}
    return Places(leased, dead, None if run.part.learned.roles is None else done, bodies)


def _texts(keys: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(one.decode(errors="backslashreplace") for one in keys)


def _dead(reader: Reader) -> tuple[str, ...]:
    """The places that the reader knows of where items lie that nobody waits for any more.

    In RabbitMQ: all queues of the workers' own.
    """
    if isinstance(reader, AmqpReader):
        return reader.queues()
    roles = getattr(reader, "roles", None)
    places = (*roles().dead, *roles().done) if roles else ()
    return _texts(places)
