"""Whose a connection is, in whatever order its pieces become known."""

from __future__ import annotations

import threading

from harness.history import ConnectionOwner, Worker
from harness.observe.owners import Owners

A, B = "10.0.0.1", "10.0.0.2"


class Told(list[ConnectionOwner]):
    """What was told, and what is new of it."""

    def __init__(self) -> None:
        self.owners = Owners(self.append)

    def new(self) -> list[ConnectionOwner]:
        found = list(self)
        self.clear()
        return found


def test_a_pod_that_is_known_owns_its_connections_at_once() -> None:
    told = Told()
    told.owners.seen(A, "pod-a", 0, 5.0)
    assert told.new() == []
    told.owners.opened(1, A, 5.7)
    assert told.new() == [ConnectionOwner(1, Worker("pod-a"))]
    assert told.owners.of(A) == Worker("pod-a")


def test_a_pod_that_becomes_known_later_owns_them_then() -> None:
    told = Told()
    told.owners.opened(1, A, 5.7)
    assert told.owners.of(A) is None
    told.owners.seen(A, "pod-a", 0, None)
    assert told.new() == []
    told.owners.seen(A, "pod-a", 0, 5.0)
    assert told.new() == [ConnectionOwner(1, Worker("pod-a"))]


def test_a_restart_that_becomes_known_later_takes_over_what_came_after_it() -> None:
    told = Told()
    told.owners.seen(A, "pod-a", 0, 5.0)
    told.owners.opened(1, A, 5.7)
    told.new()
    told.owners.opened(2, A, 9.2)
    assert told.new() == [ConnectionOwner(2, Worker("pod-a", 0))]
    told.owners.seen(A, "pod-a", 1, 9.0)
    assert told.new() == [ConnectionOwner(2, Worker("pod-a", 1))]
    assert told.owners.of(A) == Worker("pod-a", 1)


def test_what_becomes_known_while_an_answer_is_told_is_told_after_it() -> None:
    """The connection and the restart come in two threads: the older answer must not come last."""
    told: list[ConnectionOwner] = []
    restart = threading.Thread(target=lambda: owners.seen(A, "pod-a", 1, 9.0))

    def tell(owner: ConnectionOwner) -> None:
        if owner.worker.run == 0:
            restart.start()
            restart.join(timeout=0.3)
            assert owners.of(A) is not None  # who waits for an answer may ask meanwhile
        told.append(owner)

    owners = Owners(tell)
    owners.seen(A, "pod-a", 0, 5.0)
    owners.opened(2, A, 9.2)
    restart.join(timeout=10)
    assert told == [ConnectionOwner(2, Worker("pod-a", run)) for run in (0, 1)]


def test_two_runs_of_one_second_are_told_apart_by_the_life_of_the_first() -> None:
    """Killed and started again within the second that the kubelet names for both."""
    first, second = Worker("pod-a"), Worker("pod-a", 1)
    told = Told()
    told.owners.seen(A, "pod-a", 0, 1.0)
    told.owners.opened(1, A, 1.4)
    assert told.new() == [ConnectionOwner(1, first)]
    told.owners.alive(first, 1.5)
    assert told.new() == []
    told.owners.opened(2, A, 1.8)
    assert told.new() == [ConnectionOwner(2, first)]
    told.owners.seen(A, "pod-a", 1, 1.0)
    assert told.new() == [ConnectionOwner(2, second)]


def test_a_line_that_is_read_late_corrects_whose_a_connection_was() -> None:
    first, second = Worker("pod-a"), Worker("pod-a", 1)
    told = Told()
    told.owners.seen(A, "pod-a", 0, 1.0)
    told.owners.opened(1, A, 1.4)
    told.new()
    told.owners.seen(A, "pod-a", 1, 1.0)
    assert told.new() == [ConnectionOwner(1, second)]
    told.owners.alive(first, 1.5)
    assert told.new() == [ConnectionOwner(1, first)]
    told.owners.alive(first, 1.2)
    assert told.new() == []


def test_an_address_that_is_used_again_is_another_pods() -> None:
    told = Told()
    told.owners.seen(A, "pod-a", 0, 5.0)
    told.owners.opened(1, A, 5.7)
    told.owners.opened(2, A, 20.3)
    told.new()
    told.owners.seen(A, "pod-b", 0, 20.0)
    assert told.new() == [ConnectionOwner(2, Worker("pod-b"))]
    assert told.owners.of(A) == Worker("pod-b")


def test_others_are_not_touched() -> None:
    told = Told()
    told.owners.seen(A, "pod-a", 0, 5.0)
    told.owners.opened(1, B, 6.0)
    told.owners.seen("", "pod-c", 0, 6.0)
    assert told.new() == []
