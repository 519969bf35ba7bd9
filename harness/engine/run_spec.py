"""The parts of a run: the worker under test, its items, and its Job."""

from __future__ import annotations

import dataclasses
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

from harness import __version__
from harness.core import clock
from harness.engine.calibration import CALIBRATION_BOUNDS, ITEM_INTERVAL, Calibration
from harness.engine.scenario import Scenario
from harness.engine.testbed import Testbed
from harness.engine.worker.companion_manifests import load_companions
from harness.engine.worker.worker_under_test import WorkerUnderTest
from harness.history import SCHEMA, Figures, Header, Payload, payload
from harness.infra.kube import Manifest, load_job
from harness.patterns.base import Pattern
from harness.patterns.job_manifest import JobOptions, with_workers, worker_container

#: Bytes that are no text: many handlers fail on them. Used where the user gives no failing item.
_BINARY_ITEM = b"\xff\xfe\xfd-"
_SHELLS = ("sh", "bash", "dash", "ash", "ksh", "zsh", "busybox")
#: The script goes on after a failed command, and exits with 0.
_OR_ELSE = re.compile(r"\|\|\s*(true|:|echo|exit\s+0|sleep|printf)\b[^;|&]*|\|\|\s*:(\s|$)")
#: The exit code of a pipe is that of its last command.
_PIPE = re.compile(r"(?<!\|)\|(?!\|)&?\s*\w[^;|&]*$")
_AND_THEN = re.compile(r"[;&]\s*(true|:|exit\s+0|(echo|printf|sleep|date|sync)\b[^;|&]*)\s*;?\s*$")
_STRICT = re.compile(r"\bset\s+-\w*e|errexit")
_OWN_ITEMS_NOTE = " (with items of its own, not with those that were given)"
#: The most items of a scenario that has as many as fit into its time.
_MAX_ITEMS = 30


@dataclass(frozen=True)
class RunSpec:
    """The parts of a run: worker, image, scenario, testbed, and the calibration so far."""

    worker: WorkerUnderTest
    #: The image's name on the nodes.
    image: str
    scenario: Scenario
    testbed: Testbed
    calibration: Calibration
    factor: float = 1.0

    @property
    def pattern(self) -> Pattern:
        return self.testbed.pattern

    @property
    def queue(self) -> str:
        return self.worker.queue or self.pattern.queue

    @property
    def queue_env(self) -> str:
        """The variable with the worker's queue name; empty where none is defined."""
        return self.worker.queue_env or self.pattern.queue_env

    @cached_property
    def own_job(self) -> Manifest | None:
        """The user's Job; None where there is none, or the scenario needs another shape."""
        if self.worker.job is None or self.scenario.shaped:
            return None
        return load_job(self.worker.job)

    @property
    def container(self) -> str:
        """The worker's container in this run's Job, as the user names it; empty: the only one."""
        return "" if self.own_job is None else self.worker.container

    @cached_property
    def supplies(self) -> tuple[Manifest, ...]:
        """The objects that have to be in the namespace before the Job."""
        folder = self.worker.manifests
        return () if folder is None else load_companions(folder, self.pattern.name)


def items_for(part: RunSpec) -> tuple[bytes, ...]:
    """Return the run's items: the user's unchanged, or generated ones that occur nowhere else.

    So an item of this run cannot be mistaken for another run's.
    """
    names, suffix = part.pattern.items, secrets.token_hex(2)
    if part.scenario.payloads is not None:
        return tuple(part.scenario.payloads(names, suffix))
    given = () if makes_its_own_items(part.worker, part.scenario) else part.worker.own_items
    count = part.scenario.items or part.worker.items.count or len(given or names)
    count = max(count + _extra_items(part), _items_in_time(part))
    if part.pattern.capabilities.one_item_per_pod and (own_job := part.own_job) is not None:
        count = own_job["spec"].get("completions") or count
    generated = [f"{names[n % len(names)]}-{suffix}{n}".encode() for n in range(count)]
    items = [*given[:count]] or generated
    if part.scenario.failing:
        failing = part.worker.failing_item
        items[_failing_index(items)] = (
            _BINARY_ITEM + suffix.encode() if failing is None else failing
        )
    return tuple(items)


