"""A history, digested in one pass: items and their attempts, workers, the Job, the faults.

What it says follows from the events alone; what it means for a guarantee is the invariants' part.
"""

from harness.view.cast import Cast
from harness.view.claims import FREE, SLACK, Claim, claim
from harness.view.cluster import ClusterTable, Deletion, Job, Neighbour, Pod, Run
from harness.view.connections import Connection, Hold
from harness.view.course import Course, Harm, Loss
from harness.view.cover import LATE
from harness.view.due import Due, due, far_too_long, long_lease, too_long
from harness.view.elsewhere import Copy, Elsewhere, Published
from harness.view.figures import figures, starts_matched
from harness.view.habits import PROMPT, USUAL, Habits
from harness.view.idle import Idle, IdleTime, without
from harness.view.items import Attempt, Digested, Item, Left, Line, Settlement, Wait
from harness.view.marks import Mark, before
from harness.view.obstacles import Obstacle, Standing, held_open, not_running
from harness.view.timing import Order, Told, always_late, rule
from harness.view.view import Depth, View, look
from harness.view.words import brief, clean, several, shown
from harness.view.workers import End, Life

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
    "brief",
    "claim",
    "clean",
    "due",
    "far_too_long",
    "figures",
    "held_open",
    "long_lease",
    "look",
    "not_running",
    "rule",
    "several",
    "shown",
    "starts_matched",
    "too_long",
    "without",
]
