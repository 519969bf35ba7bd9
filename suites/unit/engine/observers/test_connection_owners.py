"""Whose a connection is, in whatever order its pieces become known."""

from __future__ import annotations

import threading

from harness.engine.observers.connection_owners import ConnectionOwners
from harness.history import ConnectionOwner, Worker

A, B = "10.0.0.1", "10.0.0.2"


class Told(list[ConnectionOwner]):
    """What was told, and what is new of it."""

    def __init__(self) -> None:
        self.owners = ConnectionOwners(self.append)

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
    assert told.owners.current_run(A) == Worker("pod-a")


def test_a_pod_that_becomes_known_later_owns_them_then() -> None:
    told = Told()
    told.owners.opened(1, A, 5.7)
    assert told.owners.current_run(A) is None
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
    assert told.owners.current_run(A) == Worker("pod-a", 1)


def test_what_becomes_known_while_an_answer_is_told_is_told_after_it() -> None:
    """The connection and the restart come in two threads: the older answer must not come last."""
    told: list[ConnectionOwner] = []
    restart = threading.Thread(target=lambda: owners.seen(A, "pod-a", 1, 9.0))

    def tell(owner: ConnectionOwner) -> None:
        if owner.worker.run == 0:
            restart.start()
            restart.join(timeout=0.3)
            assert owners.current_run(A) is not None  # who waits for an answer may ask meanwhile
        told.append(owner)

    owners = ConnectionOwners(tell)
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
    told.owners.note_alive(first, 1.5)
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
    told.owners.note_alive(first, 1.5)
    assert told.new() == [ConnectionOwner(1, first)]
    told.owners.note_alive(first, 1.2)
    assert told.new() == []


def test_a_connection_that_comes_after_the_end_of_a_run_is_not_that_ones() -> None:
    """Its next run is there, and the cluster has not told of it: whoever asks has to wait."""
    told = Told()
    told.owners.seen(A, "pod-a", 0, 5.0, 6.0)
    told.owners.opened(1, A, 25.4)
    assert told.owners.current_run(A) is None
    told.owners.seen(A, "pod-a", 1, 25.0)
    assert told.owners.current_run(A) == Worker("pod-a", 1)
    told.owners.seen(A, "pod-a", 1, 25.0, 30.0)
    assert told.owners.current_run(A) == Worker("pod-a", 1)
    told.owners.opened(2, A, 31.4)  # clocks may differ a little
    assert told.owners.current_run(A) == Worker("pod-a", 1)
    told.owners.opened(3, A, 31.6)
    assert told.owners.current_run(A) is None


def test_a_connection_that_comes_while_the_next_run_waits_is_that_ones() -> None:
    """After the kubelet's pause it has begun, and the cluster tells of that later, or never."""
    told = Told()
    told.owners.seen(A, "pod-a", 0, 5.0, 6.0)
    told.owners.opened(1, A, 25.4)
    assert told.new() == []
    told.owners.seen(A, "pod-a", 1, None)
    assert told.new() == [ConnectionOwner(1, Worker("pod-a", 1))]
    assert told.owners.current_run(A) is None
    told.owners.seen(A, "pod-a", 1, 25.0)
    assert told.new() == []
    assert told.owners.current_run(A) == Worker("pod-a", 1)


def test_an_end_that_becomes_known_later_corrects_whose_a_connection_was() -> None:
    told = Told()
    told.owners.seen(A, "pod-a", 0, 5.0)
    told.owners.opened(1, A, 25.4)
    assert told.new() == [ConnectionOwner(1, Worker("pod-a"))]
    told.owners.seen(A, "pod-a", 0, 5.0, 6.0)
    assert told.new() == []
    told.owners.seen(A, "pod-a", 1, None)
    assert told.new() == [ConnectionOwner(1, Worker("pod-a", 1))]


def test_a_run_that_has_ended_does_not_live_on_by_the_harm_to_its_next_one() -> None:
    """Who was caught was taken for its predecessor, and is harmed: the connection stays its own."""
    first, second = Worker("pod-a"), Worker("pod-a", 1)
    told = Told()
    told.owners.seen(A, "pod-a", 0, 5.0, 6.0)
    told.owners.opened(1, A, 25.4)
    told.owners.seen(A, "pod-a", 1, 25.0)
    assert told.new()[-1] == ConnectionOwner(1, second)
    told.owners.note_alive(first, 26.5)
    assert told.new() == []
    # Nor where its end becomes known later.
    told.owners.seen(B, "pod-b", 0, 5.0)
    told.owners.opened(2, B, 25.4)
    told.owners.note_alive(Worker("pod-b"), 26.5)
    told.owners.seen(B, "pod-b", 1, 25.0)
    told.owners.seen(B, "pod-b", 0, 5.0, 6.0)
    assert told.new()[-1] == ConnectionOwner(2, Worker("pod-b", 1))


def test_the_latest_run_of_a_container() -> None:
    told = Told()
    assert told.owners.newest_run(Worker("pod-a")) == Worker("pod-a")
    for run in range(2):
        told.owners.seen(A, "pod-a", run, 5.0 + run)
    told.owners.seen(B, "pod-b", 3, 5.0)
    assert told.owners.newest_run(Worker("pod-a")) == Worker("pod-a", 1)


def test_an_address_that_is_used_again_is_another_pods() -> None:
    told = Told()
    told.owners.seen(A, "pod-a", 0, 5.0)
    told.owners.opened(1, A, 5.7)
    told.owners.opened(2, A, 20.3)
    told.new()
    told.owners.seen(A, "pod-b", 0, 20.0)
    assert told.new() == [ConnectionOwner(2, Worker("pod-b"))]
    assert told.owners.current_run(A) == Worker("pod-b")


def test_others_are_not_touched() -> None:
    told = Told()
    told.owners.seen(A, "pod-a", 0, 5.0)
    told.owners.opened(1, B, 6.0)
    told.owners.seen("", "pod-c", 0, 6.0)
    assert told.new() == []
