"""Which pairs are played on the cluster: a sample by a seed, or all.

`QUEUEJOB_TRUTH_PAIRS` says how many (60; `all`), `QUEUEJOB_TRUTH_SEED` which.
"""

from __future__ import annotations

import os
import random

from harness.suites.truth.workers import Stranger, strangers

#: Pairs of a sample, of which a third is of correct workers.
PAIRS = 60
#: Of so many the simulator's verdict stands beside the cluster's.
COMPARED = 20


def sample(pairs: str = "", seed: str = "", *, simulated: bool = False) -> list[Stranger]:
    """The pairs in the order in which they are played: correct ones and others in turn."""
    wanted = pairs or os.environ.get("QUEUEJOB_TRUTH_PAIRS", str(PAIRS))
    chance = random.Random(seed or os.environ.get("QUEUEJOB_TRUTH_SEED", "1"))  # noqa: S311  # it has to be repeatable
    # The image's client speaks RESP2 only: the simulator alone has the other.
    every = [one for one in strangers() if simulated or one.disguise.talk != "resp3"]
    if wanted == "all":
        return every
    count = int(wanted)
    good = [one for one in every if one.defect is None]
    bad = [one for one in every if one.defect is not None]
    third = min(len(good), count // 3)
    some = [chance.sample(good, third), _spread(bad, count - third, chance)]
    made: list[Stranger] = []
    for place in range(count):
        made += [kind[place] for kind in some if place < len(kind)]
    return made


def _spread(every: list[Stranger], count: int, chance: random.Random) -> list[Stranger]:
    """So many, with each defect in turn."""
    left: dict[str, list[Stranger]] = {}
    for one in every:
        left.setdefault(one.wrong, []).append(one)
    for some in left.values():
        chance.shuffle(some)
    found: list[Stranger] = []
    while len(found) < min(count, len(every)):
        found += [some.pop() for some in left.values() if some]
    return found[:count]
