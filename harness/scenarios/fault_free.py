"""No fault happens: the run shows how the worker behaves, and how fast it is."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext


def play(context: ScenarioContext) -> None:
    """Start the Job, and let it end, as long as something brings it nearer to its end."""
    context.start()
    context.wait_for_first_connection()
    context.wait_until_any_starts()
    context.wait_for_the_end()


SCENARIO = Scenario(
    name="fault-free",
    says="two workers and nothing that disturbs them",
    proves={
        "fine": ("S1", "S2", "S3", "S9", "S12", "L2", "L3", "J1", "S4", "S6", "S7", "S10"),
        "coarse": ("S1", "S2", "S3", "S9", "S12", "S13", "L2", "L3", "S6", "S7"),
    },
    play=play,
)
