"""How much a check asks of a worker: each level includes those before it."""

from __future__ import annotations

from typing import Literal, get_args

#: How much is asked of a worker; each level asks for what those before it do, and more.
Level = Literal["core", "extended"]

LEVELS: tuple[Level, ...] = get_args(Level)


def highest(*levels: Level) -> Level:
    """The level that asks for most."""
    return max(levels, key=LEVELS.index)


def within(level: Level, profile: Level) -> bool:
    """Whether what is of this level is asked for by a profile."""
    return highest(level, profile) == profile
