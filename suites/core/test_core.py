"""Does the worker under test keep its guarantees? One test for each scenario and invariant."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.engine.campaign import JudgedRun
from harness.fixtures.session import profile


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each scenario stays in one process."""
    profile.generate(metafunc, "core")


@pytest.mark.queuejob_profile
def test_core(
    request: pytest.FixtureRequest,
    queuejob_judged: Callable[[str], JudgedRun],
    scenario: str,
    invariant: str,
) -> None:
    """The invariant holds in this scenario, and that was seen."""
    profile.assert_invariant(request, queuejob_judged(scenario), scenario, invariant, "core")
