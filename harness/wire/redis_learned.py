"""What commands are for, as it is learned from what they do."""

from __future__ import annotations

from collections.abc import Iterable

from harness.tap.points import Signature
from harness.wire.redis_talk import Group, signature
from harness.wire.redis_words import COUNTS, POPS, REMOVERS, SCRIPTS, Words, counts, name
from harness.wire.roles import Roles

#: Signatures of one role; a worker that has more of them names its keys after items.
_MOST = 64

_CLAIMING = (
    POPS | REMOVERS | SCRIPTS | {b"ZADD", b"ZINCRBY", b"XREADGROUP", b"XCLAIM", b"XAUTOCLAIM"}
)
_REMOVING = REMOVERS | SCRIPTS | POPS
_RENEWING = SCRIPTS | {b"ZADD", b"ZINCRBY", b"HSET", b"XCLAIM"}
_RETURNING = SCRIPTS | POPS | {b"ZADD", b"HSET", b"LPUSH", b"RPUSH"}


class Learned:
    """Begins with what was taught, and takes in more."""

    def __init__(self, roles: Roles) -> None:
        self._claims = dict.fromkeys(roles.claims)
        self._settles = dict.fromkeys(roles.settles)
        self._renews = dict.fromkeys(roles.renews)
        self._gives_back = dict.fromkeys(roles.gives_back)
        self._asks = dict.fromkeys(roles.asks)
        self.processing = dict.fromkeys(roles.processing)
        self.dead = dict.fromkeys(roles.dead)
        self.done = dict.fromkeys(roles.done)
        self.idle = roles.idle
        self.deadlines = dict.fromkeys(roles.deadlines)

    def roles(self) -> Roles:
        return Roles(
            tuple(self._claims),
            tuple(self._settles),
            tuple(self._renews),
            tuple(self._gives_back),
            tuple(self._asks),
            tuple(self.processing),
            tuple(self.dead),
            tuple(self.done),
            self.idle,
            tuple(self.deadlines),
        )

    def claimed(self, group: Group) -> None:
        _learn(self._claims, group, _CLAIMING)

    def takes_over(self, stream: bytes) -> None:
        """Who reads a stream is given in these ways what others have had, seen or not."""
        for what in ("XAUTOCLAIM", "XCLAIM"):
            self._claims.setdefault(Signature(what, stream))

    def settled(self, group: Group) -> None:
        _learn(self._settles, group, _REMOVING)

    def renewed(self, group: Group) -> None:
        _learn(self._renews, group, _RENEWING)

    def gave_back(self, group: Group) -> None:
        _learn(self._gives_back, group, _RETURNING)

    def asked(self, group: Group, keys: Iterable[bytes]) -> None:
        """Counting is asking when it is about the queue, or where claimed items lie."""
        if _only_counts(group) and any(not set(words).isdisjoint(keys) for words in group.lines):
            _learn(self._asks, group, COUNTS | SCRIPTS)

    def is_claim(self, words: Words) -> bool:
        return signature(words) in self._claims

    def is_asking(self, words: Words) -> bool:
        return signature(words) in self._asks

    def is_settling(self, words: Words) -> bool:
        """Also of commands that claim as well, when these are no scripts."""
        return signature(words) in self._settles and not self.is_claim(words)


def _only_counts(group: Group) -> bool:
    """Whether it counts and does nothing else, be it in a script."""
    looks = [words for words in group.lines if name(words) not in SCRIPTS | {b"TIME"}]
    return bool(looks) and all(counts(words) for words in looks)


def _learn(known: dict[Signature, None], group: Group, kinds: frozenset[bytes]) -> None:
    """Of what was sent together, the commands that may have done it."""
    for words in group.tops:
        if name(words) in kinds and len(known) < _MOST:
            known.setdefault(signature(words))
