"""What is read in the fast way is what pamqp reads; what it does not read is left to pamqp."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import base, commands, frame, header

from harness.tap.protocols import amqp_fast

BASIC = commands.Basic
TEXT = st.text(max_size=60).filter(lambda text: len(text.encode()) <= 255)


def number(index: int) -> st.SearchStrategy[bytes]:
    return st.just(b"\x00\x3c" + index.to_bytes(2, "big"))


def shorts(count: int) -> st.SearchStrategy[bytes]:
    """Strings as they go over the wire."""
    one = TEXT.map(str.encode).map(lambda text: bytes((len(text),)) + text)
    return st.lists(one, min_size=count, max_size=count).map(b"".join)


def payload(*parts: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.tuples(*parts).map(b"".join)


BITS = st.binary(min_size=1, max_size=1)
TAGS = st.binary(min_size=8, max_size=8)
#: Basic.Deliver, Basic.Publish and Basic.Ack, after the head of the frame.
METHODS = (
    payload(number(60), shorts(1), TAGS, BITS, shorts(2))
    | payload(number(40), st.binary(min_size=2, max_size=2), shorts(2), BITS)
    | payload(number(80), TAGS, BITS)
)
#: What clients set; a delivery mode other than these pamqp does not write.
#: A header's name: pamqp writes no more than 128 bytes of it.
NAME = TEXT.filter(lambda text: 0 < len(text.encode()) <= 128)
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "content_type": TEXT,
        "headers": st.dictionaries(NAME, st.integers(-9, 9), max_size=3),
        "delivery_mode": st.sampled_from([1, 2]),
        "priority": st.integers(0, 9),
        "correlation_id": TEXT,
        "timestamp": st.just(datetime(2026, 1, 1, tzinfo=UTC)),
        "message_id": TEXT,
    },
)


def by_pamqp(raw: bytes) -> tuple[str, dict[str, Any]]:
    found = frame.unmarshal(raw)[2]
    assert isinstance(found, base.Frame)
    return found.name, dict(found)


@given(METHODS)
@settings(deadline=None, max_examples=50)
def test_methods_are_read_as_pamqp_reads_them(payload: bytes) -> None:
    raw = frame._marshal(1, 3, payload)
    assert amqp_fast.method(raw) == by_pamqp(raw)


@given(METHODS, st.integers(0, 80), st.binary(max_size=4), st.integers(0, 80))
@settings(deadline=None, max_examples=100)
def test_what_is_cut_or_changed_is_never_read_otherwise(
    payload: bytes, at: int, change: bytes, cut: int
) -> None:
    changed = payload[:at] + change + payload[at + len(change) :]
    raw = frame._marshal(1, 3, changed[: max(4, len(changed) - cut)])
    read = amqp_fast.method(raw)
    if read is not None:
        assert read == by_pamqp(raw)


@given(PROPERTIES, st.integers(0, 2**40))
@settings(deadline=None, max_examples=50)
def test_a_header_is_read_as_pamqp_reads_it(properties: dict[str, Any], size: int) -> None:
    raw = frame.marshal(header.ContentHeader(0, size, BASIC.Properties(**properties)), 1)
    wanted = {name: value for name, value in properties.items() if value != ""}
    assert amqp_fast.content(raw) == (size, wanted)
    assert amqp_fast.content(raw) == (size, wanted)  # remembered


def test_long_properties_are_read_and_not_remembered() -> None:
    before = amqp_fast._cached_properties.cache_info().currsize
    raw = frame.marshal(
        header.ContentHeader(0, 1, BASIC.Properties(headers={"x": "y" * 10_000})), 1
    )
    assert amqp_fast.content(raw) == (1, {"headers": {"x": "y" * 10_000}})
    assert amqp_fast._cached_properties.cache_info().currsize == before


@pytest.mark.parametrize("tail", [b"", b"\x00", b"\x80\x00"])
def test_a_header_that_is_cut_off_is_an_error(tail: bytes) -> None:
    with pytest.raises(ValueError, match=r"truncated|unpack"):
        amqp_fast.content(frame._marshal(2, 1, bytes(12) + tail))


def test_other_methods_are_left_to_pamqp() -> None:
    assert amqp_fast.method(frame.marshal(BASIC.Qos(prefetch_count=1), 1)) is None
    assert amqp_fast.method(frame.marshal(BASIC.GetOk(1, False, "", "q", 0), 1)) is None
