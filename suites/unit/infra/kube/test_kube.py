"""The Kubernetes client: what it makes of answers, refusals, silence and broken streams."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.core.clock import NotYet, monotonic, sleep, wait_until
from harness.core.errors import InfrastructureError, TimedOut
from harness.core.process_identity import current_process, pid_scope
from harness.infra.kube import Kube, Refused
from harness.infra.kube.port_forward import forward

MakePod = Callable[..., dict[str, Any]]
PODS = "GET /api/v1/namespaces/n/pods"


# -- requests ---------------------------------------------------------------------------------


def test_a_refusal_has_the_servers_words(fake_api: Any) -> None:
    namespace = fake_api.namespace
    fake_api.on(f"{PODS}/p", fake_api.no(404, 'pods "p" not found'))
    with pytest.raises(Refused, match='saw: 404 pods "p" not found') as caught:
        namespace.pod("p")
    assert caught.value.status == 404


def test_what_cannot_be_created_is_named(fake_api: Any) -> None:
    namespace = fake_api.namespace
    fake_api.on("POST /api/v1/namespaces/n/pods", fake_api.no(409, "already there"))
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    with pytest.raises(Refused, match=r"create Pod p\n.*\n  saw: 409 already there"):
        namespace.create(pod)
    with pytest.raises(Refused, match=r"create Nothing p\n"):
        namespace.create({**pod, "kind": "Nothing"})


def test_reading_is_tried_again_while_the_server_is_busy(fake_api: Any, pod_json: MakePod) -> None:
    namespace = fake_api.namespace
    fake_api.on(PODS, fake_api.no(503, "busy"), fake_api.json({"items": [pod_json("p")]}))
    assert [pod.name for pod in namespace.pods()] == ["p"]
    assert len(fake_api.asked) == 2


def test_a_server_that_does_not_answer_is_given_up(fake_api: Any) -> None:
    fake_api.stop()
    with pytest.raises(TimedOut, match="the API server to notify the pod p"):
        fake_api.namespace.pod("p")


def test_a_kubeconfig_that_cannot_be_used_is_named(fake_api: Any) -> None:
    fake_api.cluster.kubeconfig.write_text("{}")
    with pytest.raises(InfrastructureError, match="kubeconfig of cluster fake"):
        Kube(fake_api.cluster)


def test_a_namespace_that_never_gets_usable_is_given_back(fake_api: Any) -> None:
    fake_api.on("POST /api/v1/namespaces", fake_api.json({}))
    with pytest.raises(TimedOut, match="no service account so far"):
        fake_api.kube.create_namespace("test_x")
    assert fake_api.asked[-1].startswith("DELETE /api/v1/namespaces/x-")


def made_by(user: str, **more: str) -> dict[str, Any]:
    return {"metadata": {"name": f"of-{user}", "labels": {"queuejob/user": user}, **more}}


def test_what_a_killed_process_has_left_is_removed(fake_api: Any) -> None:
    here, me = pid_scope(), current_process()
    alive, dead = f"{here}.{me.pid}.{me.began}", f"{here}.{me.pid}.{me.began - 1}"
    left = [
        made_by(alive),
        made_by(dead),
        made_by(f"elsewhere.{me.pid}.{me.began - 1}"),
        made_by(f"{here}.nobody"),
        made_by(f"{dead}7", deletionTimestamp="2026-01-01T00:00:00Z"),
    ]
    fake_api.on("GET /api/v1/namespaces", fake_api.json({"items": left}))
    fake_api.on(f"DELETE /api/v1/namespaces/of-{dead}", fake_api.json({}))
    assert fake_api.kube.remove_leftovers() == [f"of-{dead}"]
    assert fake_api.asked[1:] == [f"DELETE /api/v1/namespaces/of-{dead}"]


def test_leftovers_that_another_process_removes_are_left_to_it(fake_api: Any) -> None:
    me = current_process()
    user = f"{pid_scope()}.{me.pid}.{me.began - 1}"
    fake_api.on("GET /api/v1/namespaces", fake_api.json({"items": [made_by(user)]}))
    fake_api.on(f"DELETE /api/v1/namespaces/of-{user}", fake_api.no(409, "being removed"))
    assert fake_api.kube.remove_leftovers() == []


def test_nodes_that_a_killed_process_has_closed_are_opened(fake_api: Any) -> None:
    here, me = pid_scope(), current_process()
    alive, dead = f"{here}.{me.pid}.{me.began}", f"{here}.{me.pid}.{me.began - 1}"
    fake_api.on("GET /api/v1/nodes", fake_api.json({"items": [made_by(alive), made_by(dead)]}))
    fake_api.on(f"PATCH /api/v1/nodes/of-{dead}", fake_api.json({}))
    assert fake_api.kube.open_nodes() == [f"of-{dead}"]


def test_who_may_not_see_nodes_has_closed_none(fake_api: Any) -> None:
    fake_api.on("GET /api/v1/nodes", fake_api.no(403, "forbidden"))
    assert fake_api.kube.open_nodes() == []


def a_node(ready: str, *taints: str) -> dict[str, Any]:
    """As the API has a node of the name n."""
    return {
        "metadata": {"name": "n"},
        "spec": {"taints": [{"key": key, "effect": "NoSchedule"} for key in taints]},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def test_a_node_that_was_lost_is_waited_for_until_it_takes_pods(fake_api: Any) -> None:
    lost = "node.kubernetes.io/unreachable"
    states = (
        {"metadata": {"name": "other"}},
        a_node("Unknown", "ours"),
        a_node("True", "ours", lost),
        a_node("True", "ours"),
    )
    fake_api.on("GET /api/v1/nodes", *(fake_api.json({"items": [one]}) for one in states))
    node = fake_api.namespace.wait_node_open("n", {"ours"})
    assert (node.name, node.ready, node.taints) == ("n", True, ("ours",))
    assert len(fake_api.asked) == len(states)


def test_a_node_is_open_again_whatever_happens(fake_api: Any) -> None:
    fake_api.on("PATCH /api/v1/nodes/n", fake_api.json({}), fake_api.json({}))
    with pytest.raises(ZeroDivisionError), fake_api.namespace.cordoned("n"):
        raise ZeroDivisionError
    assert fake_api.asked == ["PATCH /api/v1/nodes/n"] * 2


def test_a_pod_is_evicted(fake_api: Any) -> None:
    fake_api.on(f"POST {PODS.removeprefix('GET ')}/p/eviction", fake_api.json({}))
    fake_api.namespace.evict_pod("p", grace=30)


def test_waiting_for_a_pod_ends_early_when_there_is_no_hope(
    fake_api: Any, pod_json: MakePod
) -> None:
    namespace = fake_api.namespace
    waiting = {"waiting": {"reason": "ErrImageNeverPull", "message": "not present"}}
    fake_api.on(f"{PODS}/p", fake_api.no(404, "not yet"), fake_api.json(pod_json("p", waiting)))
    with pytest.raises(InfrastructureError, match="cannot become ready") as caught:
        namespace.wait_ready("p")
    assert "ErrImageNeverPull: not present" in str(caught.value)


def test_waiting_for_a_job_ends_early_when_its_pod_crashes(
    fake_api: Any, pod_json: MakePod
) -> None:
    namespace = fake_api.namespace
    job = {"metadata": {"name": "j"}, "spec": {}, "status": {}}
    fake_api.on("GET /apis/batch/v1/namespaces/n/jobs/j", fake_api.json(job))
    crash = {"waiting": {"reason": "CrashLoopBackOff"}}
    last = {"terminated": {"exitCode": 1}}
    fake_api.on(PODS, fake_api.json({"items": [pod_json("j-1", crash, lastState=last)]}))
    fake_api.on(f"{PODS}/j-1/log", fake_api.json("boom\n"))
    with pytest.raises(InfrastructureError, match="pod j-1 cannot start") as caught:
        namespace.wait_ended("j")
    assert "c: boom" in str(caught.value)


# -- streams ----------------------------------------------------------------------------------


def test_the_last_line_ends_at_a_line_feed_and_nowhere_else(fake_api: Any) -> None:
    namespace = fake_api.namespace
    for text in (
        "a\n2026-01-01T00:00:01Z b\x0cc\rd\u2028e\n",
        "2026-01-01T00:00:01Z b\x0cc\rd\u2028e",
    ):
        fake_api.on(f"{PODS}/p/log", fake_api.json(text))
        assert namespace.last_line("p", "c") == "2026-01-01T00:00:01Z b\x0cc\rd\u2028e"
    fake_api.on(f"{PODS}/p/log", fake_api.json(""))
    assert namespace.last_line("p", "c") == ""


def test_lines_come_whole_and_end_with_the_answer(fake_api: Any) -> None:
    namespace = fake_api.namespace
    fake_api.on(f"{PODS}/p/log", fake_api.stream("on", "e\ntwo\nthr", "ee"))
    assert list(namespace.follow_log("p", "c")) == ["one", "two", "three"]


def test_a_stream_that_breaks_says_so(fake_api: Any) -> None:
    namespace = fake_api.namespace
    fake_api.on(f"{PODS}/p/log", fake_api.stream("one\ntw", cut=True))
    seen: list[str] = []
    with pytest.raises(InfrastructureError, match="lost the connection for log of p/c"):
        seen.extend(line for line in namespace.follow_log("p", "c"))
    assert seen in ([], ["one"])


def test_a_stream_can_be_ended_while_it_is_silent(fake_api: Any) -> None:
    namespace = fake_api.namespace
    fake_api.on(f"{PODS}/p/log", fake_api.stream("one\n", held=True))
    lines = namespace.follow_log("p", "c")
    first, seen = threading.Event(), []

    def read() -> None:
        for line in lines:
            seen.append(line)
            first.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert first.wait(5)
    begun = monotonic()
    lines.close()
    lines.close()
    thread.join(5)
    assert not thread.is_alive()
    assert monotonic() - begun < 2
    assert seen == ["one"]


# -- forwarded ports --------------------------------------------------------------------------


def test_a_forwarded_port_is_the_one_that_kubectl_tells(tmp_path: Path) -> None:
    kubectl = _script(tmp_path, "echo 'Forwarding from 127.0.0.1:4242 -> 5672'; sleep 60")
    with forward(kubectl, {}, "n", "p", 5672, timeout=5) as port:
        assert port == 4242


def test_a_forward_that_fails_says_why(tmp_path: Path) -> None:
    kubectl = _script(tmp_path, "echo 'pods p not found' >&2; exit 1")
    with (
        pytest.raises(InfrastructureError, match="pods p not found"),
        forward(kubectl, {}, "n", "p", 5672, timeout=5),
    ):
        pytest.fail("there is no port")


def test_a_forward_that_never_comes_is_given_up(tmp_path: Path) -> None:
    kubectl = _script(tmp_path, "sleep 60")
    with (
        pytest.raises(TimedOut, match="port 5672 of pod p to be forwarded"),
        forward(kubectl, {}, "n", "p", 5672, timeout=0.3),
    ):
        pytest.fail("there is no port")


def test_a_forward_that_was_lost_on_the_way_is_not_passed_over(tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    waiting = f"until [ -e {stop} ]; do sleep 0.05; done"
    kubectl = _script(
        tmp_path, f"echo 'Forwarding from 127.0.0.1:4242 -> 5672'; {waiting}; echo 'lost it'"
    )

    def lose() -> None:
        with forward(kubectl, {}, "n", "p", 5672, timeout=5):
            stop.touch()
            _wait_ended(tmp_path)

    with pytest.raises(InfrastructureError, match=r"was lost on the way\n.*\n.*\nlost it"):
        lose()


def _script(folder: Path, body: str) -> Path:
    file = folder / "kubectl"
    file.write_text(f"#!/bin/sh\n{body}\necho > {folder}/ended\n")
    file.chmod(0o755)
    return file


def _wait_ended(folder: Path) -> None:
    def probe() -> None:
        if not (folder / "ended").exists():
            raise NotYet("it still runs")

    wait_until("the script to end", probe, timeout=5, interval=0.05)
    sleep(0.2)  # between its last command and its end
