"""What a run is made of: who is tested, with what items, in which Job."""

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

#: What many handlers choke on, where nobody says what makes this one fail: bytes that are no text.
_NO_TEXT = b"\xff\xfe\xfd-"
_SHELLS = ("sh", "bash", "dash", "ash", "ksh", "zsh", "busybox")
#: Whatever failed before, the script goes on and succeeds.
_OR_ELSE = re.compile(r"\|\|\s*(true|:|echo|exit\s+0|sleep|printf)\b[^;|&]*|\|\|\s*:(\s|$)")
#: The exit code of a pipe is that of its last command.
_PIPE = re.compile(r"(?<!\|)\|(?!\|)&?\s*\w[^;|&]*$")
_AND_THEN = re.compile(r"[;&]\s*(true|:|exit\s+0|(echo|printf|sleep|date|sync)\b[^;|&]*)\s*;?\s*$")
_STRICT = re.compile(r"\bset\s+-\w*e|errexit")
_ITS_OWN = " (with items of its own, not with those that were given)"
#: Items of a scenario that has as many as fit into its time.
_MOST = 30


@dataclass(frozen=True)
class RunSpec:
    """What a run is made of: who is tested, in what, where, and with what is known so far."""

    worker: WorkerUnderTest
    #: The image as the nodes know it.
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
        """The variable that tells the worker its queue; empty where nobody has named one."""
        return self.worker.queue_env or self.pattern.queue_env

    @cached_property
    def own_job(self) -> Manifest | None:
        """The user's Job; None where there is none, or the scenario needs another shape."""
        if self.worker.job is None or self.scenario.shaped:
            return None
        return load_job(self.worker.job)

    @property
    def container(self) -> str:
        """The worker's container in this run's Job, as its owner says; the task page's has one."""
        return "" if self.own_job is None else self.worker.container

    @cached_property
    def supplies(self) -> tuple[Manifest, ...]:
        """What has to be in the namespace before the Job."""
        folder = self.worker.manifests
        return () if folder is None else load_companions(folder, self.pattern.name)


def items_for(part: RunSpec) -> tuple[bytes, ...]:
    """The owner's items as they are; else some that occur nowhere else.

    So none of these can be taken for another run's.
    """
    names, mark = part.pattern.items, secrets.token_hex(2)
    if part.scenario.payloads is not None:
        return tuple(part.scenario.payloads(names, mark))
    given = () if makes_its_own_items(part.worker, part.scenario) else part.worker.own_items
    wanted = part.scenario.items or part.worker.items.count or len(given or names)
    wanted = max(wanted + _added(part), _in_time(part))
    if part.pattern.capabilities.one_item_per_pod and (own := part.own_job) is not None:
        wanted = own["spec"].get("completions") or wanted
    made = [f"{names[n % len(names)]}-{mark}{n}".encode() for n in range(wanted)]
    items = [*given[:wanted]] or made
    if part.scenario.failing:
        failing = part.worker.failing_item
        items[_failing(items)] = _NO_TEXT + mark.encode() if failing is None else failing
    return tuple(items)


def _failing(items: Sequence[bytes]) -> int:
    """The place of the one that fails: not the first of several, for a queue may give it out again
    before all others, and then nobody would see what becomes of those."""
    return 1 if len(items) > 2 else 0


def idle_watch_seconds(part: RunSpec) -> float:
    """Seconds for which a worker without work is watched."""
    return part.calibration.watch if part.worker.patience is None else part.worker.patience


def items_at_start(part: RunSpec, items: int) -> int:
    """How many of the items are there when the Job starts; the others `play` adds.

    Fine: one for each of two workers. Coarse: all but one, for whose worker there is nothing then.
    """
    if not part.scenario.adds:
        return items
    return max(1, items - 1) if part.pattern.capabilities.one_item_per_pod else min(items, 2)


def _added(part: RunSpec) -> int:
    """How many more there have to be, that one worker is at work while another is watched."""
    if not part.scenario.adds or part.pattern.capabilities.one_item_per_pod:
        return 0
    return ceil(idle_watch_seconds(part) / max(ITEM_INTERVAL, part.calibration.figures.pace or 0.0))


def _in_time(part: RunSpec) -> int:
    """How many items one worker works off in the time that the scenario has for them."""
    pace = part.calibration.figures.pace
    if part.pattern.capabilities.one_item_per_pod or pace is None:
        return 0
    return min(_MOST, int(part.scenario.seconds / max(pace, ITEM_INTERVAL)))


def makes_its_own_items(worker: WorkerUnderTest, scenario: Scenario) -> bool:
    """Whether a scenario has items of its own, although the worker's owner has given some."""
    given = len(worker.own_items)
    wanted = (scenario.items or given) * (2 if scenario.neighbour else 1)
    return given > 0 and (scenario.payloads is not None or given < wanted)


def summary(worker: WorkerUnderTest, scenario: Scenario) -> str:
    """What a scenario is about, with this worker."""
    return f"{scenario.says}{_ITS_OWN if makes_its_own_items(worker, scenario) else ''}"


