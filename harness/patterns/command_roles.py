"""Which of a worker's Redis commands does what, as a fault-free run has taught it."""

from __future__ import annotations

import msgspec

from harness.tap.points import Signature


class Roles(msgspec.Struct, frozen=True):
    """What a worker's commands are for, and where items lie; each in the order of learning.

    Of a transaction the commands in it have roles, EXEC has none. Commands on a key for each item
    (`SET lease:<item>`) have none either, claims apart: their signatures would not come again.
    """

    #: They have brought an item; a key with `*` is one for each item, as of a lock.
    claims: tuple[Signature, ...] = ()
    #: They have made an item go for good.
    settles: tuple[Signature, ...] = ()
    #: They have made a lease longer.
    renews: tuple[Signature, ...] = ()
    #: Their holder has given an item back with them.
    gives_back: tuple[Signature, ...] = ()
    #: They read how many items there are.
    asks: tuple[Signature, ...] = ()
    #: Keys under which items lie that somebody has.
    processing: tuple[bytes, ...] = ()
    #: Keys under which items lie that nobody will be given any more.
    dead: tuple[bytes, ...] = ()
    #: Keys under which items lie whose work is done.
    done: tuple[bytes, ...] = ()
    #: Seconds without a sign after which a stream's entry is taken over, where that was seen.
    idle: float | None = None
    #: Keys (`*` for what is an item's own) whose texts have the end of a lease, and are read.
    deadlines: tuple[bytes, ...] = ()
    #: Keys to which something about items has come, in whatever form, while nothing failed.
    written: tuple[bytes, ...] = ()
    #: Of `processing`, keys of which nothing has ever gone: what lies there is no lease.
    logs: tuple[bytes, ...] = ()
    #: Keys under which items lie in bytes that cannot be read.
    guessed: tuple[bytes, ...] = ()
    #: Claims that neither name the item nor are answered with it.
    silent: tuple[Signature, ...] = ()
    #: What a worker has asked after a silent claim, and was answered with the item.
    tells: tuple[Signature, ...] = ()

    def fault_free(self) -> Roles:
        """What was set aside while nothing failed was not dead, but done."""
        done = tuple(dict.fromkeys((*self.done, *self.dead, *self.written, *self.logs)))
        processing = tuple(key for key in self.processing if key not in self.logs)
        guessed = tuple(key for key in self.guessed if key not in self.logs)
        return msgspec.structs.replace(
            self, processing=processing, dead=(), done=done, written=(), logs=(), guessed=guessed
        )
