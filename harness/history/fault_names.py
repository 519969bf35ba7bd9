"""The names of the faults that judges treat in a way of their own."""

from __future__ import annotations

#: The name of the fault that a worker can answer: SIGTERM, and time to come to an end.
STOPPED = "pod told to stop"

#: The names of those like it, which the cluster's own parts do.
EVICTED, DRAINED = "pod evicted", "node drained"

STOPS = frozenset((STOPPED, EVICTED, DRAINED))

#: The names of the faults that take a whole node from a worker, without a word: for a while, or
#: for good.
NODE_LOST, NODE_KILLED = "node lost", "node killed"

NODE_LOSSES = frozenset((NODE_LOST, NODE_KILLED))

#: The name of the fault that a worker outlives: its broker is out of reach for a while.
CUT_OFF = "network cut"

#: The name of one that it has to find out about: its connection ended, and nothing told it so.
HALF_OPEN = "connection half open"

#: The name of another that it outlives: its broker ends, and is started again with all that it had.
RESTARTED = "broker restarted"
