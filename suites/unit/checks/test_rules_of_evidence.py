"""The rules of evidence (docs/adr/0001-rules-of-evidence.md), each as a property."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.checks.verdict import Outcome
from harness.suites.truth.disguises import BOTH, DISGUISES, Pattern
from harness.suites.truth.verdicts import Said, code, right
from harness.suites.truth.workers import DEFECTS, Stranger
from harness.suites.unit.dsl.history import Tale
from harness.suites.unit.simulator.truth import check

PLAIN = DISGUISES[0]
LOOKS = {one.name: one for one in DISGUISES}
WRONG = {one.name: one for one in DEFECTS}
few = settings(max_examples=1, deadline=None)


def first(every: list[Said]) -> bool:
    """The undisturbed run is enough."""
    return bool(every)


def unclean(every: list[Said]) -> bool:
    """It will not be exit code 0 any more."""
    return code(every) != 0


class TestEachAttemptNeedsItsOwnEvidence:
    """1."""

    @pytest.mark.parametrize("defect", ["skips what comes again"])
    def test_habits_cover_no_redelivery(self, defect: str) -> None:
        stranger = Stranger("fine", PLAIN, WRONG[defect])
        assert unclean(check(stranger, enough=unclean))


class TestAnUnknownValueStillExists:
    """2."""

    @pytest.mark.parametrize("look", ["envelopes", "dead as JSON"])
    def test_other_bytes_accuse_nobody(self, look: str) -> None:
        every = check(Stranger("fine", LOOKS[look]))
        assert right(Stranger("fine", LOOKS[look]), every) in ("clean", "unknown")

    @pytest.mark.parametrize("look", ["hexadecimal"])
    @pytest.mark.parametrize("defect", ["settles first"])
    def test_nor_hide_a_defect(self, look: str, defect: str) -> None:
        assert unclean(check(Stranger("fine", LOOKS[look], WRONG[defect]), enough=unclean))


class TestTwoClocks:
    """3."""

    @settings(max_examples=20, deadline=None)
    @given(
        late=st.floats(0.3, 10.0),
        work=st.floats(0.3, 10.0),
        early=st.booleans(),
        linger=st.floats(0.1, 5.0),
    )
    def test_lines_that_all_come_late_prove_nothing(
        self, late: float, work: float, early: bool, linger: float
    ) -> None:
        tale = Tale("coarse", completions=3)
        tale.sent("apple", "banana", "cherry")
        lasts = work + late + linger + 1
        for number, item in enumerate(("apple", "banana", "cherry")):
            who, start = f"w{number}", (lasts + 1) * number + 1
            tale.came(start, who)
            tale.given(start, who, item)
            # Its lines are late by the same time, whatever it does.
            tale.settled(start + (0.01 if early else work), who, item)
            tale.began(start + late, who, item)
            tale.finished(start + work + late, who, item)
            tale.exited(start + lasts, who)
        tale.job(4 * lasts, "Complete", succeeded=3)
        tale.over(4 * lasts + 10)
        assert tale.finds("S3") is Outcome.UNKNOWN


class TestWordsAreHints:
    """4."""

    @few
    @given(
        verb=st.sampled_from(["Working on", "Processing", "Done", "Finished", "Starting"]),
        rest=st.text(st.characters(categories=["Lu", "Ll", "Nd", "Po", "Zs"]), max_size=30),
        pattern=st.sampled_from(BOTH),
    )
    def test_no_phrase_accuses(self, verb: str, rest: str, pattern: Pattern) -> None:
        said = f"{verb} {rest}"
        chatty = replace(PLAIN, name="any words", banner=(said,), farewell=(said,))
        (undisturbed,) = check(Stranger(pattern, chatty), enough=first)
        assert undisturbed.found == ()


class TestNumbersAreHints:
    """5."""

    @pytest.mark.parametrize("look", ["scored numbers"])
    def test_an_item_that_is_a_number_is_an_item(self, look: str) -> None:
        every = check(Stranger("fine", LOOKS[look]))
        assert right(Stranger("fine", LOOKS[look]), every) == "clean"


class TestBlameFollowsTheCause:
    """6."""

    def test_a_limit_of_the_pattern_fails_no_image(self) -> None:
        """A coarse worker that dies after its report leaves the Job waiting."""
        every = check(Stranger("coarse", PLAIN))
        assert right(Stranger("coarse", PLAIN), every) == "clean"
        assert "killed_after_ack" in [one.scenario for one in every]


class TestDoubtHasAReason:
    """7."""

    @pytest.mark.parametrize("look", ["no lines"])
    @pytest.mark.parametrize("pattern", BOTH)
    def test_what_is_not_proved_says_why(self, look: str, pattern: Pattern) -> None:
        if pattern not in LOOKS[look].patterns:
            pytest.skip("it is for the other pattern")
        every = check(Stranger(pattern, LOOKS[look]))
        reasons = [why for one in every for why in one.unproved.values()]
        assert all(len(why.split()) > 3 for why in reasons)
        assert code(every) != 6 or reasons


class TestTheExperimentCanFailTheWorker:
    """8."""

    @pytest.mark.parametrize("defect", ["hoards"])
    def test_no_defect_passes(self, defect: str) -> None:
        assert unclean(check(Stranger("fine", PLAIN, WRONG[defect]), enough=unclean))
