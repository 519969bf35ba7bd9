"""Bounds from what the fault-free run showed: never tighter than the worker itself is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.history import Figures
from harness.learned import Learned
from harness.tap.points import Signature
from harness.wire.roles import Roles

SECONDS = st.floats(0, 600)


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
    known = Learned(Figures(work=work, lease=lease, pod_start=start))
    fine = known.bounds("fine", items, at_once)
    assert fine.reclaim >= lease + work
    assert fine.end >= fine.reclaim + items * work
    coarse = known.bounds("coarse", items, at_once)
    assert coarse.reclaim >= start + work
    assert coarse.end >= coarse.reclaim + items / at_once * (work + start)
    assert min(fine.progress, coarse.progress) > work


def test_pods_that_start_one_after_the_other_have_the_time_for_it() -> None:
    """A gigabyte to read at the beginning, say: four completions, two pods at once."""
    known = Learned(Figures(work=1.0, lease=10.0, pod_start=90.0))
    plain, twice = known.bounds("fine", 4, 2), known.bounds("fine", 4, 2, completions=4)
    assert twice.end == pytest.approx(plain.end + 90.0)
    assert known.bounds("fine", 4, 2, completions=1).end == plain.end
    assert known.bounds("coarse", 5, 2).end == known.bounds("coarse", 6, 2).end


def test_who_keeps_items_in_stock_is_not_given_longer_to_let_others_have_them() -> None:
    known = Learned(Figures(work=15.0, pace=5.0))
    assert (
        known.bounds("fine", 5, 1).progress
        == Learned(Figures(work=5.0)).bounds("fine", 5, 1).progress
    )


def test_a_slower_machine_has_longer_bounds() -> None:
    known = Learned(Figures(work=1.0))
    once, twice = known.bounds("fine", 4, 2), known.bounds("fine", 4, 2, factor=2.0)
    assert twice.end == pytest.approx(2 * once.end, abs=0.1)


def test_what_was_learned_is_read_back_as_it_was(tmp_path: Path) -> None:
    known = Learned(
        Figures(work=1.5, settles_after_work=False),
        Roles(settles=(Signature("EVALSHA", b"\xff\x00"),), dead=(b"q:dead",)),
        settles=False,
    )
    known.save(tmp_path / "learned.json")
    assert Learned.load(tmp_path / "learned.json") == known
