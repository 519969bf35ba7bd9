"""What all scenarios together say of a worker, and how right that is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

import msgspec

from harness.checks.plan import first_asked, proved_by
from harness.checks.verdict import Outcome
from harness.engine.campaign import JudgedRun
from harness.engine.scenario import Scenario, playable_scenarios
from harness.suites.truth.workers import Stranger

#: A defective worker's defect was named; a correct one is clean; or (of both) something was not
#: proved. Wrong: a defective one passed, a correct one was accused, another defect was named.
Right = Literal["named", "clean", "unknown", "missed", "accused", "strange"]
#: What no worker is played with: that its Job has too few completions is not its fault.
LEFT_OUT = ("completions_mismatch",)


class Said(msgspec.Struct, frozen=True):
    """What one scenario says: what it found broken, and why something was not proved."""

    scenario: str
    found: tuple[str, ...] = ()
    unproved: Mapping[str, str] = {}


@cache
def scenarios(pattern: str) -> Mapping[str, Scenario]:
    """Those of the core profile, by the names of their modules."""
    known = playable_scenarios(pattern)
    return {name: one for name, one in known.items() if name not in LEFT_OUT}


def said(name: str, judged: JudgedRun) -> Said:
    """As a profile's tests say it."""
    pattern = judged.header.pattern
    scenario = scenarios(pattern)[name]
    found = tuple(sorted(one for one in judged.violated() if first_asked(scenario, one) == "core"))
    unproved = {
        one: _why(judged, one)
        for one in proved_by(scenario, pattern)
        if judged.judgement.outcome(one) is Outcome.UNKNOWN
    }
    for one in getattr(judged, "suspected", set)() - {*found}:
        if first_asked(scenario, one) == "core":
            unproved.setdefault(one, _why(judged, one))
    if judged.error:
        unproved.setdefault("", judged.error)
    if missed := judged.unconfirmed_faults():
        unproved.setdefault("", f"not seen to land: {', '.join(missed)}")
    return Said(name, found, unproved)


def code(every: list[Said]) -> int:
    """As `check` would end."""
    if any(one.found for one in every):
        return 1
    return 6 if not every or any(one.unproved for one in every) else 0


def right(stranger: Stranger, every: list[Said]) -> Right:
    """How right that is, of this worker."""
    found, defect = {name for one in every for name in one.found}, stranger.defect
    if defect is None:
        answers: dict[int, Right] = {0: "clean", 1: "accused", 6: "unknown"}
        return answers[code(every)]
    if not found:
        return "unknown" if code(every) else "missed"
    return "named" if found & defect.must and found <= defect.must | defect.may else "strange"


def _why(judged: JudgedRun, name: str) -> str:
    lines = (line for line in judged.findings_text(name) if not line.startswith(" "))
    return next(lines, judged.error or "nothing was looked at")
