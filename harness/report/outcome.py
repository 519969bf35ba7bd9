"""The exit code of a session, and the result of the report, which follows from it."""

from __future__ import annotations

from collections.abc import Iterable

from harness.core.errors import EXIT_NOT_PROVED, EXIT_OK, EXIT_VIOLATED
from harness.report.model import Case, OutcomeWord, Result

#: Outcomes of tests that got a verdict.
_JUDGED: tuple[OutcomeWord, ...] = ("passed", "failed", "unproved", "accepted")
#: pytest's exit code for a session that collected no tests.
_NO_TESTS = 5


def exit_code(session: int, *, error: int, broken: bool, whole: bool) -> int:
    """Return the exit code of the session.

    Args:
        session: pytest's exit code.
        error: The exit code of the first error of the harness, or 0.
        broken: A test failed because of what it observed.
        whole: No part of the profile was skipped, and something was judged.
    """
    if error and not broken:
        return error
    if session in (EXIT_OK, _NO_TESTS) and not whole:
        return EXIT_NOT_PROVED
    return session


def result(code: int, tests: Iterable[Case]) -> Result:
    """Return the result for an exit code, as far as the tests support it."""
    outcomes = [test.outcome for test in tests]
    if code == EXIT_VIOLATED and "failed" in outcomes:
        return Result.NONCONFORMANT
    if not executed(outcomes):
        return Result.INVALID
    if code == EXIT_NOT_PROVED:
        return Result.UNPROVED
    conformant = code == EXIT_OK and set(outcomes) <= {"passed", "accepted"}
    return Result.CONFORMANT if conformant else Result.INVALID


def why_invalid(code: int, tests: Iterable[Case]) -> str:
    """Explain why such a result is invalid."""
    outcomes = [test.outcome for test in tests]
    if missing := outcomes.count("notRun"):
        return f"{missing} of {len(outcomes)} tests of the profile were not run"
    if not executed(outcomes):
        return "no test came to a verdict"
    if code == EXIT_OK:
        return "the session ended with 0, and not all of the tests passed"
    if code == EXIT_VIOLATED:
        return "the session ended with 1, and no guarantee was seen to be broken"
    return f"the session was broken off with exit code {code}"


def executed(outcomes: Iterable[OutcomeWord]) -> bool:
    """Return whether every test was run, and at least one got a verdict."""
    distinct = set(outcomes)
    return "notRun" not in distinct and not distinct.isdisjoint(_JUDGED)
