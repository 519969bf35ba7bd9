"""Time limits of all waits of the harness, in seconds."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Timeouts:
    """Limits of all waits, in seconds; generous, because they end hangs and measure nothing."""

    #: One request to the API server.
    api: float = 30.0
    #: From the creation of a namespace until it accepts pods.
    namespace: float = 60.0
    #: From the creation of a pod until it is ready; its image is already on the node.
    pod_ready: float = 120.0
    #: How long a pod may stay unschedulable (other pods may be about to leave).
    schedule: float = 60.0
    #: From the creation of a broker until it accepts connections.
    broker_ready: float = 180.0
    #: A command in a container.
    command: float = 60.0
    #: From the start of a port forward until it accepts connections.
    forward: float = 30.0
    #: From the creation of a Job until it is Complete or Failed.
    job: float = 300.0
    #: For an effect that follows at once from an observed event (a log line, a returned message).
    settle: float = 60.0
    #: How long to watch for an event that must never occur.
    absence: float = 10.0

    def scaled(self, factor: float) -> Timeouts:
        """Return limits `factor` times as long, for slower or busier machines."""
        return Timeouts(
            **{field.name: getattr(self, field.name) * factor for field in fields(self)}
        )
