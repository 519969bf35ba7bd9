"""Links from a finding to its explanation, in HTML and in plain text."""

from __future__ import annotations


def anchor(name: str) -> str:
    """Return the anchor at which a document explains the guarantee `name`."""
    return f"explain-{name}"


def link(name: str) -> str:
    """Return a relative link to that anchor within the same document."""
    return f"#{anchor(name)}"


def command(name: str) -> str:
    """Return the command that prints the explanation in a terminal."""
    return f"queuejob explain {name}"
