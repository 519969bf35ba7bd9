"""The kind provider against a stand-in for Docker and kind: who makes, shares and deletes."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.core import commands
from harness.core.errors import CommandFailed, InfrastructureError, TimedOut, UsageError
from harness.core.process_identity import ProcessId, current_process
from harness.infra.cluster import SPARE, ProviderDependencies
from harness.infra.docker import Docker
from harness.infra.providers.kind.config import config, spare
from harness.infra.providers.kind.provider import LABEL, ROLE_LABEL, KindProvider
from harness.infra.providers.kind.state import Record, Store
from harness.infra.settings import Settings

DEAD = ProcessId(pid=1, began=-7)


class World(Docker):
    """Docker as the provider sees it; containers are files that the `kind` script makes."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.images = {"worker:1": "sha256:one"}
        self.thawed: list[str] = []
        self.started: list[str] = []
        #: What Docker answers to one who wants to freeze, before it does.
        self.refuses: list[str] = []

    def containers(self, *filters: str) -> list[dict[str, Any]]:
        return [json.loads(f.read_text()) for f in sorted(self.folder.glob("*.json"))]

    def remove_containers(self, *ids: str) -> None:
        for file in self.folder.glob("*.json"):
            if json.loads(file.read_text())["Id"] in ids:
                file.unlink()

    def pause(self, name: str) -> None:
        file = self.folder / f"{name}.json"
        container = json.loads(file.read_text())
        container["State"]["Paused"] = True
        file.write_text(json.dumps(container))

    def running(self, name: str, yes: bool) -> None:
        file = self.folder / f"{name}.json"
        container = json.loads(file.read_text())
        container["State"]["Running"] = yes
        file.write_text(json.dumps(container))

    def run(self, *arguments: Any, **more: Any) -> commands.Completed:
        if arguments[0] == "pause":
            if self.refuses:
                raise CommandFailed("docker pause failed", seen=self.refuses.pop(0))
            self.pause(arguments[1])
        elif arguments[0] == "unpause":
            self.thawed.append(arguments[1])
        elif arguments[0] in ("kill", "start"):
            self.running(arguments[1], arguments[0] == "start")
            self.started += arguments[1:] if arguments[0] == "start" else ()
        else:
            return super().run(*arguments, **more)
        return commands.Completed(("docker",), 0, "", "", 0.0)

    def image_id(self, ref: str) -> str | None:
        return self.images.get(ref)

    def put(
        self, name: str, role: str, ident: str = "", created: str = "2100-01-01T00:00:00Z"
    ) -> None:
        labels = {LABEL: "queuejob", ROLE_LABEL: role}
        container = {
            "Id": ident or f"id-{name}",
            "Name": f"/{name}",
            "Created": created,
            "State": {"Running": True},
            "Config": {"Labels": labels},
        }
        (self.folder / f"{name}.json").write_text(json.dumps(container))

    def calls(self, begin: str) -> list[str]:
        log = self.folder / "calls"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line for line in lines if line.startswith(begin)]


