"""The whole truth matrix in the simulator: `python -m harness.suites.unit.simulator.matrix OUT.md`.

With the package installed (`pip install .`); it takes some minutes.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from harness import __version__
from harness.suites.truth.table import Line, figures, line, unproved
from harness.suites.truth.workers import Stranger, strangers
from harness.suites.unit.simulator.truth import check


def _line(stranger: Stranger) -> Line:
    return line(stranger, check(stranger), None)


def main(out: Path) -> None:
    """Play all pairs, and write the figures and whatever was not proved."""
    with ProcessPoolExecutor() as pool:
        lines = list(pool.map(_line, strangers(), chunksize=8))
    told = [
        "# What is said of workers in disguise in the simulator",
        "",
        f"Made by `suites/unit/simulator/matrix.py` (version {__version__}): all "
        f"{len(lines)} pairs of a worker and a disguise that fit.",
        "",
        f"**{figures(lines)}**",
        "",
        *unproved(lines),
    ]
    out.write_text("\n".join(told) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