def _failing_index(items: Sequence[bytes]) -> int:
    """Return the index of the item that fails: not the first of several.

    A queue may redeliver that one before all others, and then it would stay unknown what becomes of
    those.
    """
    return 1 if len(items) > 2 else 0


def idle_watch_seconds(part: RunSpec) -> float:
    """Return the seconds for which the harness watches a worker without work."""
    return part.calibration.watch if part.worker.patience is None else part.worker.patience


def items_at_start(part: RunSpec, items: int) -> int:
    """Return how many items are there when the Job starts; `play` adds the others.

    Fine: one for each of two workers. Coarse: all but one, so that one worker has nothing to do.
    """
    if not part.scenario.adds:
        return items
    return max(1, items - 1) if part.pattern.capabilities.one_item_per_pod else min(items, 2)


def _extra_items(part: RunSpec) -> int:
    """Return how many more items one worker needs to stay busy while another is watched."""
    if not part.scenario.adds or part.pattern.capabilities.one_item_per_pod:
        return 0
    return ceil(idle_watch_seconds(part) / max(ITEM_INTERVAL, part.calibration.figures.pace or 0.0))


def _items_in_time(part: RunSpec) -> int:
    """Return how many items one worker finishes in the time that the scenario has for them."""
    pace = part.calibration.figures.pace
    if part.pattern.capabilities.one_item_per_pod or pace is None:
        return 0
    return min(_MAX_ITEMS, int(part.scenario.seconds / max(pace, ITEM_INTERVAL)))


def makes_its_own_items(worker: WorkerUnderTest, scenario: Scenario) -> bool:
    """Return whether a scenario generates its items, although the user has given some."""
    given = len(worker.own_items)
    needed = (scenario.items or given) * (2 if scenario.neighbour else 1)
    return given > 0 and (scenario.payloads is not None or given < needed)


def summary(worker: WorkerUnderTest, scenario: Scenario) -> str:
    """Return one sentence about a scenario, as it is played with this worker."""
    return f"{scenario.says}{_OWN_ITEMS_NOTE if makes_its_own_items(worker, scenario) else ''}"


def header_for(part: RunSpec, items: tuple[bytes, ...]) -> Header:
    scenario, calibration = part.scenario, part.calibration
    bounds = CALIBRATION_BOUNDS
    if calibration.figures != Figures():
        parallelism, completions = _shape(part)
        bounds = calibration.bounds(
            part.pattern.capabilities, len(items), parallelism, part.factor, completions
        )
    return Header(
        schema=SCHEMA,
        scenario=scenario.name,
        pattern=part.pattern.capabilities.judged_as,
        image=part.worker.image,
        started=clock.now(),
        bounds=bounds,
        figures=calibration.figures,
        faults=scenario.faults,
        unique_items=len(set(items)) == len(items),
        failing_item=payload(items[_failing_index(items)]) if scenario.failing else None,
        failing_known=scenario.failing and part.worker.failing_item is not None,
        concurrency=part.worker.concurrency,
        sentinel=part.worker.sentinel,
        neighbours=_neighbour_items(part.worker, tuple(items)) if scenario.neighbour else (),
        keeps=part.worker.keeps,
        max_attempts=part.worker.max_attempts,
        own_job=part.own_job is not None,
        dead_letters="x-dead-letter-exchange" in part.worker.seeding.of_queue,
        swallows=_hidden_exit_code(part),
        version=__version__,
    )


