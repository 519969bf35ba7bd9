"""Remove credentials from the records of a report."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from harness.core.masking import mask

T = TypeVar("T")


def mask_record(thing: T) -> T:
    """Return the same record with every text passed through `mask`."""
    masked: T = msgspec.convert(_walk(msgspec.to_builtins(thing)), type(thing))
    return masked


def _walk(thing: Any) -> Any:
    if isinstance(thing, str):
        return mask(thing)
    if isinstance(thing, dict):
        return {name: _walk(value) for name, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [_walk(value) for value in thing]
    return thing
