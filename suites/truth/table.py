"""The truth matrix as a table: what was said of each worker in disguise, and how right that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from harness.suites.truth.verdicts import Right, Said, code, right
from harness.suites.truth.workers import Stranger

#: Name of the property of a report that has a `Row`.
ROW = "queuejob_truth_row"
#: What a release must reach: of the defective workers so many are named, of the correct ones clean.
NAMED, CLEAN = 0.95, 0.90
#: What must not be said of anybody.
WRONG: tuple[Right, ...] = ("missed", "accused", "strange")
#: Characters of a reason that are shown.
_SHOWN = 160


class Row(msgspec.Struct, frozen=True):
    """One scenario of one worker."""

    worker: str
    said: Said


class Line(msgspec.Struct, frozen=True):
    """One worker: what was seen on the cluster, and what the simulator says of the same."""

    worker: str
    correct: bool
    right: Right
    code: int
    found: tuple[str, ...]
    #: Scenario, id and reason of what was not proved.
    unproved: tuple[tuple[str, str, str], ...]
    simulated: tuple[int, tuple[str, ...]] | None = None

    @property
    def differs(self) -> bool:
        """Whether the simulator says something else."""
        return self.simulated is not None and self.simulated[0] != self.code


def line(stranger: Stranger, every: Sequence[Said], simulated: Sequence[Said] | None) -> Line:
    """What all scenarios of a worker come to."""
    told = list(every)
    again = None if simulated is None else (code(list(simulated)), _found(simulated))
    return Line(
        stranger.name,
        stranger.defect is None,
        right(stranger, told),
        code(told),
        _found(told),
        tuple((one.scenario, name, why) for one in told for name, why in one.unproved.items()),
        again,
    )


def figures(lines: Iterable[Line]) -> str:
    """How many were judged rightly."""
    known = list(lines)
    bad, good = [one for one in known if not one.correct], [one for one in known if one.correct]
    named, clean = (
        sum(one.right == "named" for one in bad),
        sum(one.right == "clean" for one in good),
    )
    count = Counter(one.right for one in known)
    return (
        f"{named} of {len(bad)} defective workers were named rightly, {clean} of {len(good)} "
        f"correct ones are clean; {count['unknown']} are unknown. "
        f"Wrong: {count['missed']} passed in spite of a defect, {count['accused']} correct ones "
        f"were accused, {count['strange']} were named by something else."
    )


def markdown(lines: Sequence[Line], head: str) -> str:
    """The table, and each worker of which something was not proved, with the reasons."""
    compared = [one for one in lines if one.simulated is not None]
    same = sum(not one.differs for one in compared)
    told = [
        "# What is said of workers in disguise",
        "",
        head,
        "",
        f"**{figures(lines)}**",
        "",
        f"The simulator ends with the same exit code for {same} of {len(compared)} of them.",
        "",
        "| worker | judged | exit code | found | simulated |",
        "|---|---|---|---|---|",
    ]
    for one in lines:
        again = "" if one.simulated is None else f"{one.simulated[0]} {' '.join(one.simulated[1])}"
        mark = " ✗" if one.right in WRONG else ""
        cells = (one.worker, f"{one.right}{mark}", str(one.code), " ".join(one.found), again)
        told.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    told += ["", *unproved(lines)]
    return "\n".join(told) + "\n"


def unproved(lines: Iterable[Line]) -> list[str]:
    """Each worker of which something was not proved, or was said wrongly, and why."""
    told = ["## Not proved, and why", ""]
    for one in lines:
        if one.right in ("unknown", *WRONG):
            told.append(f"- **{one.worker}** ({one.right})")
            told += [f"  - {where} {name}: {_short(why)}" for where, name, why in one.unproved]
    return told


def _found(every: Iterable[Said]) -> tuple[str, ...]:
    return tuple(sorted({name for one in every for name in one.found}))


def _short(why: str) -> str:
    text = " ".join(why.split())
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
