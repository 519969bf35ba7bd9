"""Whatever a history says, in whatever order: it is judged, the same way each time."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.checks.judge import judge
from harness.checks.narrative import narrate
from harness.history import (
    AskedForItem,
    BrokerDepth,
    Condition,
    ConnectionClosed,
    ConnectionCut,
    ConnectionHeld,
    ConnectionOpened,
    ConnectionOwner,
    ConnectionReleased,
    ContainerSeen,
    Event,
    FaultConfirmed,
    FaultHealed,
    FaultInjected,
    FoundEmpty,
    Gap,
    ItemDelivered,
    ItemDone,
    ItemEnqueued,
    ItemLeased,
    ItemLeft,
    ItemReclaimed,
    ItemReturned,
    ItemSettled,
    ItemStarted,
    JobSeen,
    NeighbourSeen,
    PodSeen,
    Raw,
    RunEnded,
    WorkDigested,
    Worker,
    sha256_of,
)
from harness.suites.unit.dsl.history import header

at = st.one_of(st.none(), st.floats(0, 30))
item = st.sampled_from(["apple", "banana", Raw(b"\xff")])
connection = st.integers(1, 3)
someone = st.one_of(st.none(), connection)
worker = st.builds(Worker, st.sampled_from(["uid-a", "uid-b"]), st.integers(0, 1))
queue, token, fault = st.just("queue"), st.sampled_from(["", "1/1"]), st.just("killed")
version, few = st.integers(1, 50), st.integers(0, 3)
towards = st.sampled_from(["broker", "client"])
conditions = st.sampled_from([(), (Condition("Complete", "True"),), (Condition("Failed", "True"),)])
code = st.sampled_from([None, 0, 1, 137])

what = st.one_of(
    st.builds(ItemEnqueued, item, queue),
    st.builds(AskedForItem, connection, queue, st.sampled_from([None, 0, 1]), at),
    st.builds(FoundEmpty, connection, queue, at),
    st.builds(
        ItemDelivered, item, connection, token, at, final=st.booleans(), redelivered=st.booleans()
    ),
    st.builds(ItemLeased, item, connection, token, st.floats(0, 50), at),
    st.builds(ItemStarted, item, worker, at=at),
    st.builds(ItemDone, item, worker, at=at),
    st.builds(
        ItemSettled,
        item,
        someone,
        st.sampled_from(["acked", "dead", "refused"]),
        token,
        st.sampled_from([True, False, None]),
        at,
    ),
    st.builds(WorkDigested, st.sampled_from([sha256_of("apple"), "0" * 64]), worker, at=at),
    st.builds(ItemReturned, item, someone, token, at),
    st.builds(ItemReclaimed, item, someone, token, at),
    st.builds(ItemLeft, item, queue, st.sampled_from(["ready", "leased", "unacked", "dead"])),
    st.builds(BrokerDepth, queue, few, final=st.booleans()),
    st.builds(ConnectionOpened, connection, st.just("10.0.0.1"), st.just(4000), at=at),
    st.builds(ConnectionOwner, connection, worker),
    st.builds(ConnectionHeld, connection, towards, st.sampled_from(["", "settling"]), at),
    st.builds(ConnectionReleased, connection, towards, at),
    st.builds(ConnectionCut, connection, at=at),
    st.builds(ConnectionClosed, connection, st.sampled_from(["client", "broker", "tap"]), at=at),
    st.builds(NeighbourSeen, st.just("uid-x"), st.just("next"), st.just("10.0.0.1")),
    st.builds(
        PodSeen,
        st.sampled_from(["added", "modified", "deleted"]),
        st.sampled_from(["uid-a", "uid-b"]),
        st.just("pod"),
        st.just("Running"),
        version,
    ),
    st.builds(
        ContainerSeen,
        worker,
        st.sampled_from(["waiting", "running", "terminated"]),
        version,
        exit_code=code,
        finished=at,
    ),
    st.builds(
        JobSeen,
        st.just("job"),
        version,
        few,
        st.sampled_from([None, 1, 4]),
        few,
        few,
        few,
        conditions,
    ),
    st.builds(FaultInjected, fault, st.just("it"), st.one_of(st.none(), worker)),
    st.builds(FaultConfirmed, fault, st.just((1,))),
    st.builds(FaultHealed, fault),
    st.builds(Gap, st.just("logs"), st.just("why")),
    st.builds(RunEnded),
)
told = st.lists(st.tuples(st.floats(0, 5), what), max_size=60)


@settings(max_examples=150, deadline=None)
@given(pattern=st.sampled_from(["coarse", "fine"]), told=told)
def test_any_history_is_judged(pattern: str, told: list[tuple[float, object]]) -> None:
    """Also one that nobody could have seen: no check may break over it."""
    times = accumulate(seconds for seconds, _ in told)
    events = [
        Event(number, time, "test", one)  # type: ignore[arg-type]  # each is one of What
        for number, (time, (_, one)) in enumerate(zip(times, told, strict=True), start=1)
    ]
    head = header(pattern, failing_item="banana", neighbours=("banana", "next-apple"))
    judgement = judge(head, events)
    assert judgement == judge(head, events)
    reasons = [one.reason for verdict in judgement.verdicts.values() for one in verdict.findings]
    assert [reason for reason in reasons if reason.startswith("the check itself")] == []
    assert len(narrate(judgement.names, events)) == len(events)
