"""Does the worker under test keep its guarantees? One test for each scenario and invariant."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.campaign import Judged, scenarios
from harness.errors import NotProved
from harness.fixtures.conformance import conclude
from harness.fixtures.keys import WORKER

#: Whatever else a scenario shows, beside what it is to prove.
OTHERS = "others"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Scenarios × invariants of the worker's pattern; each scenario stays in one process."""
    worker = metafunc.config.stash[WORKER]
    pattern = worker.pattern if worker is not None else "fine"
    metafunc.parametrize(
        ("scenario", "invariant"),
        [
            pytest.param(name, invariant, id=f"{one.name}-{invariant}")
            for name, one in scenarios(pattern).items()
            for invariant in (*one.proves[pattern], OTHERS)
        ],
    )


@pytest.mark.queuejob_profile
def test_core(
    request: pytest.FixtureRequest,
    judged: Callable[[str], Judged],
    scenario: str,
    invariant: str,
) -> None:
    """The invariant holds in this scenario, and that was seen."""
    run = judged(scenario)
    if invariant != OTHERS:
        conclude(request, invariant, run)
        return
    proves = scenarios(run.header.pattern)[scenario].proves[run.header.pattern]
    for name in sorted(run.found() - set(proves)):
        conclude(request, name, run)
    if run.error:
        raise NotProved(f"the scenario did not come to its end: {run.error}")
    assert run.judgement.verdicts, "nothing was judged"
