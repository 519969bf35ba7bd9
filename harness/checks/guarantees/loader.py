"""Load the explanations: texts, excerpts of the reference worker, and scenarios."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec

from harness import manifests
from harness.checks.invariant import sort_key
from harness.checks.judge import invariants
from harness.checks.plan import SCENARIOS
from harness.core.errors import UsageError


class _LineRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lines from the only one that contains `first` to the next one that contains `last`."""

    file: str
    first: str
    last: str = ""


class _Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of a file in `texts`."""

    name: str
    patterns: tuple[str, ...]
    guarantee: str
    why: str
    breaks: str
    kept: str
    lines: tuple[_LineRange, ...] = ()


@dataclass(frozen=True)
class Excerpt:
    """Lines of the reference worker (or its Job); `line` is the number of the first, from 1."""

    file: str
    line: int
    text: str


@dataclass(frozen=True)
class Showing:
    """A scenario that proves the guarantee for workers of these patterns."""

    scenario: str
    says: str
    patterns: tuple[str, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Guarantee:
    """One guarantee with its explanation.

    `judged` is false while no checker exists; then no scenario shows the guarantee.
    """

    id: str
    name: str
    patterns: tuple[str, ...]
    guarantee: str
    why: str
    breaks: str
    kept: str
    excerpts: tuple[Excerpt, ...]
    judged: bool
    shown_by: tuple[Showing, ...]


@cache
def guarantees() -> tuple[Guarantee, ...]:
    """Return all explained guarantees: S first, then L, then the others."""
    texts = files("harness.checks.guarantees") / "texts"
    names = [text.name.removesuffix(".yaml") for text in texts.iterdir()]
    return tuple(_guarantee(name) for name in sorted(names, key=sort_key))


def guarantee(name: str) -> Guarantee:
    """Return the guarantee with this id, in any case; a `UsageError` lists the known ids."""
    known = {known_guarantee.id: known_guarantee for known_guarantee in guarantees()}
    if name.upper() in known:
        return known[name.upper()]
    close = difflib.get_close_matches(name.upper(), known, n=1)
    raise UsageError(
        f"there is no guarantee {name!r}",
        expected=f"one of {', '.join(known)}",
        seen=name,
        todo=f"did you mean {close[0]!r}?" if close else "see `queuejob explain`",
    )


def _guarantee(name: str) -> Guarantee:
    file = files("harness.checks.guarantees") / "texts" / f"{name}.yaml"
    text = msgspec.yaml.decode(file.read_bytes(), type=_Text)
    judged = any(invariant.id == name for invariant in invariants())
    return Guarantee(
        name,
        text.name,
        text.patterns,
        text.guarantee,
        text.why,
        text.breaks,
        text.kept,
        tuple(_excerpt(lines) for lines in text.lines),
        judged,
        _shown_by(name) if judged else (),
    )


def _excerpt(lines: _LineRange) -> Excerpt:
    """Return the excerpt; a marker that is missing or not unique raises ValueError."""
    source = (manifests.folder() / lines.file).read_text(encoding="utf-8").splitlines()
    firsts = [index for index, line in enumerate(source) if lines.first in line]
    if len(firsts) != 1:
        raise ValueError(f"{lines.file}: {lines.first!r} is in {len(firsts)} lines, not in one")
    begin = end = firsts[0]
    if lines.last:
        lasts = [
            number for number, line in enumerate(source) if number >= begin and lines.last in line
        ]
        if not lasts:
            raise ValueError(f"{lines.file}: {lines.last!r} does not follow {lines.first!r}")
        end = lasts[0]
    block = source[begin : end + 1]
    margin = min(len(line) - len(line.lstrip()) for line in block if line.strip())
    return Excerpt(lines.file, begin + 1, "\n".join(line[margin:] for line in block))


def _shown_by(name: str) -> tuple[Showing, ...]:
    shown = []
    for scenario in SCENARIOS.all().values():
        patterns = tuple(
            pattern for pattern in ("coarse", "fine") if name in scenario.proves.get(pattern, ())
        )
        if patterns:
            shown.append(Showing(scenario.name, scenario.says, patterns, tuple(scenario.faults)))
    return tuple(shown)
