"""The answer in a sentence, and whatever of it was not as it is by default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.core.text import brief, clean, several
from harness.report.model import Case, Overrides, Result, ScenarioRow, VerdictWord
from harness.report.outcome import why_invalid


def headline(
    result: Result,
    summary: Mapping[str, VerdictWord],
    overrides: Overrides,
    *,
    exit_code: int = 0,
    tests: Sequence[Case] = (),
    scenarios: Sequence[ScenarioRow] = (),
) -> str:
    """Made of the worst verdict of each invariant, and of what has stopped a run."""
    stopped = _stopped(scenarios)
    answer = _answer(result, summary, overrides, why_invalid(exit_code, tests))
    if stopped and result in (Result.INVALID, Result.UNPROVED):
        word, _, rest = answer.partition(": ")
        answer = f"{word}: {stopped}; {rest}"
    return "; ".join([answer, *_but(overrides)])


def _stopped(scenarios: Sequence[ScenarioRow]) -> str:
    """What has stopped the first run that did not come to its end: the others may hang on it."""
    broken = [one for one in scenarios if one.error]
    if not broken:
        return ""
    more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
    return f"{broken[0].id} did not come to its end{more}: {clean(brief(broken[0].error))}"


def _answer(
    result: Result, summary: Mapping[str, VerdictWord], overrides: Overrides, why: str
) -> str:
    broken = _ids(summary, "fail")
    if result is Result.NONCONFORMANT:
        return f"NOT CONFORMANT: it breaks {', '.join(broken)}"
    if result is Result.INVALID:
        return f"INVALID: {why}, so this says nothing about the image"
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
