"""What a session comes to: its exit code, and the report's result, which follows from it."""

from __future__ import annotations

from collections.abc import Iterable

from harness.core.errors import EXIT_NOT_PROVED, EXIT_OK, EXIT_VIOLATED
from harness.report.model import Case, OutcomeWord, Result

#: A test that was given a verdict, whichever.
_JUDGED: tuple[OutcomeWord, ...] = ("passed", "failed", "unproved", "accepted")
#: pytest's word for a session in which there was nothing to be run.
_NO_TESTS = 5


def exit_code(session: int, *, error: int, broken: bool, whole: bool) -> int:
    """What to end with. `session` is pytest's exit code, `error` that of our first error, or 0.

    `broken`: a test has failed by what it saw. `whole`: nothing of a profile was left out, and
    something was judged.
    """
    if error and not broken:
        return error
    if session in (EXIT_OK, _NO_TESTS) and not whole:
        return EXIT_NOT_PROVED
    return session


def result(code: int, tests: Iterable[Case]) -> Result:
    """The result that belongs to an exit code, as far as the tests bear it out."""
    outcomes = [one.outcome for one in tests]
    if code == EXIT_VIOLATED and "failed" in outcomes:
        return Result.NONCONFORMANT
    if not executed(outcomes):
        return Result.INVALID
    if code == EXIT_NOT_PROVED:
        return Result.UNPROVED
    fine = code == EXIT_OK and set(outcomes) <= {"passed", "accepted"}
    return Result.CONFORMANT if fine else Result.INVALID


def why_invalid(code: int, tests: Iterable[Case]) -> str:
    """In words, why such a result is invalid."""
    outcomes = [one.outcome for one in tests]
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
    """Whether every test came to its turn, and one at least to a verdict."""
    seen = set(outcomes)
    return "notRun" not in seen and not seen.isdisjoint(_JUDGED)
