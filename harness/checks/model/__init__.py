"""A history, digested in one pass: items and their attempts, workers, the Job, the faults.

What it says follows from the events alone; what it means for a guarantee is the invariants' part.
"""

from harness.checks.model.ack_timing import Order, Told, always_late, rule
from harness.checks.model.claim_status import FREE, SLACK, Claim, claim
from harness.checks.model.cluster import ClusterTable, Deletion, Job, Neighbour, Pod, Run
from harness.checks.model.connections import Connection, Hold
from harness.checks.model.event_ref import Mark, before
from harness.checks.model.fault_log import Course, Harm, Loss
from harness.checks.model.idle_time import Idle, IdleTime, without
from harness.checks.model.items import Attempt, Digested, Item, Left, Line, Settlement, Wait
from harness.checks.model.log_habits import PROMPT, USUAL, Habits
from harness.checks.model.measurements import figures, starts_matched
from harness.checks.model.obstacles import Obstacle, Standing, held_open, not_running
from harness.checks.model.progress_deadlines import Due, due, far_too_long, long_lease, too_long
from harness.checks.model.published_copies import Copy, Elsewhere, Published
from harness.checks.model.run_model import Depth, View, look
from harness.checks.model.settlement_evidence import LATE
from harness.checks.model.worker_names import Cast
from harness.checks.model.workers import End, Life

__all__ = [
    "FREE",
    "LATE",
    "PROMPT",
    "SLACK",
    "USUAL",
    "Attempt",
    "Cast",
    "Claim",
    "ClusterTable",
    "Connection",
    "Copy",
    "Course",
    "Deletion",
    "Depth",
    "Digested",
    "Due",
    "Elsewhere",
    "End",
    "Habits",
    "Harm",
    "Hold",
    "Idle",
    "IdleTime",
    "Item",
    "Job",
    "Left",
    "Life",
    "Line",
    "Loss",
    "Mark",
    "Neighbour",
    "Obstacle",
    "Order",
    "Pod",
    "Published",
    "Run",
    "Settlement",
    "Standing",
    "Told",
    "View",
    "Wait",
    "always_late",
    "before",
    "claim",
    "due",
    "far_too_long",
    "figures",
    "held_open",
    "long_lease",
    "look",
    "not_running",
    "rule",
    "starts_matched",
    "too_long",
    "without",
]
