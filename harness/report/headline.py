"""The answer in a sentence, and whatever of it was not as it is by default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.report.model import Overrides, Result, VerdictWord
from harness.view import several


def headline(result: Result, summary: Mapping[str, VerdictWord], overrides: Overrides) -> str:
    """Made of the worst verdict of each invariant."""
    return "; ".join([_answer(result, summary, overrides), *_but(overrides)])


def _answer(result: Result, summary: Mapping[str, VerdictWord], overrides: Overrides) -> str:
    broken = _ids(summary, "fail")
    if result is Result.NONCONFORMANT:
        return f"NOT CONFORMANT: it breaks {', '.join(broken)}"
    if result is Result.INVALID:
        return "INVALID: not all of the profile was run, so this says nothing about the image"
    if result is Result.UNPROVED:
        open_ = [one for one in _ids(summary, "unknown") if one not in overrides.accepted]
        return f"NOT PROVED: {', '.join(open_) or 'some of it'} not seen to hold"
    unknown = [one for one in _ids(summary, "unknown") if one in overrides.accepted]
    but = f", but nothing is known of {', '.join(unknown)} (accepted)" if unknown else ""
    return f"conformant: {', '.join(_ids(summary, 'pass'))} proved{but}"


def _ids(summary: Mapping[str, VerdictWord], verdict: VerdictWord) -> list[str]:
    return [name for name, one in summary.items() if one == verdict]


def _but(overrides: Overrides) -> Iterable[str]:
    if overrides.timeouts != 1:
        yield f"every bound was multiplied by {overrides.timeouts:g}"
    if overrides.skips:
        yield f"{several(len(overrides.skips), 'test')} of the profile left out"
    if overrides.retries:
        yield f"{several(overrides.retries, 'test')} tried more than once"
    if overrides.accepted:
        yield f"{', '.join(overrides.accepted)} need not have been proved"
