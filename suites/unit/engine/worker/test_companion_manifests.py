"""What a Job needs beside itself: what can be, where it comes to, who reads it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli.gate.gate import Asked, Gate
from harness.cli.main import main
from harness.core import masking
from harness.core.errors import InfrastructureError, UsageError
from harness.core.masking import masker_for, secrets_in
from harness.engine.provenance import manifests_of
from harness.engine.worker.companion_manifests import apply_companions, files, load_companions
from harness.engine.worker.worker_under_test import WorkerUnderTest
from harness.report.canonical import digest
from harness.report.model import Harness

CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: production}
data: {LEVEL: info, DB_PASSWORD: hunter2-x}
"""
ENCODED = base64.b64encode(b"s3cret-token").decode()
SECRET = f"""
apiVersion: v1
kind: Secret
metadata: {{name: keys}}
data: {{TOKEN: {ENCODED}}}
stringData:
  url: amqp://me:bro-ker@mq:5672
  config: |
    [database]
    password = "qwertz-99"
"""
CLAIM = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: []
"""
POD = "{apiVersion: v1, kind: Pod, metadata: {name: p, labels: {app: LABEL}}}"
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec: {template: {metadata: {labels: {app: LABEL, more: x}}, spec: {containers: []}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "needs"
    made.mkdir()
    return made


def test_files_come_in_the_order_of_their_names_and_all_their_objects(folder: Path) -> None:
    (folder / "b.yml").write_text(f"---\n{SECRET}\n---\n{CLAIM}")
    (folder / "a.yaml").write_text(CONFIG)
    (folder / "c.json").write_text(json.dumps({**_config("last"), "data": None}))
    (folder / "README.md").write_text("of no interest")
    (folder / "more.yaml").mkdir()
    names = [one["metadata"]["name"] for one in load_companions(folder, "fine")]
    assert names == ["settings", "keys", "reader", "last"]


def _config(name: str, **data: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", ["x.yaml does not parse"]),
        ("metadata: {name: x}\ndata: {TOKEN: hunter2}", ["no Kubernetes object", "metadata, data"]),
        ("- hunter2", ["no Kubernetes object", "list"]),
        ("", ["x.yaml is empty"]),
        ("{apiVersion: v1, kind: ConfigMap}", ["an object without a name", "metadata.name"]),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {generateName: a-}}", ["without a name"]),
        ("{apiVersion: v1, kind: null, metadata: {name: a}}", ["without a name", "kind None"]),
        ("{apiVersion: batch/v1, kind: Job, metadata: {name: a}}", ["is a Job", "--job"]),
        (
            "{apiVersion: v1, kind: Namespace, metadata: {name: a}}",
            ["Namespace a", "whole cluster"],
        ),
        (
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: a}}",
            ["ClusterRole a of", "belongs to the whole cluster"],
        ),
        (
            "{apiVersion: v1, kind: Secrett, metadata: {name: a}}",
            ["v1 Secrett, which is not known"],
        ),
        ("{apiVersion: my.org/v1, kind: Thing, metadata: {name: a}}", ["which is not known"]),
        ("{apiVersion: v1, kind: List, metadata: {name: a}, items: []}", ["which is not known"]),
        (f"{CONFIG}---{CONFIG}", ["ConfigMap settings", "twice"]),
        (CONFIG.replace("info", "8080"), ["no text in data.LEVEL", "a value in quotes", "int"]),
        (CONFIG.replace("info", "2026-01-01"), ["JSON", "put it into quotes"]),
        (SECRET.replace(ENCODED, "hunter2!"), ["no base64 in data.TOKEN", "stringData"]),
        ("{apiVersion: v1, kind: Secret, metadata: {name: a}, data: [hunter2]}", ["in data."]),
        ("{apiVersion: v1, kind: Service, metadata: {name: redis}}", ["replace the broker"]),
        (POD.replace("LABEL", "redis"), ["Pod p", "taken for the broker", "app=redis"]),
        (DEPLOYMENT.replace("LABEL", "redis"), ["Deployment d", "taken for the broker"]),
    ],
)
def test_what_cannot_be_there_is_told_without_its_values(
    folder: Path, text: str, words: list[str]
) -> None:
    (folder / "x.yaml").write_text(text)
    with pytest.raises(UsageError) as caught:
        load_companions(folder, "fine")
    for word in words:
        assert word in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", [POD, DEPLOYMENT])
def test_other_pods_may_be_there(folder: Path, text: str) -> None:
    (folder / "x.yaml").write_text(text.replace("LABEL", "redis"))
    assert load_companions(folder, "coarse")
    (folder / "x.yaml").write_text(text.replace("LABEL", "api"))
    assert load_companions(folder, "fine")


def test_a_folder_without_manifests_is_an_error(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"(?s)no manifests in .*\.yaml, \.yml"):
        files(folder)
    with pytest.raises(UsageError, match="--manifests names no folder"):
        files(folder / "none")


@pytest.mark.parametrize("name", ["needs", "none"])
def test_it_ends_with_code_4_before_anything_is_made(
    pytester: pytest.Pytester, folder: Path, name: str
) -> None:
    """By the plugin, so by `check` as well; and by the gate."""
    place = folder.with_name(name)
    worker = ["--queuejob-image=x", "--queuejob-pattern=fine", f"--queuejob-manifests={place}"]
    pytester.makepyfile("def test(cluster): pass")
    result = pytester.runpytest_subprocess(*worker)
    assert result.ret == 4
    assert str(place) in result.stderr.str()
    assert main(["gate", "--image=x", "--pattern=fine", "--", f"--manifests={place}"]) == 4


def test_they_come_into_the_runs_own_namespace(fake_api: Any, folder: Path) -> None:
    """And are set to what they say, whether they are there already or not."""
    (folder / "x.yaml").write_text(f"{CONFIG}---{SECRET}---{CLAIM}")
    paths = [
        "PATCH /api/v1/namespaces/n/configmaps/settings",
        "PATCH /api/v1/namespaces/n/secrets/keys",
        "PATCH /apis/rbac.authorization.k8s.io/v1/namespaces/n/roles/reader",
    ]
    for path in paths:
        fake_api.on(path, fake_api.json({}))
    apply_companions(fake_api.namespace, load_companions(folder, "fine"), masking.mask)
    assert fake_api.asked == paths
    kinds = {kind for kind, _ in fake_api.sent}
    assert kinds == {"application/apply-patch+yaml"}
    first = json.loads(fake_api.sent[0][1])
    assert first["metadata"] == {"name": "settings", "namespace": "n"}
    assert first["data"]["LEVEL"] == "info"


def test_what_the_server_does_not_like_is_told_without_secrets(fake_api: Any, folder: Path) -> None:
    (folder / "x.yaml").write_text(SECRET)
    known = load_companions(folder, "fine")
    fake_api.on(
        "PATCH /api/v1/namespaces/n/secrets/keys", fake_api.no(422, "who wants s3cret-token?")
    )
    with pytest.raises(InfrastructureError, match="422 who wants REDACTED") as caught:
        apply_companions(fake_api.namespace, known, masker_for(secrets_in(known)))
    assert "apply Secret keys" in str(caught.value)
    assert caught.value.exit_code == 6


def test_their_secrets_are_hidden_in_what_workers_print(folder: Path) -> None:
    """Whole, in base64, by the line, and what a line assigns; a Job may use them as it likes."""
    (folder / "x.yaml").write_text(f"{CONFIG}---{SECRET}---{CLAIM}")
    hide = masker_for(secrets_in(load_companions(folder, "fine")))
    for word in ("s3cret-token", ENCODED, "bro-ker", "qwertz-99", "hunter2-x"):
        assert hide(f"I have {word}!") == "I have REDACTED!"
    assert hide("[database] at info") == "REDACTED at info"
    assert hide("Working on banana") == "Working on banana"


def test_json_in_a_secret_is_looked_into() -> None:
    auths = json.dumps({"auths": {"registry": {"username": "me", "password": "open-sesame"}}})
    encoded = base64.b64encode(auths.encode()).decode()
    binary = base64.b64encode(b"\xff\xfe-never-a-line").decode()
    secret = {"kind": "Secret", "data": {".dockerconfigjson": encoded, "binary": binary}}
    hide = masker_for(secrets_in([secret, {"kind": "ConfigMap"}, {"kind": "Role", "data": 3}]))
    assert hide("with open-sesame") == "with REDACTED"


def test_the_report_names_them_with_their_digests(folder: Path) -> None:
    (folder / "redis.yaml").write_text(CONFIG)
    known = {one.path: one.sha256 for one in manifests_of(WorkerUnderTest("x", "fine"))}
    more = {one.path: one.sha256 for one in manifests_of(worker(folder))}
    assert more == {**known, "needs/redis.yaml": digest(CONFIG.encode())}


def worker(folder: Path) -> WorkerUnderTest:
    return WorkerUnderTest("x", "fine", manifests=folder)


def test_the_gate_tests_anew_when_one_of_them_has_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = []

    def remember(_: Gate, asked: Asked, __: Path | None) -> int:
        keys.append(asked.key(Harness(version="1")))
        return 6

    monkeypatch.setattr(Gate, "run", remember)
    monkeypatch.setattr("harness.cli.gate.command._digest", lambda _: "d")
    for text in (CONFIG, CONFIG, SECRET):
        (folder / "x.yaml").write_text(text)
        words = ["gate", "--image=x", "--pattern=fine", "--", "--manifests", str(folder)]
        assert main(words) == 6
    (folder / "y.yaml").write_text(CONFIG)
    assert main(words) == 6
    assert keys[0] == keys[1]
    assert len({*keys}) == 3
