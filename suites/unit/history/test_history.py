"""A history comes back as it was written; of a broken one, the good part and then a reason."""

from __future__ import annotations

import base64
import builtins
import io
import json
import threading
import types
import typing
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import history
from harness.history import (
    Bounds,
    BrokenHistory,
    Digest,
    Event,
    FaultConfirmed,
    Gap,
    Header,
    ItemDelivered,
    ItemEnqueued,
    ItemSettled,
    JobSeen,
    LogLine,
    Observation,
    Raw,
    RunEnded,
    Worker,
    Writer,
    payload,
    read,
    to_bytes,
)
from harness.history.file import MAX_LINE
from harness.history.payload import MAX_KEPT

HEADER = Header(
    schema=history.SCHEMA,
    scenario="deleted after delivery",
    pattern="fine",
    image="my/worker:1",
    started=datetime(2026, 1, 1, tzinfo=UTC),
    bounds=Bounds(reclaim=20, progress=5, end=60),
)
STORY: tuple[tuple[str, Observation], ...] = (
    ("harness", ItemEnqueued("apple", "job2")),
    ("tap", ItemDelivered(Raw(b"\xff\n"), connection=1, until=11.5, redelivered=True)),
    ("logs", LogLine(Worker("uid-1", 2), 'Working on "apple"\n', at=1.25)),
    ("tap", ItemSettled("apple", connection=1, how="acked", effective=None)),
    ("jobs", JobSeen("job-wq-2", 7, 2, None, 0, 1, 0)),
    ("harness", RunEnded()),
)


def ticking() -> Callable[[], float]:
    ticks = count(1)
    return lambda: next(ticks) / 4


def written(folder: Path, *story: tuple[str, Observation]) -> bytes:
    path = folder / "history.ndjson"
    with Writer(path, HEADER, ticking()) as writer:
        for source, what in story:
            writer.record(source, what)
    return path.read_bytes()


def events(data: bytes) -> list[Event]:
    header, found = read(io.BytesIO(data), "h")
    assert header == HEADER
    return list(found)


def refusal(data: bytes) -> BrokenHistory:
    with pytest.raises(BrokenHistory) as caught:
        events(data)
    return caught.value


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return written(tmp_path_factory.mktemp("good"), *STORY)


# -- writing and reading --------------------------------------------------------------------------


def test_what_is_written_is_read(good: bytes) -> None:
    assert events(good) == [
        Event(number, number / 4, source, what)
        for number, (source, what) in enumerate(STORY, start=1)
    ]


def test_a_line_is_plain_json(good: bytes) -> None:
    assert json.loads(good.splitlines()[2]) == {
        "id": 2,
        "time": 0.5,
        "source": "tap",
        "what": {
            "type": "item_delivered",
            "item": {"type": "base64", "data": base64.b64encode(b"\xff\n").decode()},
            "connection": 1,
            "until": 11.5,
            "redelivered": True,
        },
    }


def test_what_is_written_is_there_at_once(tmp_path: Path) -> None:
    """So that the history of a run that is killed can be read."""
    path = tmp_path / "history.ndjson"
    with Writer(path, HEADER, ticking()) as writer:
        first = writer.record("tap", Gap("pods", "no answer"))
        assert events(path.read_bytes()) == [first]


def test_a_history_is_never_written_over(tmp_path: Path, good: bytes) -> None:
    path = tmp_path / "history.ndjson"
    path.write_bytes(good)
    with pytest.raises(FileExistsError):
        Writer(path, HEADER, ticking())
    assert path.read_bytes() == good


