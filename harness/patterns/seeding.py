"""How items come into a queue."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.core.errors import UsageError

#: The kinds of a queue in Redis.
SEEDS = ("list", "stream")

#: The value of a queue argument in RabbitMQ.
Argument = str | int | bool

_ARGUMENT = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,100}")

_INTEGER = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True)
class Seeding:
    """How items come into the queue: a Redis list, a Redis stream, or publishing in RabbitMQ.

    For a stream: the consumer group of its workers, and the field that has the item. For a queue in
    RabbitMQ: the arguments of its declaration.
    """

    kind: str = SEEDS[0]
    group: str = "workers"
    field: str = "item"
    arguments: tuple[tuple[str, Argument], ...] = ()

    @property
    def durable(self) -> bool:
        """Return whether the queue outlives RabbitMQ; true, unless its user sets otherwise."""
        return dict(self.arguments).get("durable") is not False

    @property
    def of_queue(self) -> dict[str, Argument]:
        """Return the arguments of the declaration; `durable` is not one of them."""
        return {name: value for name, value in self.arguments if name != "durable"}


def argument(word: str) -> tuple[str, Argument]:
    """Parse `NAME=VALUE` of `--queue-args`: true and false, integers, otherwise text.

    Text in double quotes is always text. Raises `UsageError`.
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
    elif _INTEGER.fullmatch(text):
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
