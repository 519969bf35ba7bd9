"""The conformance report: one model, built once. Every output format is written from it.

Moments are seconds since the start of a scenario's run, times of day are RFC 3339 in UTC, and
digests are `sha256:` with hexadecimal digits. An unknown value is an empty string or null.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

import msgspec

API_VERSION: Final = "queuejob/v1"
KIND: Final = "QueueJobConformanceReport"


class Result(StrEnum):
    """The overall result of a report. Only `conformant` is green."""

    CONFORMANT = "conformant"
    NONCONFORMANT = "nonconformant"
    #: Every test was run, and some invariant was not seen to hold.
    UNPROVED = "unproved"
    #: Some tests or all were not run: no conclusion about the image is possible.
    INVALID = "invalid"


VerdictWord = Literal["pass", "fail", "unknown"]
#: From best to worst.
VERDICTS: Final[tuple[VerdictWord, ...]] = ("pass", "unknown", "fail")
SubjectWord = Literal["worker", "job", "pattern"]
#: `accepted`: not proved, and the user allowed that. `errored`: the harness could not check it.
#: `notRun`: a test of the profile that was deselected or never started.
OutcomeWord = Literal["passed", "failed", "unproved", "accepted", "errored", "skipped", "notRun"]
#: Outcomes of tests that did not complete or did not run at all.
LEFT_OUT: Final[tuple[OutcomeWord, ...]] = ("skipped", "notRun")


class Part(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A part of the report: immutable, written completely, read back strictly."""


class Image(Part, frozen=True, kw_only=True):
    """An image: its name as the user gave it, and its digest."""

    ref: str
    digest: str = ""
    digest_kind: Literal["manifest", "imageId", ""] = ""
    platform: str = ""


class Implementation(Part, frozen=True, kw_only=True):
    """The worker under test, and its owner."""

    image: Image
    organization: str = ""
    project: str = ""
    url: str = ""
    version: str = ""
    contact: str = ""


class Harness(Part, frozen=True, kw_only=True):
    """The harness that judged. `lock_digest` is over the versions of all installed packages."""

    version: str
    commit: str = ""
    dirty: bool | None = None
    lock_digest: str = ""


class Suite(Part, frozen=True, kw_only=True):
    """The suite that was requested; the digest is over the sorted ids of its required tests."""

    version: str
    required_tests_digest: str
    expected: int


class Environment(Part, frozen=True, kw_only=True):
    """The cluster. `memory` (bytes) and `cpu` (cores) are those of the machine of all nodes."""

    kubernetes: str = ""
    provider: str = ""
    provider_version: str = ""
    node_image_digest: str = ""
    nodes: int = 0
    runtime: str = ""
    arch: str = ""
    kernel: str = ""
    cpu: int = 0
    memory: int = 0


class Broker(Part, frozen=True, kw_only=True):
    """A broker that the worker used. `config_digest` is over its manifests."""

    kind: Literal["redis", "rabbitmq"]
    version: str = ""
    image_digest: str = ""
    config_digest: str = ""


class Digested(Part, frozen=True, kw_only=True):
    """A file and its digest. Paths of artifacts are relative to the report's folder."""

    path: str
    sha256: str


class Statistics(Part, frozen=True, kw_only=True):
    """How many tests had which outcome."""

    passed: int = 0
    failed: int = 0
    unproved: int = 0
    accepted: int = 0
    errored: int = 0
    skipped: int = 0
    not_run: int = 0


class Level(Part, frozen=True, kw_only=True):
    """The core or the extended part of a profile: success only if every test passed."""

    result: Literal["success", "partial", "failure"]
    statistics: Statistics
    failed_tests: tuple[str, ...] = ()
    skipped_tests: tuple[str, ...] = ()
    supported_features: tuple[str, ...] = ()
    unsupported_features: tuple[str, ...] = ()


class Profile(Part, frozen=True, kw_only=True):
    """A pattern with its broker, as FINE-REDIS; a level that was not requested is null."""

    name: str
    core: Level | None = None
    extended: Level | None = None


class Attempt(Part, frozen=True, kw_only=True):
    """One attempt of a test; there are several only if the user had it repeated."""

    outcome: OutcomeWord
    duration: float


class Evidence(Part, frozen=True, kw_only=True):
    """Events of a history, by their ids."""

    artifact: str
    events: tuple[int, ...] = ()


