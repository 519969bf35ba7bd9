"""RabbitMQ's wire is read without changing a byte: deliveries, and what becomes of them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import body, commands, frame, header, heartbeat

from harness.history import NotUnderstood
from harness.tap.protocols import amqp_channel
from harness.tap.protocols.amqp import Amqp
from harness.tap.records import Chunk, Commit, Delivery, Message, Method, Settlement

Towards = Literal["broker", "client"]
START = b"AMQP\x00\x00\x09\x01"
BASIC, QUEUE, CHANNEL, CONNECTION = (
    commands.Basic,
    commands.Queue,
    commands.Channel,
    commands.Connection,
)


def raw(*frames: Any, channel: int = 1) -> bytes:
    return b"".join(frame.marshal(one, channel) for one in frames)


def content(data: bytes, parts: int = 1, **properties: Any) -> list[Any]:
    """Header and bodies of a message, in so many parts."""
    size = max(1, -(-len(data) // parts))
    bodies = [body.ContentBody(data[at : at + size]) for at in range(0, len(data), size)]
    return [header.ContentHeader(0, len(data), BASIC.Properties(**properties)), *bodies]


def deliver(tag: int, data: bytes, consumer: str = "c", parts: int = 1) -> bytes:
    return raw(BASIC.Deliver(consumer, tag, False, "", "job1"), *content(data, parts))


class Session:
    """A decoder after the start of the protocol, and what came out of it."""

    def __init__(self) -> None:
        self.decoder = Amqp(1, 10_000)
        self.pieces: list[Chunk] = []
        self.feed("broker", START)

    def feed(self, towards: Towards, data: bytes) -> Session:
        self.pieces += self.decoder.feed(towards, data)
        return self

    def sends(self, *frames: Any) -> Session:
        return self.feed("broker", raw(*frames))

    def gets(self, data: bytes) -> Session:
        return self.feed("client", data)

    @property
    def messages(self) -> list[Message]:
        return [piece.message for piece in self.pieces if piece.message is not None]

    @property
    def settled(self) -> list[tuple[str, tuple[int, ...], bool]]:
        return [
            (one.how, one.tags, one.requeue) for one in self.messages if isinstance(one, Settlement)
        ]

    @property
    def delivered(self) -> list[Delivery]:
        return [one for one in self.messages if isinstance(one, Delivery)]

    @property
    def lost(self) -> list[str]:
        return [one.why for one in self.messages if isinstance(one, NotUnderstood)]


def consuming(*, no_ack: bool = False) -> Session:
    return (
        Session().sends(BASIC.Consume(queue="job1", no_ack=no_ack)).gets(raw(BASIC.ConsumeOk("c")))
    )


def test_a_delivery_is_put_together() -> None:
    session = consuming().gets(
        raw(BASIC.Deliver("c", 7, True, "", "job1"), *content(b"ap\xffle", 3, message_id="m"))
    )
    assert session.delivered == [
        Delivery(
            connection=1,
            channel=1,
            tag=7,
            queue="job1",
            body=b"ap\xffle",
            properties={"message_id": "m"},
            redelivered=True,
            no_ack=False,
            consumer="c",
        )
    ]


def test_a_delivery_that_comes_at_once_is_one_piece() -> None:
    """So that of one that is held nothing goes on; what comes in parts goes on in parts."""
    data = deliver(1, b"fig", parts=2)
    assert [piece.raw for piece in consuming().gets(data + data[:-1]).pieces[-4:]] == [
        data,
        *(raw(one) for one in (BASIC.Deliver("c", 1, False, "", "job1"), *content(b"fig", 2)[:2])),
    ]


def test_an_empty_message_is_complete_with_its_header() -> None:
    assert [one.body for one in consuming().gets(deliver(1, b"")).delivered] == [b""]


def test_channels_may_be_interleaved() -> None:
    one = [
        raw(part, channel=1)
        for part in (BASIC.Deliver("c", 1, False, "", "q"), *content(b"one", 3))
    ]
    two = [
        raw(part, channel=2)
        for part in (BASIC.Deliver("d", 1, False, "", "q"), *content(b"two", 3))
    ]
    session = Session().gets(b"".join(part for pair in zip(one, two, strict=True) for part in pair))
    assert [(each.channel, each.body) for each in session.delivered] == [(1, b"one"), (2, b"two")]


def test_a_multiple_ack_settles_all_up_to_its_tag() -> None:
    session = consuming().gets(b"".join(deliver(tag, b"x") for tag in range(1, 7)))
    session.sends(BASIC.Ack(2), BASIC.Ack(4, multiple=True), BASIC.Reject(5, requeue=True))
    session.sends(BASIC.Nack(0, multiple=True, requeue=False))
    assert session.settled == [
        ("ack", (2,), False),
        ("ack", (1, 3, 4), False),
        ("reject", (5,), True),
        ("nack", (6,), False),
    ]


def test_a_settlement_knows_what_it_settles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amqp_channel, "REMEMBERED", 5)
    session = consuming().gets(deliver(1, b"fig") + deliver(2, b"date") + deliver(3, b"ab"))
    session.sends(BASIC.Ack(2, multiple=True), BASIC.Nack(9, requeue=False))
    session.gets(deliver(4, b"apple")).sends(BASIC.Ack(0, multiple=True))
    assert [
        (one.tags, one.bodies, one.queues)
        for one in session.messages
        if isinstance(one, Settlement)
    ] == [
        ((1, 2), (b"fig", None), ("job1", "job1")),  # four bytes more are too many to remember
        ((9,), (None,), ("",)),
        ((3, 4), (b"ab", None), ("job1", "job1")),
    ]


def test_recover_gives_all_back() -> None:
    session = consuming().gets(deliver(1, b"a") + deliver(2, b"b")).sends(BASIC.Recover(True))
    assert session.settled == [("recover", (1, 2), True)]


def test_what_needs_no_ack_is_not_settled_by_one() -> None:
    session = consuming(no_ack=True).gets(deliver(1, b"a"))
    assert session.delivered[0].no_ack
    assert session.sends(BASIC.Ack(0, multiple=True)).settled == [("ack", (), False)]


def test_got_messages_are_deliveries() -> None:
    session = Session().sends(QUEUE.Declare(queue="job1"), BASIC.Get(), BASIC.Get(no_ack=True))
    session.gets(raw(BASIC.GetEmpty()) + raw(BASIC.GetOk(1, False, "", "job1", 0), *content(b"a")))
    ((found),) = session.delivered
    assert (found.queue, found.no_ack, found.consumer) == ("job1", True, "")


def test_a_channel_that_is_opened_again_begins_anew() -> None:
    session = consuming().gets(deliver(1, b"a")).sends(CHANNEL.Close(200, "bye", 0, 0))
    session.gets(raw(CHANNEL.CloseOk())).sends(CHANNEL.Open())
    assert session.sends(BASIC.Ack(0, multiple=True)).settled == [("ack", (), False)]


def test_what_is_published_has_its_content() -> None:
    session = Session().sends(BASIC.Publish(routing_key="job1"), *content(b"fig", delivery_mode=2))
    (found,) = session.messages
    assert isinstance(found, Method)
    assert (found.name, found.body, found.properties) == (
        "Basic.Publish",
        b"fig",
        {"delivery_mode": 2},
    )


def test_heartbeats_may_overtake() -> None:
    session = Session().sends(heartbeat.Heartbeat(), BASIC.Qos(prefetch_count=1))
    assert [piece.overtakes for piece in session.pieces] == [False, True, False]


def test_passwords_are_not_recorded() -> None:
    session = Session().sends(CONNECTION.StartOk({}, "PLAIN", "\0guest\0secret", "en_US"))
    (found,) = session.messages
    assert isinstance(found, Method)
    assert found.fields["response"] == "***"
    assert b"secret" in session.pieces[-1].raw


# -- what is not understood -----------------------------------------------------------------------


def test_a_frame_that_cannot_be_read_is_passed_over() -> None:
    session = consuming().gets(b"\x01\x00\x01\x00\x00\x00\x04\x00\x99\x00\x99\xce")
    assert len(session.lost) == 1
    assert len(session.gets(deliver(1, b"a")).delivered) == 1


def test_a_message_that_is_too_long_is_not_kept() -> None:
    session = consuming().gets(deliver(1, b"x" * 20_000, parts=10) + deliver(2, b"a"))
    assert session.lost == ["ValueError: a message of 20000 bytes is too long to be kept"]
    assert [one.body for one in session.delivered] == [b"a"]


def in_transaction() -> Session:
    """Three deliveries; two are settled and one message is published in a transaction."""
    session = consuming().gets(deliver(1, b"a") + deliver(2, b"b") + deliver(3, b"c"))
    session.sends(commands.Tx.Select()).gets(raw(commands.Tx.SelectOk()))
    session.sends(BASIC.Ack(1), BASIC.Reject(2, requeue=False))
    return session.sends(BASIC.Publish(routing_key="results"), *content(b"result of a"))


def test_what_a_transaction_holds_counts_with_its_commit() -> None:
    session = in_transaction()
    assert session.settled == []
    (commit,) = [
        one for one in session.sends(commands.Tx.Commit()).messages if isinstance(one, Commit)
    ]
    assert [(one.how, one.bodies) for one in commit.settlements] == [
        ("ack", (b"a",)),
        ("reject", (b"b",)),
    ]
    assert [(one.fields["routing_key"], one.body) for one in commit.published] == [
        ("results", b"result of a")
    ]
    names = [one.name for one in session.messages if isinstance(one, Method)]
    assert not {"Basic.Ack", "Basic.Publish"} & {*names}
    # The next transaction has begun with that.
    (_, last) = [
        one
        for one in session.sends(BASIC.Ack(3), commands.Tx.Commit()).messages
        if isinstance(one, Commit)
    ]
    assert [one.bodies for one in last.settlements] == [(b"c",)]
    assert not last.published


def test_what_was_rolled_back_can_be_settled_again() -> None:
    session = in_transaction().sends(commands.Tx.Rollback())
    session.sends(BASIC.Ack(0, multiple=True), commands.Tx.Commit())
    (commit,) = [one for one in session.messages if isinstance(one, Commit)]
    assert [sorted(filter(None, one.bodies)) for one in commit.settlements] == [[b"a", b"b", b"c"]]
    assert not commit.published


def test_what_is_never_committed_was_never_settled() -> None:
    session = in_transaction().sends(CHANNEL.Close(200, "bye", 0, 0))
    assert not any(isinstance(one, (Commit, Settlement)) for one in session.messages)


def test_recover_does_not_wait_for_the_commit() -> None:
    session = in_transaction().sends(BASIC.Recover(requeue=True))
    assert session.settled == [("recover", (3,), True)]


def test_of_too_much_in_a_transaction_only_where_it_went(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amqp_channel, "REMEMBERED", 15)
    session = in_transaction()
    session.sends(BASIC.Publish(routing_key="more"), *content(b"too much"), commands.Tx.Commit())
    (commit,) = [one for one in session.messages if isinstance(one, Commit)]
    assert [one.body for one in commit.published] == [b"result of a", None]


@pytest.mark.parametrize(
    ("way", "data", "why"),
    [
        ("broker", b"AMQP\x00\x01\x00\x00", "not how AMQP 0-9-1 begins"),
        ("broker", b"GET / HTTP/1.1", "not how AMQP 0-9-1 begins"),
        ("client", START, "refuses this version"),
        ("client", b"\x07\x00\x00\x00\x00\x00\x00", "no frame of type 7"),
        ("client", b"\x01\x00\x00\x00\x00\x00\x01xy", "does not end"),
        ("client", b"\x03\x00\x01\x00\x01\x00\x00" + b"x" * 10_000, "more than 10000 bytes"),
    ],
)
def test_from_what_is_not_understood_all_goes_on_unread(
    way: Towards, data: bytes, why: str
) -> None:
    decoder = Amqp(1, 10_000)
    pieces = [*decoder.feed(way, data), *decoder.feed(way, b"more")]
    assert b"".join(piece.raw for piece in pieces) == data + b"more"
    (lost,) = (piece.message for piece in pieces if piece.message)
    assert isinstance(lost, NotUnderstood)
    assert why in lost.why


# -- any bytes, in any chunks ---------------------------------------------------------------------

CUTS = st.lists(st.integers(0, 600), max_size=6)


def chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]


@given(st.lists(st.tuples(st.binary(max_size=40), st.integers(1, 3)), max_size=5), CUTS)
@settings(max_examples=50, deadline=None)
def test_deliveries_are_the_same_in_any_chunks(
    items: list[tuple[bytes, int]], cuts: list[int]
) -> None:
    data = b"".join(deliver(tag, item, "c", parts) for tag, (item, parts) in enumerate(items, 1))
    session = consuming()
    before = len(session.pieces)
    for chunk in chunks(data, cuts):
        session.gets(chunk)
    assert b"".join(piece.raw for piece in session.pieces[before:]) == data
    assert [one.body for one in session.delivered] == [item for item, _ in items]


FRAMES = st.builds(
    frame._marshal,
    st.sampled_from([1, 2, 3, 8]),
    st.integers(0, 2),
    st.binary(max_size=20),
)


@given(
    st.lists(FRAMES | st.binary(max_size=9), max_size=8).map(b"".join),
    CUTS,
    st.sampled_from(["broker", "client"]),
)
@settings(max_examples=150, deadline=None)
def test_no_byte_is_lost_whatever_they_are(data: bytes, cuts: list[int], way: Towards) -> None:
    session = Session()
    for chunk in chunks(data, cuts):
        session.feed(way, chunk)
    out = b"".join(piece.raw for piece in session.pieces[1:])
    assert out + session.decoder.rest(way) == data
