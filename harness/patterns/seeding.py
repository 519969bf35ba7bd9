"""How items come into a queue."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.core.errors import UsageError

#: What a queue in Redis can be.
SEEDS = ("list", "stream")

#: The value of a queue's argument in RabbitMQ.
Argument = str | int | bool

_ARGUMENT = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,100}")

_WHOLE = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True)
class Seeding:
    """How items come into the queue: in Redis onto a list, or into a stream; in RabbitMQ published.

    Of a stream: the group that its workers read it in, and the field that has the item. Of a
    queue in RabbitMQ: the arguments with which it is declared.
    """

    kind: str = SEEDS[0]
    group: str = "workers"
    field: str = "item"
    arguments: tuple[tuple[str, Argument], ...] = ()

    @property
    def durable(self) -> bool:
        """It outlives RabbitMQ, unless its user says otherwise."""
        return dict(self.arguments).get("durable") is not False

    @property
    def of_queue(self) -> dict[str, Argument]:
        """The arguments of the declaration; `durable` is none, although it is given as one."""
        return {name: value for name, value in self.arguments if name != "durable"}


def argument(word: str) -> tuple[str, Argument]:
    """`NAME=VALUE` of `--queue-args`: true and false, whole numbers, else text.

    Text in double quotes is text, whatever is in it. Raises `UsageError`.
    """
    name, equals, text = word.partition("=")
    if not _ARGUMENT.fullmatch(name) or not equals or not text:
        raise UsageError(
            f"{word!r} is no argument of a queue",
            expected="--queue-args NAME=VALUE, as x-queue-type=quorum or x-max-priority=10",
            seen=word,
        )
    value: Argument = text
    if text in ("true", "false"):
        value = text == "true"
    elif _WHOLE.fullmatch(text):
        value = int(text)
    elif len(text) > 1 and text[0] == text[-1] == '"':
        value = text[1:-1]
    if name == "durable" and not isinstance(value, bool):
        raise UsageError(
            "a queue is durable or not",
            expected="--queue-args durable=true or durable=false",
            seen=word,
        )
    return name, value