class Case(Part, frozen=True, kw_only=True):
    """One test of the profile.

    `invariant` is `others` for the invariants that a scenario is not asked to prove.
    """

    id: str
    level: Literal["core", "extended"]
    scenario: str
    invariant: str
    outcome: OutcomeWord
    reason: str = ""
    attempts: tuple[Attempt, ...] = ()
    #: Seconds.
    duration: float = 0.0
    evidence: tuple[Evidence, ...] = ()


class StoryLine(Part, frozen=True, kw_only=True):
    """One event, described in a sentence."""

    event: int
    at: float
    text: str


class Found(Part, frozen=True, kw_only=True):
    """One finding of an invariant; `events` are the ids of the events that show it."""

    verdict: VerdictWord
    subject: SubjectWord
    reason: str
    events: tuple[int, ...] = ()
    story: tuple[StoryLine, ...] = ()


class InvariantRow(Part, frozen=True, kw_only=True):
    """An invariant in a scenario. Reason and story are those of the worst finding.

    `required`: the scenario is asked to prove it. `lost` and `duplicates` list items; a count is
    null if the history does not show it. `max_reclaim_latency` is in seconds, from the end of a
    holder to the next delivery.
    """

    id: str
    scenario: str
    required: bool
    verdict: VerdictWord
    subject: SubjectWord
    reason: str
    seeded: int
    completed: int
    lost: tuple[str, ...] | None
    duplicates: tuple[str, ...]
    reclaimed: int
    max_reclaim_latency: float | None
    story: tuple[StoryLine, ...] = ()
    findings: tuple[Found, ...] = ()


class Limits(Part, frozen=True, kw_only=True):
    """The bounds by which a run was judged, in seconds; `reclaim` is null if unknown."""

    reclaim: float | None
    progress: float
    end: float


class Measured(Part, frozen=True, kw_only=True):
    """The worker's own figures, from its fault-free run, in seconds."""

    work: float | None = None
    lease: float | None = None
    pod_start: float | None = None


class ScenarioRow(Part, frozen=True, kw_only=True):
    """A scenario: its id as in tests and rows, its history, and how it ended.

    `history` is empty if there is none.
    """

    id: str
    says: str
    history: str
    started: str
    #: Why the scenario did not complete.
    error: str
    bounds: Limits | None = None
    figures: Measured | None = None


class Fault(Part, frozen=True, kw_only=True):
    """A fault: what was injected, its target, and whether it was confirmed.

    `at` is null for a fault that was never injected.
    """

    scenario: str
    kind: str
    point: str
    target: str
    pod_uid: str
    at: float | None
    confirmed: bool
    seed: int | None = None


class Overrides(Part, frozen=True, kw_only=True):
    """Settings that are not default. The headline lists them, too."""

    #: The factor by which every bound was multiplied.
    timeouts: float = 1.0
    #: Tests of the profile that were skipped or not run.
    skips: tuple[str, ...] = ()
    #: Number of tests with more than one attempt.
    retries: int = 0
    #: Invariants that need not be proved.
    accepted: tuple[str, ...] = ()


class NegativeControl(Part, frozen=True, kw_only=True):
    """A worker with a known defect, and what this version found in it.

    A separate run of all of them (`tox -e mutants`) found it, not the run of this report.
    """

    image: str
    must_fail: tuple[str, ...]
    did_fail: tuple[str, ...]


class Reproduce(Part, frozen=True, kw_only=True):
    """The command that repeats the run, without secrets."""

    command: str


class Report(Part, frozen=True, kw_only=True):
    """The complete report. `report_digest` is over the canonical form of all other fields."""

    api_version: Literal["queuejob/v1"] = API_VERSION
    kind: Literal["QueueJobConformanceReport"] = KIND
    report_id: str
    started_at: str
    finished_at: str
    result: Result
    #: The exit code of `queuejob check`.
    exit_code: int
    #: The result in a sentence, with every setting that is not default.
    headline: str
    #: By invariant, the worst verdict of its rows.
    summary: dict[str, VerdictWord]
    implementation: Implementation
    harness: Harness
    suite: Suite
    environment: Environment
    brokers: tuple[Broker, ...]
    manifests: tuple[Digested, ...]
    profiles: tuple[Profile, ...]
    tests: tuple[Case, ...]
    scenarios: tuple[ScenarioRow, ...]
    invariants: tuple[InvariantRow, ...]
    faults: tuple[Fault, ...]
    overrides: Overrides
    negative_controls: tuple[NegativeControl, ...]
    reproduce: Reproduce
    artifacts: tuple[Digested, ...]
    #: Payloads are replaced by their digests, here and in the histories.
    redacted: bool = False
    report_digest: str = ""
