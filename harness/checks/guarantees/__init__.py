"""The text of each guarantee: one source for `queuejob explain`, docs and reports.

A guarantee is a file in `texts`, named after its id. The scenarios themselves list the guarantees
that they prove; excerpts of the reference worker show how it keeps the guarantee.
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
