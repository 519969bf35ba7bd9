"""What `check` would say of a worker: the scenarios of the core profile, played and judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.checks.plan import FAULT_FREE
from harness.engine.calibration import Calibration
from harness.suites.truth.verdicts import Said, said, scenarios
from harness.suites.truth.workers import Stranger, under_test
from harness.suites.unit.simulator.playing import play
from harness.suites.unit.simulator.strangers import program


def check(
    stranger: Stranger,
    seed: int = 1,
    enough: Callable[[list[Said]], bool] = lambda _: False,
    *,
    linger: float = 0.0,
) -> list[Said]:
    """What each scenario says, until that is `enough`."""
    every: list[Said] = []
    for one in _played(stranger, seed, linger):
        every.append(one)
        if enough(every):
            break
    return every


def _played(stranger: Stranger, seed: int, linger: float) -> Iterator[Said]:
    worker, learned = under_test(stranger, "simulated:1"), Calibration()
    for name, scenario in scenarios(stranger.pattern).items():
        played = play(
            worker,
            lambda broker: program(stranger, broker),
            scenario,
            learned,
            seed,
            linger=linger,
        )
        yield said(name, played.judged)
        if name == FAULT_FREE:
            if played.calibration is None:
                return
            learned = played.calibration
