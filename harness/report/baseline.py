"""Compare two reports of the same profile and list what became worse. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.text import clean
from harness.report.model import VERDICTS, Report, Result

_RESULTS = (Result.CONFORMANT, Result.UNPROVED, Result.INVALID, Result.NONCONFORMANT)


def regressions(before: Report, after: Report) -> Iterator[str]:
    """Yield a sentence for each regression.

    A difference between the suites comes first, because it makes the reports hard to compare.
    """
    if before.suite.required_tests_digest != after.suite.required_tests_digest:
        yield (
            f"the suites differ: {_suite(before)} then, {_suite(after)} now; "
            "only what both have looked at can be compared"
        )
    if _RESULTS.index(after.result) > _RESULTS.index(before.result):
        yield f"the result was {before.result.value}, and is {after.result.value}"
    rows_after = {(row.scenario, row.id): row for row in after.invariants}
    for row in before.invariants:
        current = rows_after.get((row.scenario, row.id))
        where = f"{clean(row.id)} in {clean(row.scenario)}"
        if current is None:
            if row.verdict == "pass" and row.required:
                yield f"{where} was pass, and was not looked at"
        elif VERDICTS.index(current.verdict) > VERDICTS.index(row.verdict):
            yield f"{where} was {row.verdict}, and is {current.verdict}: {clean(current.reason)}"
    keys_before = {(row.scenario, row.id) for row in before.invariants}
    for row in after.invariants:
        if row.verdict == "fail" and (row.scenario, row.id) not in keys_before:
            where = f"{clean(row.id)} in {clean(row.scenario)}"
            yield f"{where} was not looked at, and is fail: {clean(row.reason)}"


def _suite(report: Report) -> str:
    return f"{report.suite.expected} tests of version {clean(report.suite.version)}"