def _hidden_exit_code(part: RunSpec) -> str:
    """Return the shell words in the user's Job that hide the worker's exit code; else empty."""
    job = _user_job(part)
    if job is None:
        return ""
    container = worker_container(job, part.worker.container)
    words = [str(word) for word in (*container.get("command", ()), *container.get("args", ()))]
    for shell, flag, script in zip(words, words[1:], words[2:], strict=False):
        if shell.rpartition("/")[2] in _SHELLS and flag.startswith("-") and "c" in flag:
            return hidden_by(script, strict="e" in flag)
    return ""


def hidden_by(script: str, *, strict: bool = False) -> str:
    """Return the words of a shell script that make it exit with 0 after a failed command.

    `strict`: the shell was started with -e. Only certain cases are reported.
    """
    lines = [line.partition(" #")[0].strip() for line in script.strip().splitlines()]
    text = "; ".join(line for line in lines if line and not line.startswith("#"))
    if match := _OR_ELSE.search(text):
        return match[0].strip()
    pipe = _PIPE.search(text)
    if pipe and "pipefail" not in text:
        return pipe[0].strip()
    strict = strict or bool(_STRICT.search(text))
    match = _AND_THEN.search(text)
    return match[0].strip() if match and not strict else ""


def _shape(part: RunSpec) -> tuple[int, int | None]:
    """Return the Job's parallelism, and its completions where the pattern leaves them open."""
    if part.own_job is None:
        return part.scenario.parallelism, part.scenario.completions
    spec = part.own_job["spec"]
    return max(1, spec.get("parallelism", 1)), spec.get("completions")


def job_manifest(part: RunSpec, items: int) -> Manifest:
    """Return the Job of this run: the user's own, or the tutorial's in the scenario's shape."""
    scenario, pattern = part.scenario, part.pattern
    options = JobOptions(part.image, env=_env(part), container=part.worker.container)
    if part.own_job is not None:
        return with_workers(part.own_job, dataclasses.replace(options, parallelism=None))
    completions = scenario.completions
    if pattern.capabilities.one_item_per_pod:
        completions = items + scenario.more_completions
    return pattern.manifest(
        dataclasses.replace(
            options,
            parallelism=scenario.parallelism,
            completions=completions,
            pod=scenario.pod or {},
            like=_user_job(part),
        )
    )


def neighbour_job_manifest(part: RunSpec, name: str, queue: str, items: int) -> Manifest:
    """Return a second Job of the same worker, for `items` items in another queue."""
    completions = items if part.pattern.capabilities.one_item_per_pod else None
    env = {**_env(part), part.queue_env: queue}
    options = JobOptions(
        part.image,
        completions=completions,
        env=env,
        container=part.worker.container,
        like=_user_job(part),
    )
    manifest = part.pattern.manifest(options)
    for metadata in (manifest["metadata"], manifest["spec"]["template"]["metadata"]):
        metadata["name"] = name
    return manifest


def _user_job(part: RunSpec) -> Manifest | None:
    """Return the user's Job, for a run that needs another shape of it."""
    return None if part.worker.job is None else load_job(part.worker.job)


def _neighbour_items(worker: WorkerUnderTest, items: tuple[bytes, ...]) -> tuple[Payload, ...]:
    """Return as many items that differ from these: the user's next ones, where possible."""
    given = worker.own_items
    if given[: len(items)] == items:
        return tuple(map(payload, given[len(items) : 2 * len(items)]))
    return tuple(payload(b"next-" + item) for item in items)


def _env(part: RunSpec) -> Mapping[str, str]:
    """Return the container's environment: the user's, the queue's name, and unbuffered output."""
    worker, pattern = part.worker, part.pattern
    placeholders = {"host": pattern.service, "port": str(pattern.port), "queue": part.queue}
    placeholders["url"] = pattern.url_of(part.queue)
    env = {"PYTHONUNBUFFERED": "1"}
    if worker.queue_env:
        env[worker.queue_env] = part.queue
    for name, value in worker.env.items():
        for key, text in placeholders.items():
            value = value.replace(f"{{{key}}}", text)  # noqa: PLW2901  # replaced in turn
        env[name] = value
    return env
