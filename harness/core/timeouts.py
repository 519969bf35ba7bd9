"""How long each wait of the harness may take, in seconds."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Timeouts:
    """Bounds of all waits, in seconds. Generous: they end what hangs, they do not measure."""

    #: One request to the API server.
    api: float = 30.0
    #: A new namespace until pods can be made in it.
    namespace: float = 60.0
    #: A pod, from its creation until it is ready; its image is on the node already.
    pod_ready: float = 120.0
    #: How long the scheduler may find no place for a pod (others may be about to leave).
    schedule: float = 60.0
    #: A broker, from its creation until it takes connections.
    broker_ready: float = 180.0
    #: A command in a container.
    command: float = 60.0
    #: A forwarded port until it can be connected to.
    forward: float = 30.0
    #: A Job, from its creation until it is Complete or Failed.
    job: float = 300.0
    #: Something that follows at once from what was seen (a line in a log, a message given back).
    settle: float = 60.0
    #: How long something that must never come is watched for.
    absence: float = 10.0

    def scaled(self, factor: float) -> Timeouts:
        """The same bounds, `factor` times as long: for machines that are slower or busier."""
        return Timeouts(**{f.name: getattr(self, f.name) * factor for f in fields(self)})
