"""What each guarantee says and why: one source for `queuejob explain`, docs and reports.

A guarantee is a file in `texts`, named by its id. What shows it comes from the scenarios
themselves, and how the reference worker keeps it from the worker's own lines.
"""

from harness.checks.guarantees.links import anchor, command, link
from harness.checks.guarantees.loader import Excerpt, Guarantee, Showing, guarantee, guarantees
from harness.checks.guarantees.markdown import page
from harness.checks.guarantees.terminal import listed, told

__all__ = [
    "Excerpt",
    "Guarantee",
    "Showing",
    "anchor",
    "command",
    "guarantee",
    "guarantees",
    "link",
    "listed",
    "page",
    "told",
]
