"""Whose a connection is, in whatever order its pieces become known."""

from __future__ import annotations

from harness.history import ConnectionOwner, Worker
from harness.observe.owners import Owners

A, B = "10.0.0.1", "10.0.0.2"


def test_a_pod_that_is_known_owns_its_connections_at_once() -> None:
    owners = Owners()
    assert list(owners.seen(A, "pod-a", 0, 5.0)) == []
    assert list(owners.opened(1, A, 5.7)) == [ConnectionOwner(1, Worker("pod-a"))]
    assert owners.of(A) == Worker("pod-a")


def test_a_pod_that_becomes_known_later_owns_them_then() -> None:
    owners = Owners()
    assert list(owners.opened(1, A, 5.7)) == []
    assert owners.of(A) is None
    assert list(owners.seen(A, "pod-a", 0, None)) == []
    assert list(owners.seen(A, "pod-a", 0, 5.0)) == [ConnectionOwner(1, Worker("pod-a"))]


def test_a_restart_that_becomes_known_later_takes_over_what_came_after_it() -> None:
    owners = Owners()
    list(owners.seen(A, "pod-a", 0, 5.0))
    list(owners.opened(1, A, 5.7))
    assert list(owners.opened(2, A, 9.2)) == [ConnectionOwner(2, Worker("pod-a", 0))]
    assert list(owners.seen(A, "pod-a", 1, 9.0)) == [ConnectionOwner(2, Worker("pod-a", 1))]
    assert owners.of(A) == Worker("pod-a", 1)


def test_two_runs_of_one_second_are_told_apart_by_the_life_of_the_first() -> None:
    """Killed and started again within the second that the kubelet names for both."""
    first, second = Worker("pod-a"), Worker("pod-a", 1)
    owners = Owners()
    list(owners.seen(A, "pod-a", 0, 1.0))
    assert list(owners.opened(1, A, 1.4)) == [ConnectionOwner(1, first)]
    assert list(owners.alive(first, 1.5)) == []
    assert list(owners.opened(2, A, 1.8)) == [ConnectionOwner(2, first)]
    assert list(owners.seen(A, "pod-a", 1, 1.0)) == [ConnectionOwner(2, second)]


def test_a_line_that_is_read_late_corrects_whose_a_connection_was() -> None:
    first, second = Worker("pod-a"), Worker("pod-a", 1)
    owners = Owners()
    list(owners.seen(A, "pod-a", 0, 1.0))
    list(owners.opened(1, A, 1.4))
    assert list(owners.seen(A, "pod-a", 1, 1.0)) == [ConnectionOwner(1, second)]
    assert list(owners.alive(first, 1.5)) == [ConnectionOwner(1, first)]
    assert list(owners.alive(first, 1.2)) == []


def test_an_address_that_is_used_again_is_another_pods() -> None:
    owners = Owners()
    list(owners.seen(A, "pod-a", 0, 5.0))
    list(owners.opened(1, A, 5.7))
    list(owners.opened(2, A, 20.3))
    assert list(owners.seen(A, "pod-b", 0, 20.0)) == [ConnectionOwner(2, Worker("pod-b"))]
    assert owners.of(A) == Worker("pod-b")


def test_others_are_not_touched() -> None:
    owners = Owners()
    list(owners.seen(A, "pod-a", 0, 5.0))
    assert list(owners.opened(1, B, 6.0)) == []
    assert list(owners.seen("", "pod-c", 0, 6.0)) == []