KIND = """#!/bin/sh
echo "$@" >> {world}/calls
case "$1 $2" in
"create cluster")
    for node in control-plane:control-plane worker:worker worker2:worker; do
        name=queuejob-${{node%%:*}}
        printf '{{"Id": "%s", "Name": "/%s", "Created": "2100-01-01T00:00:00Z",
            "State": {{"Running": true}}, "Config": {{"Labels":
            {{"io.x-k8s.kind.cluster": "queuejob", "io.x-k8s.kind.role": "%s"}}}}}}' \\
            "$name-$$" "$name" "${{node#*:}}" > {world}/$name.json
    done
    {during}
    ;;
"delete cluster") rm -f {world}/*.json ;;
"export logs") mkdir -p "$3" && echo kubelet > "$3/kubelet.log" ;;
esac
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("QUEUEJOB_STATE", str(tmp_path / "state"))
    folder = tmp_path / "world"
    folder.mkdir()
    return World(folder)


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def provider(
    world: World,
    *,
    during: str = ":",
    user: ProcessId | None = None,
    image: str = "node:1",
    **settings: Any,
) -> KindProvider:
    """A provider whose kind runs `during` while it creates."""
    folder = world.folder.parent
    kind = script(folder / "kind", KIND.format(world=world.folder, during=during))
    kubectl = script(folder / "kubectl", "#!/bin/sh\nexit 0\n")
    parts = ProviderDependencies(
        docker=world,
        node_image=lambda: image,
        kind=lambda: kind,
        kubectl=lambda: kubectl,
        notify=lambda _: None,
        user=user or current_process(),
    )
    return KindProvider(replace(Settings(out=folder / "out"), **settings), parts)


def test_one_cluster_serves_all_who_ask(world: World) -> None:
    threads = [threading.Thread(target=provider(world).acquire) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(world.calls("create")) == 1
    assert len(world.containers()) == 3


def test_there_is_no_spare_node_unless_it_is_asked_for(world: World) -> None:
    plain = provider(world)
    plain.acquire()
    assert plain.spare_node() == ""
    assert len(config(Settings())["nodes"]) == 3


def test_a_spare_node_is_the_last_one(world: World) -> None:
    spared = provider(world, spare_node=True)
    spared.acquire()
    assert spared.spare_node() == "queuejob-worker2"  # as this kind knows no more
    assert SPARE in config(Settings(spare_node=True))["nodes"][-1]["kubeadmConfigPatches"][0]
    assert spare(["n-worker", "n-worker10", "n-worker9"]) == "n-worker10"


def test_the_spare_node_gets_its_images_with_the_turn(world: World) -> None:
    """It may be frozen until then, and who is frozen takes nothing."""
    spared = provider(world, spare_node=True)
    spared.acquire()
    spared.load(["worker:1"])
    assert world.calls("load") == [
        "load docker-image worker:1 --nodes queuejob-worker --name queuejob"
    ]
    with spared.exclusive_spare_node():
        assert world.calls("load")[1:] == [
            "load docker-image worker:1 --nodes queuejob-worker2 --name queuejob"
        ]
    world.pause("queuejob-worker2")  # by a run that was killed
    with spared.exclusive_spare_node():
        assert len(world.calls("load")) == 2
        assert world.thawed == ["queuejob-worker2"]


def test_a_node_that_is_too_busy_to_be_frozen_is_frozen_a_little_later(world: World) -> None:
    spared = provider(world)
    spared.acquire()
    world.refuses = ["OCI runtime pause failed: unable to freeze: unknown"]
    spared.freeze_node("queuejob-worker")
    paused = {one["Name"] for one in world.containers() if one["State"].get("Paused")}
    assert paused == {"/queuejob-worker"}
    world.refuses = ["Error: No such container"]
    with pytest.raises(CommandFailed):
        spared.freeze_node("queuejob-worker")


def test_a_cluster_without_a_spare_node_gives_way_to_one_with_it(world: World) -> None:
    first = provider(world)
    first.acquire()
    first.release(keep=True)
    provider(world, spare_node=True).acquire()
    assert len(world.calls("create")) == 2
    provider(world).acquire()
    assert len(world.calls("create")) == 2  # more than was asked for is enough


def test_what_a_killed_run_has_frozen_goes_on(world: World) -> None:
    first = provider(world)
    first.acquire()
    first.release(keep=True)
    world.pause("queuejob-worker")
    provider(world).acquire()
    assert world.thawed == ["queuejob-worker"]


def test_a_spare_node_that_is_dead_is_no_reason_for_another_cluster(world: World) -> None:
    """Who kills it starts it again; where that one is killed, whoever has the turn next."""
    first = provider(world, spare_node=True)
    first.acquire()
    first.kill_node("queuejob-worker2")
    provider(world, spare_node=True).acquire()  # beside it
    assert (len(world.calls("create")), world.started) == (1, [])
    with first.exclusive_spare_node():
        assert world.started == ["queuejob-worker2"]
    first.kill_node("queuejob-worker2")
    first.release(keep=True)
    provider(world, spare_node=True).acquire()
    assert (len(world.calls("create")), world.started) == (1, ["queuejob-worker2"] * 2)


def test_a_cluster_with_another_dead_node_is_replaced(world: World) -> None:
    first = provider(world, spare_node=True)
    first.acquire()
    first.kill_node("queuejob-worker")
    first.release(keep=True)
    provider(world, spare_node=True).acquire()
    assert len(world.calls("create")) == 2


def test_the_last_user_deletes_and_leaves_nothing(world: World) -> None:
    parent = current_process(int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[1]))
    first, second = provider(world), provider(world, user=parent)
    assert first.acquire().owned
    second.acquire()
    first.release(keep=False)
    assert len(world.containers()) == 3
    assert not first.is_acquired()
    assert second.is_acquired()
    second.release(keep=False)
    assert world.containers() == []
    assert [p.name for p in (world.folder.parent / "state/clusters").iterdir()] == ["queuejob.lock"]


def test_keep_leaves_it_and_the_next_run_takes_it(world: World) -> None:
    provider(world).acquire()
    provider(world).release(keep=True)
    assert len(world.containers()) == 3
    assert provider(world).acquire().owned
    assert len(world.calls("create")) == 1


def test_users_that_died_do_not_keep_it_alive(world: World) -> None:
    provider(world, user=DEAD).acquire()
    mine = provider(world)
    mine.acquire()
    mine.release(keep=False)
    assert world.containers() == []


def test_a_deletion_that_was_cut_short_leaves_no_record(world: World) -> None:
    mine = provider(world)
    mine.acquire()
    world.remove_containers(*(one["Id"] for one in world.containers()))
    mine.release(keep=False)
    assert [p.name for p in (world.folder.parent / "state/clusters").iterdir()] == ["queuejob.lock"]


def test_a_foreign_cluster_is_refused_unless_named_and_never_deleted(world: World) -> None:
    world.put("queuejob-control-plane", "control-plane", created="2001-01-01T00:00:00Z")
    with pytest.raises(UsageError, match="was not made by this tool"):
        provider(world).acquire()
    named = provider(world, cluster_named=True)
    assert not named.acquire().owned
    named.release(keep=False)
    assert len(world.containers()) == 1
    with pytest.raises(UsageError, match="was not made by this tool"):
        named.delete()
    assert world.calls("delete") == []


def test_another_cluster_of_the_same_name_is_foreign(world: World) -> None:
    provider(world).acquire()
    world.put("queuejob-worker", "worker", ident="made-by-somebody-else")
    with pytest.raises(UsageError, match="was not made by this tool"):
        provider(world).acquire()


def test_what_a_killed_creation_left_is_replaced(world: World) -> None:
    store = Store(world.folder.parent / "state/clusters/queuejob")
    store.write(Record("creating", "2099-01-01T00:00:00Z", "node:1"))
    world.put("queuejob-control-plane", "control-plane")
    assert provider(world).acquire().owned
    assert [line.split()[0] for line in world.calls("")] == ["delete", "create"]


def test_a_cluster_of_another_node_image_is_replaced(world: World) -> None:
    old = provider(world)
    old.acquire()
    old.release(keep=True)
    provider(world, image="node:2").acquire()
    assert len(world.calls("create")) == 2


def test_a_cluster_of_another_node_image_is_not_taken_from_its_user(world: World) -> None:
    provider(world).acquire()
    with pytest.raises(InfrastructureError, match="in use with another node image"):
        provider(world, image="node:2").acquire()
    assert len(world.containers()) == 3


def slow(world: World, *answers: int) -> None:
    """Its API server gives these answers first, as exit codes, and then is well."""
    lines = "\n".join(f"{number}) exit {code};;" for number, code in enumerate(answers, start=1))
    counter = world.folder / "asked"
    script(
        world.folder.parent / "kubectl",
        f'#!/bin/sh\necho >> {counter}\ncase "$(wc -l < {counter})" in\n{lines}\nesac\nexit 0\n',
    )


def test_a_cluster_that_is_slow_to_answer_is_not_taken_from_its_user(world: World) -> None:
    provider(world).acquire()
    second = provider(world)
    slow(world, 1, 1)
    second.acquire()
    assert len(world.calls("create")) == 1
    assert world.calls("delete") == []


def test_a_cluster_that_never_answers_is_left_to_its_user(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.infra.providers.kind.provider.READY", 0.6)
    provider(world).acquire()
    second = provider(world)
    slow(world, *(1 for _ in range(50)))
    with pytest.raises(TimedOut, match="which others use"):
        second.acquire()
    assert world.calls("delete") == []


def test_a_cluster_that_nobody_uses_and_that_does_not_answer_is_replaced(world: World) -> None:
    first = provider(world)
    first.acquire()
    first.release(keep=True)
    second = provider(world)
    slow(world, 1)
    second.acquire()
    assert len(world.calls("create")) == 2


def test_a_failed_creation_leaves_logs_and_no_half_cluster(world: World) -> None:
    with pytest.raises(InfrastructureError, match="could not be made") as caught:
        provider(world, during="echo no space left; exit 1").acquire()
    assert "no space left" in str(caught.value)
    logs = world.folder.parent / "out/kind-logs/queuejob"
    assert str(logs) in str(caught.value)
    assert (logs / "kubelet.log").read_text() == "kubelet\n"
    assert world.containers() == []


def test_a_port_that_was_taken_meanwhile_is_named(world: World) -> None:
    with pytest.raises(InfrastructureError, match="another program took the port"):
        provider(world, during="echo port is already allocated; exit 1").acquire()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT as a terminal's user knows it: a shell's background job is started deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_while_creating_leaves_nothing(world: World) -> None:
    with pytest.raises(KeyboardInterrupt):
        provider(
            world, during="kill -INT $(awk '/PPid/ {print $2}' /proc/$$/status); sleep 30"
        ).acquire()
    assert world.containers() == []


def test_an_image_is_loaded_once_per_node_and_image_id(world: World) -> None:
    mine = provider(world)
    mine.acquire()
    mine.load(["worker:1"])
    mine.load(["worker:1"])
    assert world.calls("load") == [
        "load docker-image worker:1 --nodes queuejob-worker,queuejob-worker2 --name queuejob"
    ]
    world.images["worker:1"] = "sha256:two"
    mine.load(["worker:1"])
    assert len(world.calls("load")) == 2


def test_an_image_that_docker_lacks_is_an_error_before_anything_is_loaded(world: World) -> None:
    mine = provider(world)
    mine.acquire()
    with pytest.raises(UsageError, match="there is no image wroker:1 in Docker"):
        mine.load(["worker:1", "wroker:1"])
    assert world.calls("load") == []
