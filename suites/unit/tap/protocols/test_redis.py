"""Redis' wire is read without changing a byte, and every reply finds its command."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.history import NotUnderstood
from harness.tap.protocols.redis import Resp
from harness.tap.records import Command, ErrorReply, Message, Push, Reply

Towards = Literal["broker", "client"]


def command(*words: str | bytes) -> bytes:
    """As clients send it."""
    raw = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(raw) + b"".join(b"$%d\r\n%s\r\n" % (len(one), one) for one in raw)


class Session:
    """A decoder, and what came out of it."""

    def __init__(self, limit: int = 1000) -> None:
        self.decoder = Resp(1, limit)
        self.messages: list[Message] = []
        self.raw: dict[Towards, bytes] = {"broker": b"", "client": b""}

    def sends(self, data: bytes) -> Session:
        return self._feed("broker", data)

    def gets(self, data: bytes) -> Session:
        return self._feed("client", data)

    def _feed(self, towards: Towards, data: bytes) -> Session:
        for piece in self.decoder.feed(towards, data):
            self.raw[towards] += piece.raw
            if piece.message is not None:
                self.messages.append(piece.message)
        return self

    @property
    def commands(self) -> list[tuple[bytes, ...]]:
        return [one.words for one in self.messages if isinstance(one, Command)]

    @property
    def answers(self) -> list[tuple[str, Any]]:
        """Each reply with the name of its command; pushes have none."""
        said: list[tuple[str, Any]] = []
        for one in self.messages:
            if isinstance(one, Reply):
                said.append((one.command.name, one.value))
            elif isinstance(one, Push):
                said.append(("", one.value))
        return said

    @property
    def lost(self) -> list[str]:
        return [one.why for one in self.messages if isinstance(one, NotUnderstood)]


# -- commands and replies -------------------------------------------------------------------------


def test_commands_and_replies_are_paired_in_order() -> None:
    session = Session().sends(command("LPUSH", "job2", b"\xff") + command("GET", "a"))
    session.gets(b":1\r\n$-1\r\n")
    assert session.messages == [
        one := Command(1, 1, (b"LPUSH", b"job2", b"\xff")),
        two := Command(1, 2, (b"GET", b"a")),
        Reply(1, one, 1),
        Reply(1, two, None),
    ]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"+OK\r\n", b"OK"),
        (b"$2\r\nhi\r\n", b"hi"),
        (b"$0\r\n\r\n", b""),
        (b"*-1\r\n", None),
        (b"*2\r\n*1\r\n:1\r\n$-1\r\n", [[1], None]),
        (b"%1\r\n+a\r\n#f\r\n", {b"a": False}),
        (b"~1\r\n_\r\n", [None]),
        (b"#f\r\n", False),
        (b",1.5\r\n", 1.5),
        (b"=7\r\ntxt:abc\r\n", b"abc"),
        (b"|1\r\n+ttl\r\n:3\r\n:5\r\n", 5),
    ],
)
def test_every_kind_of_reply_is_read(raw: bytes, value: Any) -> None:
    assert Session().sends(command("X")).gets(raw).answers == [("X", value)]


def test_an_error_is_a_reply() -> None:
    session = Session().sends(command("X")).gets(b"-ERR no such thing\r\n")
    ((name, error),) = session.answers
    assert name == "X"
    assert isinstance(error, ErrorReply)
    assert str(error) == "ERR no such thing"


def test_inline_commands_are_read() -> None:
    session = Session().sends(b"\r\nping\r\nset a 1\n").gets(b"+PONG\r\n+OK\r\n")
    assert session.answers == [("PING", b"PONG"), ("SET", b"OK")]


def test_a_transaction_has_its_commands() -> None:
    session = Session().sends(
        command("MULTI") + command("LREM", "k", "1", "a") + command("DEL", "l") + command("EXEC")
    )
    session.gets(b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n:0\r\n")
    reply = session.messages[-1]
    assert isinstance(reply, Reply)
    assert (reply.value, [one.name for one in reply.queued]) == ([1, 0], ["LREM", "DEL"])


def test_published_messages_are_no_replies() -> None:
    session = Session().sends(command("SUBSCRIBE", "a", "b") + command("PING"))
    session.gets(
        b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n"
    )
    session.gets(b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n")
    session.sends(command("UNSUBSCRIBE") + command("LRANGE", "k", "0", "-1"))
    session.gets(b"*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n")
    session.gets(b"*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n*1\r\n$7\r\nmessage\r\n")
    assert [name for name, _ in session.answers] == ["", "", "", "PING", "", "", "LRANGE"]
    assert session.lost == []


def test_pushes_of_resp3_are_no_replies() -> None:
    session = Session().sends(command("HELLO", "3") + command("SUBSCRIBE", "a"))
    session.gets(b"%1\r\n$5\r\nproto\r\n:3\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
    session.sends(command("LRANGE", "k", "0", "-1"))
    session.gets(b">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n*1\r\n$7\r\nmessage\r\n")
    assert [name for name, _ in session.answers] == ["HELLO", "", "", "LRANGE"]


def test_monitor_lines_are_no_replies() -> None:
    session = Session().sends(command("MONITOR")).gets(b'+OK\r\n+1.2 [0 h:1] "GET"\r\n')
    assert session.answers == [("MONITOR", b"OK"), ("", b'1.2 [0 h:1] "GET"')]


def test_commands_that_are_not_answered_are_not_waited_for() -> None:
    session = Session().sends(
        command("CLIENT", "REPLY", "SKIP") + command("GET", "a") + command("GET", "b")
    )
    session.gets(b"+b\r\n").sends(
        command("CLIENT", "REPLY", "OFF") + command("GET", "c") + command("CLIENT", "REPLY", "ON")
    )
    session.gets(b"+OK\r\n").sends(command("ECHO", "d")).gets(b"+d\r\n")
    assert session.answers == [("GET", b"b"), ("CLIENT", b"OK"), ("ECHO", b"d")]


def test_passwords_are_not_recorded() -> None:
    session = Session().sends(
        command("AUTH", "u", "secret")
        + command("HELLO", "3", "AUTH", "u", "secret", "SETNAME", "w")
    )
    assert session.commands == [
        (b"AUTH", b"***", b"***"),
        (b"HELLO", b"3", b"AUTH", b"***", b"***", b"SETNAME", b"w"),
    ]
    assert b"secret" in session.raw["broker"]


# -- what is not understood -----------------------------------------------------------------------


def test_a_reply_that_cannot_be_read_does_not_shift_the_others() -> None:
    session = Session().sends(command("DEBUG") + command("GET", "a"))
    session.gets(b"!5\r\nERR x\r\n+a\r\n")
    assert session.answers == [("GET", b"a")]
    assert len(session.lost) == 1


def test_a_reply_without_a_command_is_told() -> None:
    assert Session().gets(b"+OK\r\n").lost == ["a reply without a command"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"*1\r\n$x\r\n", "is no RESP"),
        (b"*-2\r\n", "is no RESP"),
        (command("SET", "k", b"x" * 2000), "a message of more than 1000 bytes"),
        (command("PSYNC", "?", "-1"), "a replica's link"),
    ],
)
def test_from_what_is_not_understood_all_goes_on_unread(data: bytes, why: str) -> None:
    session = Session().gets(b"$5\r\nab").sends(data).sends(command("GET", "a"))
    assert session.raw["broker"] == data + command("GET", "a")
    assert session.commands == []
    assert len(session.lost) == 1
    assert why in session.lost[0]
    assert session.gets(b"c").raw["client"] == b"$5\r\nabc"


# -- any bytes, in any chunks ---------------------------------------------------------------------

REPLIES = st.recursive(
    st.one_of(
        st.binary(max_size=8).map(lambda data: b"$%d\r\n%s\r\n" % (len(data), data)),
        st.integers(-(2**63), 2**63 - 1).map(lambda number: b":%d\r\n" % number),
        st.sampled_from([b"+OK\r\n", b"$-1\r\n", b"*-1\r\n", b"_\r\n", b"#t\r\n", b"-ERR\r\n"]),
    ),
    lambda inner: st.lists(inner, max_size=3).map(
        lambda items: b"*%d\r\n" % len(items) + b"".join(items)
    ),
    max_leaves=6,
)
CUTS = st.lists(st.integers(0, 400), max_size=6)


def chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]


@given(st.lists(st.lists(st.binary(max_size=9), min_size=1, max_size=3), max_size=5), CUTS)
@settings(max_examples=50, deadline=None)
def test_commands_are_the_same_in_any_chunks(words: list[list[bytes]], cuts: list[int]) -> None:
    wanted = [(b"X", *one) for one in words]
    data, session = b"".join(command(*one) for one in wanted), Session()
    for chunk in chunks(data, cuts):
        session.sends(chunk)
    assert session.raw["broker"] == data
    assert session.commands == wanted


@given(st.lists(REPLIES, max_size=5), CUTS)
@settings(max_examples=50, deadline=None)
def test_replies_are_whole_in_any_chunks(replies: list[bytes], cuts: list[int]) -> None:
    session = Session().sends(command("X") * len(replies))
    for chunk in chunks(b"".join(replies), cuts):
        session.gets(chunk)
    assert session.raw["client"] == b"".join(replies)
    assert len(session.answers) == len(replies)


NOISE = st.lists(
    st.one_of(
        st.binary(max_size=5), st.sampled_from([b"*", b"$", b"1", b"\r\n", b"%", b"|", b">"])
    ),
    max_size=20,
).map(b"".join)


@given(NOISE, CUTS, st.sampled_from(["broker", "client"]))
@example(b"|0\r\n", [], "client")
@settings(max_examples=100, deadline=None)
def test_no_byte_is_lost_whatever_they_are(data: bytes, cuts: list[int], way: Towards) -> None:
    session = Session()
    for chunk in chunks(data, cuts):
        session._feed(way, chunk)
    assert session.raw[way] + session.decoder.rest(way) == data
