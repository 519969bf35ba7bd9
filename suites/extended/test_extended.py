"""Does the worker under test keep the other guarantees, too, and the core ones in other harm?"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.engine.campaign import JudgedRun
from harness.fixtures.session import profile


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Also of the core profile's scenarios, where they prove more than it asks for."""
    profile.generate(metafunc, "extended")


@pytest.mark.queuejob_profile
def test_extended(
    request: pytest.FixtureRequest,
    queuejob_judged: Callable[[str], JudgedRun],
    scenario: str,
    invariant: str,
) -> None:
    """The invariant holds in this scenario, and that was seen."""
    profile.assert_invariant(request, queuejob_judged(scenario), scenario, invariant, "extended")
