"""The conformance report: one model, made once. Whatever is written of it is written from here.

Moments are seconds since the start of a scenario's run, times of day are RFC 3339 in UTC, and
digests are `sha256:` with hexadecimal digits; what is not known is an empty string or null.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

import msgspec

API_VERSION: Final = "queuejob/v1"
KIND: Final = "QueueJobConformanceReport"


class Result(StrEnum):
    """What the whole comes to. Only the first is green."""

    CONFORMANT = "conformant"
    NONCONFORMANT = "nonconformant"
    #: All of it was run, and something was not seen to hold.
    UNPROVED = "unproved"
    #: Not all of it was run, or nothing: this says nothing about the image.
    INVALID = "invalid"


VerdictWord = Literal["pass", "fail", "unknown"]
#: From good to bad.
VERDICTS: Final[tuple[VerdictWord, ...]] = ("pass", "unknown", "fail")
SubjectWord = Literal["worker", "job", "pattern"]
#: `accepted`: not proved, and its user has said that it need not be. `errored`: we could not look.
#: `notRun`: it belongs to the profile, and was deselected or never came to its turn.
OutcomeWord = Literal["passed", "failed", "unproved", "accepted", "errored", "skipped", "notRun"]
#: What was not run to its end, or was not run at all.
LEFT_OUT: Final[tuple[OutcomeWord, ...]] = ("skipped", "notRun")


class Part(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Immutable, written in whole, read back strictly."""


class Image(Part, frozen=True, kw_only=True):
    """An image: as its user names it, and which one that was."""

    ref: str
    digest: str = ""
    digest_kind: Literal["manifest", "imageId", ""] = ""
    platform: str = ""


class Implementation(Part, frozen=True, kw_only=True):
    """The worker under test, and whose it is."""

    image: Image
    organization: str = ""
    project: str = ""
    url: str = ""
    version: str = ""
    contact: str = ""


class Harness(Part, frozen=True, kw_only=True):
    """Who judged: `lock_digest` is over the versions of all that is installed with it."""

    version: str
    commit: str = ""
    dirty: bool | None = None
    lock_digest: str = ""


class Suite(Part, frozen=True, kw_only=True):
    """What was asked for: the digest is over the sorted ids of the tests that have to be run."""

    version: str
    required_tests_digest: str
    expected: int


class Environment(Part, frozen=True, kw_only=True):
    """Where it ran. `memory` is in bytes, `cpu` in cores, both of all nodes' machine."""

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
    """A broker that the worker talked to; the digest of its configuration is over its manifests."""

    kind: Literal["redis", "rabbitmq"]
    version: str = ""
    image_digest: str = ""
    config_digest: str = ""


class Digested(Part, frozen=True, kw_only=True):
    """A file, and what was in it; artifacts' paths are relative to the report's folder."""

    path: str
    sha256: str


class Statistics(Part, frozen=True, kw_only=True):
    """How many tests came to which outcome."""

    passed: int = 0
    failed: int = 0
    unproved: int = 0
    accepted: int = 0
    errored: int = 0
    skipped: int = 0
    not_run: int = 0


class Level(Part, frozen=True, kw_only=True):
    """The core or the extended part of a profile: success only where every test has passed."""

    result: Literal["success", "partial", "failure"]
    statistics: Statistics
    failed_tests: tuple[str, ...] = ()
    skipped_tests: tuple[str, ...] = ()
    supported_features: tuple[str, ...] = ()
    unsupported_features: tuple[str, ...] = ()


class Profile(Part, frozen=True, kw_only=True):
    """A pattern with its broker, as FINE-REDIS; a level that was not asked for is null."""

    name: str
    core: Level | None = None
    extended: Level | None = None


class Attempt(Part, frozen=True, kw_only=True):
    """One try of a test; there are several only where somebody had it tried again."""

    outcome: OutcomeWord
    duration: float


class Evidence(Part, frozen=True, kw_only=True):
    """Events of a history, by their ids."""

    artifact: str
    events: tuple[int, ...] = ()


class Case(Part, frozen=True, kw_only=True):
    """One test of the profile. `invariant` is `others` for what a scenario was not to prove."""

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
    """One event, told in a sentence."""

    event: int
    at: float
    text: str


class Found(Part, frozen=True, kw_only=True):
    """One thing that an invariant says: `events` are the ids of those that show it."""

    verdict: VerdictWord
    subject: SubjectWord
    reason: str
    events: tuple[int, ...] = ()
    story: tuple[StoryLine, ...] = ()


class InvariantRow(Part, frozen=True, kw_only=True):
    """An invariant in a scenario. Reason and story are those of the worst finding.

    `required`: this scenario is to prove it. Lost and duplicates are items; a number is null where
    the history does not tell. `max_reclaim_latency` is in seconds, from a holder's end to the next
    delivery.
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
    """The bounds by which a run was judged, in seconds; `reclaim` is null where none is known."""

    reclaim: float | None
    progress: float
    end: float


class Measured(Part, frozen=True, kw_only=True):
    """The worker's own figures, from its fault-free run, in seconds."""

    work: float | None = None
    lease: float | None = None
    pod_start: float | None = None


class ScenarioRow(Part, frozen=True, kw_only=True):
    """A scenario: `id` as in tests and rows, its history (empty: there is none), how it ended."""

    id: str
    says: str
    history: str
    started: str
    #: Why it did not come to its end.
    error: str
    bounds: Limits | None = None
    figures: Measured | None = None


class Fault(Part, frozen=True, kw_only=True):
    """A fault: what was done to whom, and whether it was seen to land. `at` null: never done."""

    scenario: str
    kind: str
    point: str
    target: str
    pod_uid: str
    at: float | None
    confirmed: bool
    seed: int | None = None


class Overrides(Part, frozen=True, kw_only=True):
    """What was not as it is by default: they stand in the headline, too."""

    #: What every bound was multiplied with.
    timeouts: float = 1.0
    #: Tests of the profile that were skipped or left out.
    skips: tuple[str, ...] = ()
    #: How many tests were tried more than once.
    retries: int = 0
    #: Invariants that need not be proved.
    accepted: tuple[str, ...] = ()


class NegativeControl(Part, frozen=True, kw_only=True):
    """A worker with a known defect, and what this version was seen to find of it.

    By a run of all of them (`tox -e mutants`), which is no part of this one.
    """

    image: str
    must_fail: tuple[str, ...]
    did_fail: tuple[str, ...]


class Reproduce(Part, frozen=True, kw_only=True):
    """The command that does it again; secrets are left out."""

    command: str


class Report(Part, frozen=True, kw_only=True):
    """All of it. `report_digest` is over the canonical form of all other fields."""

    api_version: Literal["queuejob/v1"] = API_VERSION
    kind: Literal["QueueJobConformanceReport"] = KIND
    report_id: str
    started_at: str
    finished_at: str
    result: Result
    #: What `queuejob check` ended with.
    exit_code: int
    #: The answer in a sentence, with whatever was not as it is by default.
    headline: str
    #: By invariant, the worst of its rows.
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
