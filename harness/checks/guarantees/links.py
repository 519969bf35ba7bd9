"""How a finding points to its explanation, in a page and in plain text."""

from __future__ import annotations


def anchor(name: str) -> str:
    """The name of the place in a page where the guarantee `name` is explained."""
    return f"explain-{name}"


def link(name: str) -> str:
    """The same, as a relative address within that page."""
    return f"#{anchor(name)}"


def command(name: str) -> str:
    """What to type where there is no page."""
    return f"queuejob explain {name}"
