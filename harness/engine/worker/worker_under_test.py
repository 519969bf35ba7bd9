"""The user's specification of a worker, and the checks on it before anything is created."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.errors import UsageError
from harness.engine.worker.items import Items
from harness.history import MAX_ATTEMPTS
from harness.patterns.base import PATTERNS, Capabilities
from harness.patterns.seeding import SEEDS, Seeding

#: A queue's name: accepted by Redis and RabbitMQ, and usable in the names of Kubernetes objects.
_QUEUE = re.compile(r"[A-Za-z0-9._:-]{1,100}")

#: An example of a log pattern, for messages.
_EXAMPLE = r"(Working on|Processing) (?P<item>.+)"

DIGEST = r"sha256[ :=]+(?P<sha256>[0-9a-fA-F]{64})\b"

#: The most seconds for which an idle worker can be watched.
MAX_PATIENCE = 600

#: The controller that starts a Job's pods where its manifest names no other.
_CONTROLLER = "kubernetes.io/job-controller"


@dataclass(frozen=True)
class WorkerUnderTest:
    """A worker image, and all that the user may specify about it."""

    #: The image's name in Docker, or `recipe:NAME` for one of this project's own.
    image: str
    pattern: str
    env: Mapping[str, str] = field(default_factory=dict)
    #: The user's own Job manifest.
    job: Path | None = None
    #: A folder with the manifests of what the Job needs in addition to itself.
    manifests: Path | None = None
    #: The container of its pod that takes the work; empty when there is only one.
    container: str = ""
    #: Empty: the tutorial's.
    queue: str = ""
    #: The environment variable that names the queue, where the worker has one.
    queue_env: str = ""
    #: The user's patterns of the worker's start lines and end lines; empty: the phrases that
    #: `harness.history.log_phrases` knows are hints.
    start_pattern: str = ""
    done_pattern: str = ""
    #: The pattern of a line that contains the digest of the processed bytes.
    digest_pattern: str = DIGEST
    #: An item that makes this worker's handler fail; None when the user gives none.
    failing_item: bytes | None = None
    items: Items = field(default_factory=Items)
    #: How many items each of its containers processes at once.
    concurrency: int = 1
    #: The Redis key that signals this worker that all items are sent; empty: it needs none.
    sentinel: str = ""
    #: Patterns of the keys that it leaves in Redis on purpose; None: the user gave no answer.
    keeps: tuple[str, ...] | None = None
    #: How many attempts an item that kills its worker may have.
    max_attempts: int = MAX_ATTEMPTS
    #: Seconds for which it is watched while it is idle; None: derived from its lease.
    patience: float | None = None
    seeding: Seeding = field(default_factory=Seeding)

    @property
    def capabilities(self) -> Capabilities:
        """How its pattern differs from others; `UsageError` where there is no such pattern."""
        return PATTERNS.get(self.pattern).capabilities

    @property
    def own_items(self) -> tuple[bytes, ...]:
        """The user's items that it can process; empty where there are none."""
        return tuple(item for item in self.items.own if item != self.failing_item)

    def check_job(self, job: Mapping[str, Any]) -> None:
        """Raise `UsageError` where the user's Job cannot start, or does not fit these items."""
        _check_starts(job, f"--job {self.job}")
        completions = job["spec"].get("completions")
        if not self.capabilities.one_item_per_pod or completions is None or self.items == Items():
            return
        item_count = self.items.count or len(self.own_items)
        if item_count < completions or (self.items.count and item_count != completions):
            raise UsageError(
                f"the Job's completions are {completions}, and there are {item_count} items",
                expected="an item for each completion",
                seen=f"--items and --job {self.job}",
                todo="give as many items as the Job has completions",
            )

    def check(self) -> None:
        """Raise `UsageError` for contradictory or impossible values."""
        if not self.image.strip():
            raise UsageError("no worker image is given", expected="--image NAME")
        if self.queue and not _QUEUE.fullmatch(self.queue):
            raise UsageError(
                f"{self.queue!r} cannot be the name of the queue",
                expected="letters, digits and . _ : - only, up to 100 of them",
                seen=self.queue,
                todo="give another --queue, or leave it out for the tutorial's",
            )
        if self.queue and not (self.queue_env or self.job):
            raise UsageError(
                "--queue also needs --queue-env, or --job",
                expected="--queue-env NAME, the environment variable that names the queue",
                seen=f"--queue {self.queue} alone",
            )
        if self.sentinel and not self.capabilities.has_sentinel:
            raise UsageError(
                "--sentinel works with Redis only",
                expected="--sentinel with --pattern fine only",
                seen=f"--pattern {self.pattern}",
            )
        self._check_seeding()
        self._check_patience()
        if self.items.own and not self.own_items:
            raise UsageError(
                "every item of --items is the failing item",
                expected="at least one item that differs from --failing-item",
                seen="no other",
            )
        if self.concurrency < 1:
            raise UsageError(
                "--concurrency must be at least 1",
                expected="--concurrency N, 1 or more",
                seen=f"{self.concurrency}",
            )
        if self.max_attempts < 1:
            raise UsageError(
                "--max-attempts must be at least 1",
                expected="--max-attempts N, 1 or more",
                seen=f"{self.max_attempts}",
            )
        for flag, pattern in (
            ("--start-pattern", self.start_pattern),
            ("--done-pattern", self.done_pattern),
        ):
            if pattern:
                _check_group(flag, pattern, "item", "where the item stands", _EXAMPLE)
        sha256 = ("sha256", "where the SHA-256 stands", DIGEST)
        _check_group("--digest-pattern", self.digest_pattern, *sha256)

    def _check_patience(self) -> None:
        if self.patience is not None and not 1 <= self.patience <= MAX_PATIENCE:
            raise UsageError(
                f"--patience must be between 1 and {MAX_PATIENCE} seconds",
                expected=f"--patience SECONDS, 1 to {MAX_PATIENCE}",
                seen=f"{self.patience:g}",
            )

    def _check_seeding(self) -> None:
        kind = self.seeding.kind
        if kind not in SEEDS:
            raise UsageError(
                f"--seed does not know {kind!r}", expected=" or ".join(SEEDS), seen=kind
            )
        if kind != SEEDS[0] and kind not in self.capabilities.seeds:
            raise UsageError(
                "--seed works with Redis only",
                expected=f"--seed {kind} with --pattern fine only",
                seen=f"--pattern {self.pattern}",
            )
        if self.seeding.arguments and not self.capabilities.has_queue_arguments:
            raise UsageError(
                "--queue-args works with RabbitMQ only",
                expected="--queue-args with --pattern coarse only",
                seen=f"--pattern {self.pattern}",
            )
        stream_options = (
            ("--stream-group", self.seeding.group),
            ("--stream-field", self.seeding.field),
        )
        for flag, value in stream_options:
            if not value or not value.isprintable() or " " in value:
                raise UsageError(
                    f"{value!r} cannot be what {flag} names",
                    expected="a word without blanks",
                    seen=value,
                )


