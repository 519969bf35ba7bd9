"""The user's specification of the items: how many, or the items themselves as bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import UsageError
from harness.history.payload import MAX_KEPT

#: No scenario needs more, and the fault-free run processes all of them.
MOST = 1000
#: Shorter texts are also counters, tokens and states that a worker may leave in its broker.
SHORTEST = 4


@dataclass(frozen=True)
class Items:
    """The user's choice of items, for scenarios that need no certain ones."""

    #: How many; None: as in the tutorial.
    count: int | None = None
    #: The user's items, which are never changed; empty: items are generated.
    own: tuple[bytes, ...] = ()


def parse_items(text: str) -> Items:
    """Parse a number of items, or the name of a file with one item per line.

    Raises `UsageError`.
    """
    if not text.isdecimal():
        return Items(own=_items_of(Path(text)))
    if not 0 < int(text) <= MOST:
        raise UsageError(
            f"{text} items are too {'many' if int(text) else 'few'}",
            expected=f"--items N, 1 to {MOST}, or the name of a file",
            seen=text,
        )
    return Items(count=int(text))


def _items_of(file: Path) -> tuple[bytes, ...]:
    """Split a file at line feeds only; the last line may end with one or not."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"--items: {file} cannot be read",
            expected="a number, or a file with one item in each line",
            seen=error.strerror or "",
        ) from None
    lines = data.removesuffix(b"\n").split(b"\n")
    if len(lines) > MOST:
        raise _unfit(file, f"it has {len(lines)} lines", f"{MOST} at most")
    first_lines: dict[bytes, int] = {}
    for number, line in enumerate(lines, start=1):
        if not SHORTEST <= len(line) <= MAX_KEPT:
            raise _unfit(
                file,
                f"line {number} has {len(line)} bytes",
                f"{SHORTEST} to {MAX_KEPT} in each line, by which an item is known from all else",
            )
        # A log line that prints an item may have the same blanks around it.
        if first_line := first_lines.get(line.strip()):
            raise _unfit(
                file,
                f"line {number} is as line {first_line}",
                "lines that can be told from each other",
            )
        first_lines[line.strip()] = number
    return tuple(lines)


def _unfit(file: Path, seen: str, expected: str) -> UsageError:
    return UsageError(f"--items: {file} has lines that do not do", expected=expected, seen=seen)
