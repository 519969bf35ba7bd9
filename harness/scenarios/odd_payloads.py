"""Payloads that careless handlers mangle: each must be worked on byte for byte."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.scenario import Scenario, ScenarioContext

_LONG = 1_000_000


def play(context: ScenarioContext) -> None:
    """Let the Job work the items off."""
    context.start()
    context.wait_for_the_end()


def _payloads(names: Sequence[str], mark: str) -> Sequence[bytes]:
    """Return a plain item, which shows the kind of its digest, and then the odd ones."""
    name = f"{names[0]}-{mark}".encode()
    lines = b"\n".join([name + b" of", b"", b" several ", b"lines", b""])
    return [name, b"", name + b"\x00\xff\xfe\r\n\x1b", lines, (name + b".").ljust(_LONG, b"x")]


SCENARIO = Scenario(
    name="odd-payloads",
    says="items that are empty, binary, of many lines, of a megabyte",
    proves={"fine": ("S15", "S12", "L3"), "coarse": ("S15", "S12", "S13", "L3")},
    play=play,
    level="extended",
    payloads=_payloads,
)
