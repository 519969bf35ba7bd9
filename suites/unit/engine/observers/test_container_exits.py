"""The moment of an exit, as a node's container runtime has it."""

from __future__ import annotations

from harness.engine.observers.container_exits import exit_times
from harness.history import ContainerExited, Worker

ONE, TWO = Worker("uid-a", 0), Worker("uid-b", 1)


def test_each_node_is_asked_once_for_what_has_ended_there() -> None:
    asked: list[tuple[str, ...]] = []

    def on_node(node: str, *argv: str) -> str:
        asked.append((node, *argv[4:]))
        return (
            'aa11 {"Version":"v1","Pid":7,"StartedAt":1800000001000000000,'
            '"FinishedAt":1800000002250000000,"ExitCode":0}\n'
            'bb22 {"Version":"v1","FinishedAt":0}\n'
            'cc33 {"Version":"v1","FinishedAt":1800000003000000000}\nnoise\n'
        )

    found = list(exit_times(on_node, {"node-1": {"aa11": ONE, "bb22": TWO}}, 1_800_000_000.0))
    assert found == [ContainerExited(ONE, 2.25)]
    assert asked == [("node-1", "aa11", "bb22")]


def test_a_node_that_does_not_tell() -> None:
    assert list(exit_times(lambda *_: None, {"node-1": {"aa11": ONE}}, 0.0)) == []
