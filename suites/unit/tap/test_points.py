"""Points are data: they say by themselves which messages they mean, also after a journey."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from harness.tap import points
from harness.tap.points import Point, Signature
from harness.tap.records import Command, Delivery, ErrorReply, Message, Method, Reply, Settlement


def command(*words: bytes) -> Command:
    return Command(1, 1, words)


def reply(value: Any, *words: bytes, queued: tuple[Command, ...] = ()) -> Reply:
    return Reply(1, command(*words), value, queued)


LREM = command(b"lrem", b"k", b"0", b"fig")
GIVEN = Delivery(1, 1, 7, "job1", b"fig", {}, redelivered=False, no_ack=False)
ACK = Settlement(1, 1, (7, 8), "ack", bodies=(b"fig", None), queues=("job1", ""))
EXEC = reply([1, 0], b"EXEC", queued=(LREM, command(b"DEL", b"lease")))


@pytest.mark.parametrize(
    ("point", "message", "fits"),
    [
        (points.command("LREM"), LREM, True),
        (points.command("LPOP", "LREM"), LREM, True),
        (points.command("LPOP"), LREM, False),
        (points.command(), LREM, True),
        (points.command("LREM"), reply(1, b"LREM"), False),
        (points.command("LREM", having=b"fig"), LREM, True),
        (points.command("LREM", having=b"date"), LREM, False),
        (points.reply("EVAL", having=b"fig"), reply(b'{"data":"fig","n":1}', b"EVAL"), True),
        (points.reply("EVAL", having=b"fig"), reply([b"7", b'{"d":"666967"}'], b"EVAL"), True),
        (points.reply("EVAL", having=b"fig"), reply(b'{"data":"figs"}', b"EVAL"), False),
        (points.command(signatures=(Signature("LREM", b"k"),)), LREM, True),
        (points.command(signatures=(Signature("LREM", b"other"),)), LREM, False),
        (points.command("LPOP", signatures=(Signature("LREM", b"k"),)), LREM, True),
        (points.command(signatures=(Signature("MULTI", b""),)), command(b"MULTI"), True),
        (points.reply("LPOP"), reply(None, b"LPOP", b"k"), True),
        (points.reply("LPOP"), LREM, False),
        (points.reply("LPOP", found=True), reply(b"", b"LPOP", b"k"), True),
        (points.reply("LPOP", found=True), reply(None, b"LPOP", b"k"), False),
        (points.reply("LPOP", found=False), reply(None, b"LPOP", b"k"), True),
        (points.reply("LREM", found=False), reply(0, b"LREM", b"k"), True),
        (points.reply("MGET", found=False), reply([None, []], b"MGET", b"k"), True),
        (points.reply("EVAL", found=True), reply(ErrorReply("ERR"), b"EVAL", b"x"), False),
        (points.reply("EVAL", found=False), reply(ErrorReply("ERR"), b"EVAL", b"x"), False),
        (points.reply(having=b"fig"), reply([[b"q", {b"a": [b"fig"]}]], b"EVAL", b"x"), True),
        (points.reply(having=b"fig"), reply([b"figs"], b"EVAL", b"x"), False),
        (points.reply("LREM", found=True), EXEC, True),
        (points.reply("DEL", found=True), EXEC, False),
        (points.reply("DEL", found=False), EXEC, True),
        (points.reply(signatures=(Signature("LREM", b"k"),)), EXEC, True),
        (points.reply("LREM"), reply(b"QUEUED", b"LREM", b"k"), False),
        (points.delivery(), GIVEN, True),
        (points.delivery(body=b"fig"), GIVEN, True),
        (points.delivery(body=b"date"), GIVEN, False),
        (points.delivery(), ACK, False),
        (points.settlement(), ACK, True),
        (points.settlement("nack", "reject"), ACK, False),
        (points.settlement("ack", body=b"fig"), ACK, True),
        (points.settlement("ack", body=b"date"), ACK, False),
        (points.method("client", "Basic.GetEmpty"), Method(1, "client", 1, "Basic.Qos", {}), False),
        (points.method("client", "Basic.Qos"), Method(1, "client", 1, "Basic.Qos", {}), True),
    ],
)
def test_a_point_means_these_messages(point: Point, message: Message, fits: bool) -> None:
    assert point.fits(message) is fits
    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(point), type=Point)
    assert sent == point
    assert sent.fits(message) is fits


def test_a_point_names_itself() -> None:
    signature = Signature("LREM", b"job2:\xff")
    assert points.command("LREM").name == "before command LREM"
    assert (
        points.reply(signatures=(signature,), after=True).name == r"after reply to LREM job2:\xff"
    )
    assert points.settlement("ack").name == "before ack"
    assert points.settlement().name == "before settlement"
    assert points.delivery(after=True).name == "after delivery"


def test_a_signature_is_a_command_s_first_two_words() -> None:
    assert Signature.of(command(b"evalsha", b"abc", b"1")) == Signature("EVALSHA", b"abc")
    assert Signature.of(command(b"exec")) == Signature("EXEC", b"")
