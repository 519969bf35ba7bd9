"""The headline of a report: the result, and every setting that is not default."""

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
    """Write the headline.

    Args:
        result: The result of the report.
        summary: The worst verdict of each invariant.
        overrides: The settings that are not default.
        exit_code: The exit code of the session.
        tests: The tests of the profile.
        scenarios: The scenarios; an error that stopped a run goes into the headline.
    """
    error = _first_error(scenarios)
    sentence = _result_sentence(result, summary, overrides, why_invalid(exit_code, tests))
    if error and result in (Result.INVALID, Result.UNPROVED):
        word, _, rest = sentence.partition(": ")
        sentence = f"{word}: {error}; {rest}"
    return "; ".join([sentence, *_override_phrases(overrides)])


def _first_error(scenarios: Sequence[ScenarioRow]) -> str:
    """Describe the first run that did not complete: the others may depend on it."""
    broken = [scenario for scenario in scenarios if scenario.error]
    if not broken:
        return ""
    more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
    return f"{broken[0].id} did not come to its end{more}: {clean(brief(broken[0].error))}"


def _result_sentence(
    result: Result, summary: Mapping[str, VerdictWord], overrides: Overrides, why: str
) -> str:
    broken = _ids(summary, "fail")
    if result is Result.NONCONFORMANT:
        return f"NOT CONFORMANT: it breaks {', '.join(broken)}"
    if result is Result.INVALID:
        return f"INVALID: {why}, so this says nothing about the image"
    if result is Result.UNPROVED:
        unproved = [name for name in _ids(summary, "unknown") if name not in overrides.accepted]
        return f"NOT PROVED: {', '.join(unproved) or 'some of it'} not seen to hold"
    unknown = [name for name in _ids(summary, "unknown") if name in overrides.accepted]
    exception = f", but nothing is known of {', '.join(unknown)} (accepted)" if unknown else ""
    return f"conformant: {', '.join(_ids(summary, 'pass'))} proved{exception}"


def _ids(summary: Mapping[str, VerdictWord], verdict: VerdictWord) -> list[str]:
    return [name for name, worst in summary.items() if worst == verdict]


def _override_phrases(overrides: Overrides) -> Iterable[str]:
    if overrides.timeouts != 1:
        yield f"every bound was multiplied by {overrides.timeouts:g}"
    if overrides.skips:
        yield f"{several(len(overrides.skips), 'test')} of the profile left out"
    if overrides.retries:
        yield f"{several(overrides.retries, 'test')} tried more than once"
    if overrides.accepted:
        yield f"{', '.join(overrides.accepted)} need not have been proved"