def header_for(part: RunSpec, items: tuple[bytes, ...]) -> Header:
    scenario, learned = part.scenario, part.calibration
    bounds = CALIBRATION_BOUNDS
    if learned.figures != Figures():
        at_once, completions = _shape(part)
        bounds = learned.bounds(
            part.pattern.capabilities, len(items), at_once, part.factor, completions
        )
    return Header(
        schema=SCHEMA,
        scenario=scenario.name,
        pattern=part.pattern.name,
        image=part.worker.image,
        started=clock.now(),
        bounds=bounds,
        figures=learned.figures,
        faults=scenario.faults,
        unique_items=len(set(items)) == len(items),
        failing_item=payload(items[_failing(items)]) if scenario.failing else None,
        failing_known=scenario.failing and part.worker.failing_item is not None,
        concurrency=part.worker.concurrency,
        sentinel=part.worker.sentinel,
        neighbours=_neighbours(part.worker, tuple(items)) if scenario.neighbour else (),
        keeps=part.worker.keeps,
        max_attempts=part.worker.max_attempts,
        own_job=part.own_job is not None,
        dead_letters="x-dead-letter-exchange" in part.worker.seeding.of_queue,
        swallows=_swallows(part),
        version=__version__,
    )


def _swallows(part: RunSpec) -> str:
    """What in the owner's Job hides the worker's exit code: the words of its shell, or nothing."""
    job = _owners(part)
    if job is None:
        return ""
    container = worker_container(job, part.worker.container)
    words = [str(one) for one in (*container.get("command", ()), *container.get("args", ()))]
    for shell, flag, script in zip(words, words[1:], words[2:], strict=False):
        if shell.rpartition("/")[2] in _SHELLS and flag.startswith("-") and "c" in flag:
            return hidden_by(script, strict="e" in flag)
    return ""


def hidden_by(script: str, *, strict: bool = False) -> str:
    """The words of a shell's script by which it exits with 0 though a command before them failed.

    `strict`: it was started with -e. Only what surely does so is named.
    """
    lines = [line.partition(" #")[0].strip() for line in script.strip().splitlines()]
    text = "; ".join(line for line in lines if line and not line.startswith("#"))
    if found := _OR_ELSE.search(text):
        return found[0].strip()
    piped = _PIPE.search(text)
    if piped and "pipefail" not in text:
        return piped[0].strip()
    strict = strict or bool(_STRICT.search(text))
    found = _AND_THEN.search(text)
    return found[0].strip() if found and not strict else ""


def _shape(part: RunSpec) -> tuple[int, int | None]:
    """How many pods the Job has at once, and its completions where the pattern leaves them open."""
    if part.own_job is None:
        return part.scenario.parallelism, part.scenario.completions
    spec = part.own_job["spec"]
    return max(1, spec.get("parallelism", 1)), spec.get("completions")


def job_manifest(part: RunSpec, items: int) -> Manifest:
    """The Job of this run: the user's own, or the task page's, as the scenario wants it."""
    scenario, pattern = part.scenario, part.pattern
    workers = JobOptions(part.image, env=_env(part), container=part.worker.container)
    if part.own_job is not None:
        return with_workers(part.own_job, dataclasses.replace(workers, parallelism=None))
    completions = scenario.completions
    if pattern.capabilities.one_item_per_pod:
        completions = items + scenario.more_completions
    return pattern.manifest(
        dataclasses.replace(
            workers,
            parallelism=scenario.parallelism,
            completions=completions,
            pod=scenario.pod or {},
            like=_owners(part),
        )
    )


def neighbour_job_manifest(part: RunSpec, name: str, queue: str, items: int) -> Manifest:
    """The same workers in another Job, with so many items in another queue."""
    completions = items if part.pattern.capabilities.one_item_per_pod else None
    env = {**_env(part), part.queue_env: queue}
    workers = JobOptions(
        part.image,
        completions=completions,
        env=env,
        container=part.worker.container,
        like=_owners(part),
    )
    made = part.pattern.manifest(workers)
    for metadata in (made["metadata"], made["spec"]["template"]["metadata"]):
        metadata["name"] = name
    return made


def _owners(part: RunSpec) -> Manifest | None:
    """The owner's Job, for a run that needs another shape of it."""
    return None if part.worker.job is None else load_job(part.worker.job)


def _neighbours(worker: WorkerUnderTest, items: tuple[bytes, ...]) -> tuple[Payload, ...]:
    """As many items, that nobody can take for these: the owner's next ones, where these are its."""
    given = worker.own_items
    if given[: len(items)] == items:
        return tuple(map(payload, given[len(items) : 2 * len(items)]))
    return tuple(payload(b"next-" + item) for item in items)


def _env(part: RunSpec) -> Mapping[str, str]:
    """What the user set, the queue's name, and output that does not wait in a buffer."""
    worker, pattern = part.worker, part.pattern
    where = {"host": pattern.service, "port": str(pattern.port), "queue": part.queue}
    where["url"] = pattern.url_of(part.queue)
    env = {"PYTHONUNBUFFERED": "1"}
    if worker.queue_env:
        env[worker.queue_env] = part.queue
    for name, value in worker.env.items():
        for key, text in where.items():
            value = value.replace(f"{{{key}}}", text)  # noqa: PLW2901  # one after the other
        env[name] = value
    return env
