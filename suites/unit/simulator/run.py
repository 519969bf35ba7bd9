"""One simulated run: a Job, a fault at its moment, and the history that observers make of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf

from harness.checks.model import build_model, progress_deadline
from harness.history import (
    CUT_OFF,
    NODE_LOST,
    SCHEMA,
    STOPPED,
    Bounds,
    BrokerBack,
    BrokerLost,
    ConnectionOpened,
    Event,
    FaultConfirmed,
    FaultHealed,
    FaultInjected,
    FaultLanded,
    Figures,
    Header,
    ItemDelivered,
    ItemSettled,
    JobDeleted,
    NeighbourSeen,
    RunEnded,
)
from harness.suites.unit.simulator import workers
from harness.suites.unit.simulator.broker import Connections, Leases
from harness.suites.unit.simulator.cluster import BACK_OFF, START, Cluster, Container
from harness.suites.unit.simulator.world import Process, Steps, World

_MARGIN = 10.0
#: How much longer than its lease a worker is frozen where nobody takes its item over.
_LONGER = 2.0
FAULT = "a worker killed"
#: The broker, for those who start in the first seconds.
UNREACHABLE = "unreachable"
_UNTIL = 8.5
#: The broker, in the middle of the work, with all that it had; and for how long it is away.
LOST = "lost"
_AWAY = 3.0


@dataclass(frozen=True)
class Plan:
    """What is simulated. `fault`: none, or how, and when, the first worker with an item is hurt.

    It is killed, its pod is deleted, it is frozen until another has its item, or falls silent with
    its node, for longer than others may take to get it.
    """

    pattern: str = "fine"
    items: int = 4
    parallelism: int = 2
    work: float = 2.0
    lease: float = 8.0
    defect: str = ""
    fault: str = ""
    failing: bool = False
    #: All items but the last are the same.
    equal: bool = False
    #: Another Job has a queue of its own.
    neighbour: bool = False
    #: The first item kills whoever works on it.
    poison: bool = False
    #: The Job is deleted after its end.
    deleted: bool = False
    completions: int | None = None
    seed: int = 0
    #: Seconds for an item in the fault-free run, where they were others than now.
    usual: float | None = None

    @property
    def names(self) -> list[str]:
        last = self.items - 1
        return [f"item-{number // last if self.equal else number}" for number in range(self.items)]


def run(plan: Plan) -> tuple[Header, list[Event]]:
    """The whole history of a run."""
    world, header = World(plan.seed), _header(plan)
    fine = plan.pattern == "fine"
    failing = plan.names[0] if plan.failing else None
    habits = workers.Habits(plan.work, failing, plan.defect, plan.names[0] if plan.poison else None)
    broker: Leases | Connections = Leases(world, plan.lease) if fine else Connections(world)
    for name in plan.names:
        broker.send(name)

    def program(body: Container) -> Steps:
        if not body.connected:
            return workers.stranded(body, habits)
        if isinstance(broker, Leases):
            return workers.fine(body, broker, habits)
        return workers.coarse(body, broker, habits)

    completions = plan.completions if fine or plan.completions else plan.items
    cluster = Cluster(
        world,
        broker,
        program,
        parallelism=plan.parallelism,
        completions=completions,
        reachable=plan.fault != UNREACHABLE,
    )
    if plan.neighbour:
        _beside(plan, world, broker)
    harm = {UNREACHABLE: _strand, LOST: _lose}.get(plan.fault, _harm)
    healed = harm(plan, world, cluster) if plan.fault else 0.0
    until = healed + header.bounds.end
    most = until + header.bounds.end if plan.failing else inf
    while not cluster.over and world.now <= min(until, most):  # as a context waits for it
        world.run(until + 1, lambda: cluster.over)
        until = progress_deadline(build_model(header, world.events), healed, world.now).by
    world.run(world.now + 2, lambda: False)
    broker.drain()
    if plan.deleted:
        left = ("queue:attempts",) if plan.defect == "leaks" else ()
        world.see("harness", JobDeleted("job", keys=left))
    world.see("harness", RunEnded())
    return header, world.events


def _header(plan: Plan) -> Header:
    """As a fault-free run of the same worker would have it."""
    early = plan.defect in ("settles first", "pops")
    work = plan.usual or plan.work
    figures = Figures(
        work=work,
        lease=plan.lease if plan.pattern == "fine" and plan.defect != "pops" else None,
        pod_start=START,
        starts_matched=True,
        settles_after_work=not early,
        starts_told="always",
        ends_told="always",
        log_live=True,
        enough=0.75 * work,
    )
    reclaim = plan.lease + BACK_OFF + 2 * work + START + _MARGIN
    return Header(
        schema=SCHEMA,
        scenario=plan.fault or "simulated",
        pattern=plan.pattern,
        image="simulated:1",
        started=datetime(2026, 1, 1, tzinfo=UTC),
        bounds=Bounds(
            reclaim=reclaim,
            progress=work + _MARGIN,
            end=reclaim + plan.items * (plan.work + BACK_OFF) + 3 * _MARGIN,
        ),
        figures=figures,
        faults=(_name(plan),) if plan.fault else (),
        failing_item=plan.names[0] if plan.failing else None,
        failing_known=plan.failing,
        keeps=(),
        sentinel="all-sent" if plan.pattern == "fine" and plan.fault == LOST else "",
        unique_items=not plan.equal,
        neighbours=("next-item",) if plan.neighbour else (),
    )


def _beside(plan: Plan, world: World, broker: Leases | Connections) -> None:
    """A worker of another Job, which has nothing to do with this queue, or should not."""
    number, address = 1000, "10.0.9.9"
    world.see("tap", ConnectionOpened(number, address, 4000, at=world.now))
    world.see("pods", NeighbourSeen("uid-next", "pod-next", address))
    if plan.defect == "shares":
        Process(world, workers.next_door(number, broker, plan.work))


def _harm(plan: Plan, world: World, cluster: Cluster) -> float:
    """Let the run come to the moment of its fault, and do it; when it is healed."""
    how, _, when = plan.fault.partition(" ")
    moment = ItemSettled if when == "after settling" else ItemDelivered

    def reached() -> bool:
        return any(isinstance(event.what, moment) for event in world.events)

    world.run(1000, reached)
    seen = next(event.what for event in world.events if isinstance(event.what, moment))
    if when == "in work":
        world.run(world.now + plan.work / 2, lambda: False)
    connection = getattr(seen, "connection", None)
    victim = next(one for one in cluster.running.values() if one and one.connection == connection)
    world.see("harness", FaultInjected(_name(plan), how, victim.worker))
    begun = world.events[-1].id
    if how in ("frozen", "silent"):
        victim.freezes()
        item = getattr(seen, "item", None)
        patience = plan.lease + (_LONGER if how == "frozen" else _header(plan).bounds.reclaim)
        world.run(world.now + patience, lambda: _times_given(world, item) > 1)
        victim.thaws()
    elif how == "deleted":
        cluster.delete(victim)
    elif how == "cut":
        victim.loses_its_connection(comes_back=plan.defect != "stays away")
    elif how == "stopped":
        token = getattr(seen, "token", "")
        cluster.stop(victim, None if plan.defect == "leaves when stopped" else token)
    else:
        victim.dies()
        world.see("harness", FaultLanded(_name(plan), victim.worker, at=world.now))
    world.see("harness", FaultConfirmed(_name(plan), (begun,)))
    world.see("harness", FaultHealed(_name(plan)))
    return world.now


def _strand(_: Plan, world: World, cluster: Cluster) -> float:
    """Let nobody reach the broker for a while; when it is healed."""
    world.see("harness", FaultInjected(FAULT, UNREACHABLE))
    begun = world.events[-1].id
    world.run(_UNTIL, lambda: False)
    world.see("harness", FaultConfirmed(FAULT, (begun,)))
    world.see("harness", FaultHealed(FAULT))
    cluster.reachable = True
    return world.now


def _lose(plan: Plan, world: World, cluster: Cluster) -> float:
    """End the broker when somebody has an item; when it is back, without its data."""
    world.run(1000, lambda: any(isinstance(event.what, ItemDelivered) for event in world.events))
    world.see("harness", FaultInjected(FAULT, LOST))
    begun = world.events[-1].id
    world.see("tap", BrokerLost("it was killed", at=world.now))
    cluster.reachable = False
    cut_off = [one for one in cluster.running.values() if one]
    for one in cut_off:
        one.loses_its_broker(goes_on=plan.pattern == "fine")
    cluster.broker.wipe()
    world.run(world.now + _AWAY, lambda: False)
    world.see("tap", BrokerBack(0, kept=False, at=world.now))
    cluster.reachable = True
    for one in cut_off:
        one.finds_its_broker()
    world.see("harness", FaultConfirmed(FAULT, (begun,)))
    world.see("harness", FaultHealed(FAULT))
    return world.now


def _name(plan: Plan) -> str:
    names = {"stopped": STOPPED, "cut": CUT_OFF, "silent": NODE_LOST}
    return names.get(plan.fault.partition(" ")[0], FAULT)


def _times_given(world: World, item: object) -> int:
    given = (event.what for event in world.events if isinstance(event.what, ItemDelivered))
    return sum(one.item == item for one in given)
