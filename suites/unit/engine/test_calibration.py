"""Bounds from what the fault-free run showed: never tighter than the worker itself is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.calibration import Calibration
from harness.history import Figures
from harness.patterns.base import PATTERNS
from harness.patterns.command_roles import Roles
from harness.tap.points import Signature

SECONDS = st.floats(0, 600)

FINE, COARSE = (PATTERNS.get(name).capabilities for name in ("fine", "coarse"))


@given(
    work=SECONDS,
    lease=SECONDS,
    start=SECONDS,
    items=st.integers(1, 20),
    at_once=st.sampled_from([1, 2]),
)
def test_no_bound_is_shorter_than_what_has_to_happen_in_it(
    work: float, lease: float, start: float, items: int, at_once: int
) -> None:
    known = Calibration(Figures(work=work, lease=lease, pod_start=start))
    fine = known.bounds(FINE, items, at_once)
    assert fine.reclaim is not None
    assert fine.pickup is not None
    assert fine.lease is not None
    assert fine.reclaim >= (lease if lease <= fine.lease else 60) + work
    assert fine.pickup >= 60 + work
    assert fine.end >= fine.reclaim + items * work
    coarse = known.bounds(COARSE, items, at_once)
    assert coarse.reclaim is not None
    assert coarse.reclaim >= start + work
    assert coarse.end >= coarse.reclaim + items / at_once * (work + start)
    assert min(fine.progress, coarse.progress) > work


def test_pods_that_start_one_after_the_other_have_the_time_for_it() -> None:
    """A gigabyte to read at the beginning, say: four completions, two pods at once."""
    known = Calibration(Figures(work=1.0, lease=10.0, pod_start=90.0))
    plain, twice = known.bounds(FINE, 4, 2), known.bounds(FINE, 4, 2, completions=4)
    assert twice.end == pytest.approx(plain.end + 90.0)
    assert known.bounds(FINE, 4, 2, completions=1).end == plain.end
    assert known.bounds(COARSE, 5, 2).end == known.bounds(COARSE, 6, 2).end


def test_who_keeps_items_in_stock_is_not_given_longer_to_let_others_have_them() -> None:
    known = Calibration(Figures(work=15.0, pace=5.0))
    assert (
        known.bounds(FINE, 5, 1).progress
        == Calibration(Figures(work=5.0)).bounds(FINE, 5, 1).progress
    )


def test_the_item_that_takes_longest_has_the_time_for_it() -> None:
    usual, tailed = Figures(work=0.3, lease=6.0), Figures(work=0.3, lease=6.0, longest=70.0)
    short, long = (Calibration(one).bounds(FINE, 4, 2) for one in (usual, tailed))
    assert long.end >= short.end + 2 * 70
    assert long.reclaim is not None
    assert long.reclaim > 140
    assert long.progress == pytest.approx(80)
    known = Calibration(Figures(work=10.0, pace=1.0, longest=15.0, longest_pace=5.0))
    assert known.bounds(FINE, 4, 2).progress == pytest.approx(15)


def test_without_a_lease_there_is_no_bound_for_it() -> None:
    """It is no lease of 0 s; the end of a Job has a bound all the same, with time for a lease."""
    known = Calibration(Figures(work=1.0))
    assert known.bounds(FINE, 4, 2).reclaim is None
    assert known.bounds(FINE, 4, 2).end > 60
    assert known.bounds(COARSE, 4, 2).reclaim is not None
    assert known.bounds(COARSE, 4, 2).pickup is None


@pytest.mark.parametrize(
    ("work", "lease", "waited"),
    [(1.0, 6.0, 6.0), (1.0, 120.0, 120.0), (1.0, 4000.0, 60.0), (1800.0, 3600.0, 3600.0)],
)
def test_a_lease_is_waited_for_if_it_fits_the_work(
    work: float, lease: float, waited: float
) -> None:
    known = Calibration(Figures(work=work, lease=lease))
    assert known.lease == waited
    assert (known.bounds(FINE, 4, 2).reclaim or 0) == pytest.approx(waited + 2 * work + 20)


def test_work_that_was_not_seen_is_not_done_at_once() -> None:
    """Its reports are not recognised, say: then its items may take as long as they like."""
    unseen, quick = Calibration(Figures(lease=6.0)), Calibration(Figures(work=1.0, lease=6.0))
    assert unseen.bounds(FINE, 4, 2).end >= quick.bounds(FINE, 4, 2).end + 100
    assert unseen.bounds(COARSE, 4, 2).progress == 40


def test_a_job_that_never_ended_is_not_waited_for_again() -> None:
    known = Figures(work=30.0, lease=60.0)
    assert Calibration(known, ended=False).bounds(FINE, 4, 2).end == 20
    assert Calibration(known).bounds(FINE, 4, 2).end > 200


def test_a_slower_machine_has_longer_bounds() -> None:
    known = Calibration(Figures(work=1.0))
    once, twice = known.bounds(FINE, 4, 2), known.bounds(FINE, 4, 2, factor=2.0)
    assert twice.end == pytest.approx(2 * once.end, abs=0.1)


def test_what_was_learned_is_read_back_as_it_was(tmp_path: Path) -> None:
    known = Calibration(
        Figures(work=1.5, settles_after_work=False),
        Roles(settles=(Signature("EVALSHA", b"\xff\x00"),), dead=(b"q:dead",)),
        settles=False,
    )
    known.save(tmp_path / "learned.json")
    assert Calibration.load(tmp_path / "learned.json") == known
