"""Levels of checks: each level includes the levels before it."""

from __future__ import annotations

from typing import Literal, get_args

#: How much a check demands of a worker; each level includes those before it.
Level = Literal["core", "extended"]

LEVELS: tuple[Level, ...] = get_args(Level)


def highest(*levels: Level) -> Level:
    """Return the most demanding of these levels."""
    return max(levels, key=LEVELS.index)


def within(level: Level, profile: Level) -> bool:
    """Return whether a profile includes a level."""
    return highest(level, profile) == profile