def _check_starts(job: Mapping[str, Any], seen: str) -> None:
    """Raise `UsageError` for a Job whose pods no controller here would start."""
    spec = job["spec"]
    managed_by = spec.get("managedBy", _CONTROLLER)
    metadata, pod = job.get("metadata", {}), spec.get("template", {}).get("spec", {})
    problems = (
        (
            "generateName" in metadata and "name" not in metadata,
            "the Job has no name before it is created",
            "give it a metadata.name instead of a generateName",
        ),
        (
            spec.get("suspend") is True,
            "the Job is suspended: nothing will start it",
            "leave spec.suspend out, or set it to false: there is no queue controller here",
        ),
        (
            managed_by != _CONTROLLER,
            f"the Job is managed by {managed_by}, which is not here: nothing will start it",
            "leave spec.managedBy out",
        ),
        (
            spec.get("parallelism") == 0,
            "the Job's parallelism is 0: nothing will start it",
            "set spec.parallelism to the number of workers",
        ),
        (
            spec.get("completions") == 0,
            "the Job's completions are 0: it is Complete before anything starts",
            "set spec.completions to the number of messages (coarse), or leave it out (fine)",
        ),
        (
            pod.get("restartPolicy") == "Always",
            "a Job's pods cannot have the restartPolicy Always",
            "set spec.template.spec.restartPolicy to OnFailure or Never",
        ),
    )
    for is_wrong, message, todo in problems:
        if is_wrong:
            raise UsageError(message, expected="a Job whose pods start", seen=seen, todo=todo)


def _check_group(flag: str, pattern: str, group: str, what: str, example: str) -> None:
    try:
        groups = re.compile(pattern).groupindex
    except re.error as error:
        raise UsageError(
            f"{flag} is no regular expression", expected="as Python's `re` has it", seen=f"{error}"
        ) from None
    if group not in groups:
        raise UsageError(
            f"{flag} does not say {what}",
            expected=f"a group named {group}, as in {example!r}",
            seen=pattern,
        )
