"""What has become worse from one report to another of the same profile. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.text import clean
from harness.report.model import VERDICTS, Report, Result

_RESULTS = (Result.CONFORMANT, Result.UNPROVED, Result.INVALID, Result.NONCONFORMANT)


def regressions(before: Report, after: Report) -> Iterator[str]:
    """A sentence for each thing; first what makes the two hard to compare."""
    if before.suite.required_tests_digest != after.suite.required_tests_digest:
        yield (
            f"the suites differ: {_suite(before)} then, {_suite(after)} now; "
            "only what both have looked at can be compared"
        )
    if _RESULTS.index(after.result) > _RESULTS.index(before.result):
        yield f"the result was {before.result.value}, and is {after.result.value}"
    now = {(row.scenario, row.id): row for row in after.invariants}
    for row in before.invariants:
        found = now.get((row.scenario, row.id))
        where = f"{clean(row.id)} in {clean(row.scenario)}"
        if found is None:
            if row.verdict == "pass" and row.required:
                yield f"{where} was pass, and was not looked at"
        elif VERDICTS.index(found.verdict) > VERDICTS.index(row.verdict):
            yield f"{where} was {row.verdict}, and is {found.verdict}: {clean(found.reason)}"
    then = {(row.scenario, row.id) for row in before.invariants}
    for row in after.invariants:
        if row.verdict == "fail" and (row.scenario, row.id) not in then:
            where = f"{clean(row.id)} in {clean(row.scenario)}"
            yield f"{where} was not looked at, and is fail: {clean(row.reason)}"


def _suite(report: Report) -> str:
    return f"{report.suite.expected} tests of version {clean(report.suite.version)}"
