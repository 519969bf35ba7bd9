"""What a worker's owner says of the items: how many, or the items themselves, byte for byte."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import UsageError
from harness.history.payload import MAX_KEPT

#: More are of no use to any scenario, and the fault-free run works on all of them.
MOST = 1000
#: Shorter ones are also counters, tokens and states that a worker may leave in its broker.
SHORTEST = 4


@dataclass(frozen=True)
class Items:
    """For scenarios that need no certain items."""

    #: How many; None: as on the task page.
    count: int | None = None
    #: The owner's own, which are never changed; empty: some are made.
    own: tuple[bytes, ...] = ()


def parse_items(text: str) -> Items:
    """A number of items, or the name of a file with one in each line; raises `UsageError`."""
    if not text.isdecimal():
        return Items(own=_lines(Path(text)))
    if not 0 < int(text) <= MOST:
        raise UsageError(
            f"{text} items are too {'many' if int(text) else 'few'}",
            expected=f"--items N, 1 to {MOST}, or the name of a file",
            seen=text,
        )
    return Items(count=int(text))


def _lines(file: Path) -> tuple[bytes, ...]:
    """Divided by line feeds, and by nothing else; the last one may end with one or not."""
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
    met: dict[bytes, int] = {}
    for number, line in enumerate(lines, start=1):
        if not SHORTEST <= len(line) <= MAX_KEPT:
            raise _unfit(
                file,
                f"line {number} has {len(line)} bytes",
                f"{SHORTEST} to {MAX_KEPT} in each line, by which an item is known from all else",
            )
        # Blanks around an item cannot be told from those of the line that a worker prints.
        if first := met.get(line.strip()):
            raise _unfit(
                file, f"line {number} is as line {first}", "lines that can be told from each other"
            )
        met[line.strip()] = number
    return tuple(lines)


def _unfit(file: Path, seen: str, expected: str) -> UsageError:
    return UsageError(f"--items: {file} has lines that do not do", expected=expected, seen=seen)
