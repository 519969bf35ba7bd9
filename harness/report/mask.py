"""Takes credentials out of the records of a report."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from harness.core.masking import mask

T = TypeVar("T")


def mask_record(thing: T) -> T:
    """The same record, every text in it as `mask` has it."""
    made: T = msgspec.convert(_walk(msgspec.to_builtins(thing)), type(thing))
    return made


def _walk(thing: Any) -> Any:
    if isinstance(thing, str):
        return mask(thing)
    if isinstance(thing, dict):
        return {name: _walk(value) for name, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [_walk(value) for value in thing]
    return thing
