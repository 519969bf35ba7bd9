"""The model of a run, built in one pass: items, attempts, workers, the Job, the faults.

It contains only what follows from the events. The invariants decide what that means for a
guarantee.
"""

from harness.checks.model.ack_timing import AckOrder, AckTiming, always_late, majority
from harness.checks.model.claim_status import FREE, SLACK, ClaimStatus, claim_status
from harness.checks.model.cluster import ClusterTable, Deletion, Job, Neighbour, Pod, Run
from harness.checks.model.connections import Connection, Hold
from harness.checks.model.event_ref import EventRef, before
from harness.checks.model.fault_log import BrokerDataLoss, FaultLog, InjectedFault
from harness.checks.model.idle_time import Idle, IdleTime, without
from harness.checks.model.items import (
    Attempt,
    DigestStatement,
    Item,
    LeftoverItem,
    ReadyInterval,
    Settlement,
    WorkerStatement,
)
from harness.checks.model.log_habits import PROMPT, USUAL, LogHabits
from harness.checks.model.measurements import measure, starts_matched
from harness.checks.model.obstacles import ClusterState, Obstacle, held_open, not_running
from harness.checks.model.progress_deadlines import (
    ProgressDeadline,
    far_too_long,
    long_lease,
    progress_deadline,
    too_long,
)
from harness.checks.model.published_copies import Copy, Published, PublishedCopies
from harness.checks.model.run_model import Depth, RunModel, build_model
from harness.checks.model.settlement_evidence import LATE
from harness.checks.model.worker_names import WorkerNames
from harness.checks.model.workers import WorkerExit, WorkerLifetime

__all__ = [
    "FREE",
    "LATE",
    "PROMPT",
    "SLACK",
    "USUAL",
    "AckOrder",
    "AckTiming",
    "Attempt",
    "BrokerDataLoss",
    "ClaimStatus",
    "ClusterState",
    "ClusterTable",
    "Connection",
    "Copy",
    "Deletion",
    "Depth",
    "DigestStatement",
    "EventRef",
    "FaultLog",
    "Hold",
    "Idle",
    "IdleTime",
    "InjectedFault",
    "Item",
    "Job",
    "LeftoverItem",
    "LogHabits",
    "Neighbour",
    "Obstacle",
    "Pod",
    "ProgressDeadline",
    "Published",
    "PublishedCopies",
    "ReadyInterval",
    "Run",
    "RunModel",
    "Settlement",
    "WorkerExit",
    "WorkerLifetime",
    "WorkerNames",
    "WorkerStatement",
    "always_late",
    "before",
    "build_model",
    "claim_status",
    "far_too_long",
    "held_open",
    "long_lease",
    "majority",
    "measure",
    "not_running",
    "progress_deadline",
    "starts_matched",
    "too_long",
    "without",
]
