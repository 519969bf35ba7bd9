"""Which Redis command of a worker does what, as learned from a fault-free run."""

from __future__ import annotations

import msgspec

from harness.tap.points import Signature


class Roles(msgspec.Struct, frozen=True):
    """The purpose of a worker's commands, and where items lie; each in the order of learning.

    In a transaction, its commands have roles, and EXEC has none. Commands on a key for each item
    (`SET lease:<item>`) have no role either, except claims: their signatures would not occur again.
    """

    #: Commands that brought an item; a key with `*` is one for each item, as of a lock.
    claims: tuple[Signature, ...] = ()
    #: Commands that removed an item for good.
    settles: tuple[Signature, ...] = ()
    #: Commands that made a lease longer.
    renews: tuple[Signature, ...] = ()
    #: Commands with which the holder of an item returned it.
    gives_back: tuple[Signature, ...] = ()
    #: Commands that read how many items there are.
    asks: tuple[Signature, ...] = ()
    #: Keys of items that a worker has.
    processing: tuple[bytes, ...] = ()
    #: Keys of items that no worker will get any more.
    dead: tuple[bytes, ...] = ()
    #: Keys of items whose work is done.
    done: tuple[bytes, ...] = ()
    #: Seconds without a sign after which a worker takes over a stream's entry, if that was seen.
    idle: float | None = None
    #: Keys (`*` for the part that is specific to an item) whose text has the end of a lease, and is
    #: read.
    deadlines: tuple[bytes, ...] = ()
    #: Keys to which some data about items was written, in any form, while nothing failed.
    written: tuple[bytes, ...] = ()
    #: Members of `processing` from which no item was ever removed: an item there is no lease.
    logs: tuple[bytes, ...] = ()
    #: Keys of items in bytes that the harness cannot read.
    guessed: tuple[bytes, ...] = ()
    #: Claims that neither name the item nor return it.
    silent: tuple[Signature, ...] = ()
    #: Queries after a silent claim whose answer was the item.
    tells: tuple[Signature, ...] = ()

    def fault_free(self) -> Roles:
        """Return roles in which items that were set aside count as done.

        While nothing failed, an item that was set aside was not dead.
        """
        done = tuple(dict.fromkeys((*self.done, *self.dead, *self.written, *self.logs)))
        processing = tuple(key for key in self.processing if key not in self.logs)
        guessed = tuple(key for key in self.guessed if key not in self.logs)
        return msgspec.structs.replace(
            self, processing=processing, dead=(), done=done, written=(), logs=(), guessed=guessed
        )