def test_threads_share_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "history.ndjson"
    with Writer(path, HEADER, ticking()) as writer:

        def record() -> None:
            for _ in range(200):
                writer.record("tap", Gap("x", "y"))

        threads = [threading.Thread(target=record) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [event.id for event in events(path.read_bytes())] == list(range(1, 801))


def test_the_time_never_falls(tmp_path: Path) -> None:
    moments = iter([2.0, 1.0, 3.0])
    with Writer(tmp_path / "h", HEADER, lambda: next(moments)) as writer:
        assert [writer.record("a", RunEnded()).time for _ in range(3)] == [2.0, 2.0, 3.0]


def test_an_event_that_no_reader_would_take_is_not_written(tmp_path: Path) -> None:
    with Writer(tmp_path / "h", HEADER, ticking()) as writer:
        with pytest.raises(ValueError, match="a line has at most"):
            writer.record("a", Gap("x", "y" * MAX_LINE))
        kept = writer.record("a", RunEnded())
    assert kept.id == 1
    assert events((tmp_path / "h").read_bytes()) == [kept]


def strategy_of(kind: type) -> st.SearchStrategy[Observation]:
    """All its fields, of what they may hold: derived from the types, so no event is forgotten."""
    return st.builds(
        kind,
        **{
            field.name: _values(typing.get_type_hints(kind, include_extras=True)[field.name])
            for field in msgspec.structs.fields(kind)
        },
    )


def _values(hint: typing.Any) -> st.SearchStrategy[typing.Any]:
    arguments = typing.get_args(hint)
    match typing.get_origin(hint):
        case typing.Annotated:
            return _numbers(hint.__origin__, hint.__metadata__[0].ge)
        case builtins.tuple:
            return st.lists(_values(arguments[0]), max_size=3).map(tuple)
        case types.UnionType | typing.Union:
            return st.one_of(*map(_values, arguments))
        case typing.Literal:
            return st.sampled_from(arguments)
    return PLAIN[hint] if hint in PLAIN else strategy_of(hint)


def _numbers(kind: type, low: int | None = None) -> st.SearchStrategy[typing.Any]:
    if kind is int:
        return st.integers(low, 2**53)
    return st.floats(low, allow_nan=False, allow_infinity=False)


PLAIN: dict[type, st.SearchStrategy[typing.Any]] = {
    type(None): st.none(),
    bool: st.booleans(),
    bytes: st.binary(max_size=20),
    int: _numbers(int),
    float: _numbers(float),
    str: st.text(max_size=20),
}
ANY_EVENT = st.one_of(*(strategy_of(kind) for kind in typing.get_args(Observation)))


@given(st.lists(st.tuples(st.text(max_size=5), ANY_EVENT), max_size=5))
@settings(max_examples=100, deadline=None)
def test_every_event_comes_back(story: list[tuple[str, Observation]]) -> None:
    encoder = msgspec.json.Encoder()
    wanted = [Event(number, 0.5, *told) for number, told in enumerate(story, start=1)]
    lines = [encoder.encode(thing) for thing in (HEADER, *wanted)]
    assert events(b"\n".join(lines) + b"\n") == wanted


# -- payloads -------------------------------------------------------------------------------------


@given(st.binary() | st.text().map(str.encode))
def test_bytes_come_back(data: bytes) -> None:
    kept = payload(data)
    assert not isinstance(kept, Digest)
    assert to_bytes(kept) == data
    assert msgspec.json.decode(msgspec.json.encode(kept), type=history.Payload) == kept


def test_long_payloads_are_told_apart() -> None:
    one, other = b"a" * (MAX_KEPT + 1), b"b" * (MAX_KEPT + 1)
    assert payload(one) == payload(bytes(one)) != payload(other)
    assert payload(one[1:]) == one[1:].decode()


# -- broken files ---------------------------------------------------------------------------------


def test_any_truncation_leaves_the_events_before_it_and_a_reason(good: bytes) -> None:
    whole = events(good)
    ends = {n + 1 for n, byte in enumerate(good) if byte == ord("\n")}
    for length in range(len(good)):
        kept, before = good[:length], good[:length].count(b"\n")
        if length in ends:
            assert events(kept) == whole[: before - 1]
            continue
        seen: list[Event] = []
        with pytest.raises(BrokenHistory) as caught:
            fill(seen, kept)
        assert seen == whole[: max(0, before - 1)]
        assert caught.value.line == before + 1
        assert caught.value.reason in ("the file is empty", "the last line is cut off")


def fill(into: list[Event], data: bytes) -> None:
    """The events, one by one, so that they outlive an error."""
    for event in read(io.BytesIO(data), "h")[1]:
        into.append(event)


def edited(good: bytes, number: int, old: bytes, new: bytes) -> bytes:
    lines = good.splitlines(keepends=True)
    assert old in lines[number - 1]
    lines[number - 1] = lines[number - 1].replace(old, new, 1)
    return b"".join(lines)


@pytest.mark.parametrize(
    ("number", "old", "new", "reason"),
    [
        (1, b'"schema":1', b'"schema":2', "its schema is 2, and this version reads 1"),
        (1, b'"schema":1,', b"", "this is no header: .*`schema`"),
        (1, b'"reclaim":20', b'"reclaim":-1', r"this is no header: .*\$.bounds.reclaim"),
        (3, b"item_delivered", b"item_eaten", "this is no event: Invalid value 'item_eaten'"),
        (3, b'"until"', b'"til"', "this is no event: .* unknown field `til`"),
        (3, b'"until":11.5', b'"until":"x"', r"this is no event: .*\$.what.until"),
        (3, b'"id":2', b'"id":1', "event 1 comes after event 1"),
        (3, b'"id":2', b'"id":0', r"this is no event: .*\$.id"),
        (3, b'"id":2', b'"id":1' + b"0" * 400, r"this is no event"),
        (3, b'"time":0.5', b'"time":0.125', "the time falls from 0.25 to 0.125"),
        (3, b'"time":0.5', b'"time":NaN', "this is no event"),
        (3, b'"tap"', b'"\xff"', "this is no event"),
        (3, b'"tap"', b"[" * 100_000, "this is no event"),
        (3, b"\n", b"\n\n", "this is no event"),
        (3, b'"tap"', b'"' + b"x" * MAX_LINE + b'"', "the line is longer than 1048576 bytes"),
    ],
)
def test_a_broken_line_is_named(
    good: bytes, number: int, old: bytes, new: bytes, reason: str
) -> None:
    error = refusal(edited(good, number, old, new))
    assert error.line == (4 if old == b"\n" else number)
    assert error.exit_code == 6
    with pytest.raises(BrokenHistory, match=reason):
        raise error


def test_a_line_without_end_is_not_read_to_its_end() -> None:
    class Endless(io.RawIOBase):
        taken = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: typing.Any) -> int:
            buffer[:] = b"x" * len(buffer)
            self.taken += len(buffer)
            return len(buffer)

    endless = Endless()
    with pytest.raises(BrokenHistory, match="longer than"):
        read(io.BufferedReader(endless), "h")
    assert endless.taken < 2 * MAX_LINE


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_whatever_the_bytes_the_error_is_ours(data: bytes) -> None:
    with pytest.raises(BrokenHistory):
        events(data)


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_changed_bytes_are_read_or_refused(good: bytes, data: st.DataObject) -> None:
    changed = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        _, found = read(io.BytesIO(bytes(changed)), "h")
        list(found)
    except BrokenHistory as error:
        assert error.reason  # noqa: PT017  # a change may as well leave a good history


def test_evidence_is_a_plain_list(tmp_path: Path) -> None:
    data = written(tmp_path, ("faults", FaultConfirmed("kill", (1, 2))))
    assert json.loads(data.splitlines()[1])["what"] == {
        "type": "fault_confirmed",
        "fault": "kill",
        "evidence": [1, 2],
    }
