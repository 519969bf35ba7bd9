"""The names of the faults that the checks treat specially."""

from __future__ import annotations

#: The fault that a worker can react to: SIGTERM, and time to end.
STOPPED = "pod told to stop"

#: Similar faults that the cluster's own components cause.
EVICTED, DRAINED = "pod evicted", "node drained"

STOPS = frozenset((STOPPED, EVICTED, DRAINED))

#: Faults that take a whole node from a worker without notice: for a while, or for good.
NODE_LOST, NODE_KILLED = "node lost", "node killed"

NODE_LOSSES = frozenset((NODE_LOST, NODE_KILLED))

#: A fault that the worker survives: its broker is unreachable for a while.
CUT_OFF = "network cut"

#: A fault that the worker has to detect: its connection ended without any notification.
HALF_OPEN = "connection half open"

#: A fault that the worker survives: its broker restarts and keeps all its data.
RESTARTED = "broker restarted"

#: Faults of the broker itself, or of the way to it: it may have lost what a worker had reported.
BROKER_LOST, BROKER_UNREACHABLE = "broker lost", "broker unreachable"
BROKER_NAMELESS = "broker's name unknown"

BROKER_FAULTS = frozenset((RESTARTED, BROKER_LOST, BROKER_UNREACHABLE, BROKER_NAMELESS))
