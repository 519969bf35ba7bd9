"""S15, payload fidelity: the bytes of an item are worked on, all of them and no others."""

from __future__ import annotations

from hashlib import sha256

import pytest
from histories import Tale, good_coarse, good_fine

from harness.history import (
    ConnectionOwner,
    ItemDelivered,
    ItemSettled,
    Payload,
    WorkDigested,
    payload,
)
from harness.verdict import Outcome

LONG = b"x" * 100_000


def worked(told: dict[bytes, bytes | None], pattern: str = "fine") -> Tale:
    """A worker does these items one by one, and says of each which bytes it works on."""
    tale = Tale(pattern, completions=len(told) if pattern == "coarse" else None)
    tale.sent(*map(payload, told))
    tale.came(0, "a")
    for moment, (item, said) in enumerate(told.items(), start=1):
        one: Payload = payload(item)
        tale.given(2 * moment, "a", one)
        if said is not None:
            tale.digested(2 * moment + 0.1, "a", sha256(said).hexdigest())
        tale.settled(2 * moment + 1, "a", one)
    tale.over(20)
    return tale


@pytest.mark.parametrize("item", [b"", b"\xff\x00", b"one\ntwo\n", LONG])
def test_all_bytes(item: bytes) -> None:
    assert worked({b"plain": b"plain", item: item}).finds("S15") is Outcome.PASS


@pytest.mark.parametrize(
    ("item", "said"), [(b"one\ntwo", b"one"), (LONG, LONG[:65536]), (b"", b"None")]
)
def test_other_bytes(item: bytes, said: bytes) -> None:
    tale = worked({b"plain": b"plain", item: said})
    finding = tale.failure("S15")
    assert tale.what(finding) == [ItemDelivered, WorkDigested, ItemSettled]
    assert "worked on other bytes than those of" in finding.reason


def test_nobody_tells() -> None:
    assert good_fine().finds("S15") is Outcome.UNKNOWN
    assert good_coarse().finds("S15") is Outcome.UNKNOWN


def test_one_is_not_told_of() -> None:
    assert worked({b"plain": b"plain", b"other": None}).finds("S15") is Outcome.UNKNOWN


def test_digests_of_something_else() -> None:
    """As of the worker's own model files."""
    assert worked({b"plain": b"model", b"other": b"model"}).finds("S15") is Outcome.UNKNOWN


def test_nobody_knows_whose_an_item_was() -> None:
    tale = worked({b"plain": b"plain"})
    tale.drop(ConnectionOwner)
    assert tale.finds("S15") is Outcome.UNKNOWN


def test_what_was_not_settled_is_not_asked_for() -> None:
    tale = worked({b"plain": b"plain"})
    tale.given(10, "a", "plain")
    assert tale.finds("S15") is Outcome.PASS
