"""What each guarantee says and why: one source for `queuejob explain`, docs and reports.

A guarantee is a file in `texts`, named by its id. What shows it comes from the scenarios
themselves, and how the reference worker keeps it from the worker's own lines.
"""

from harness.explain.links import anchor, command, link
from harness.explain.markdown import page
from harness.explain.source import Excerpt, Guarantee, Showing, guarantee, guarantees
from harness.explain.terminal import listed, told

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
