"""A cluster's namespaces: made for one test each, and given up without waiting."""

from __future__ import annotations

import contextlib
import re
import secrets

from harness.clock import NotYet, wait_until
from harness.kube.api import NOT_FOUND, Api, Refused
from harness.kube.namespace import Namespace
from harness.ports import Cluster
from harness.process import Identity, identify, place
from harness.scenario import Timeouts

MANAGED = {"app.kubernetes.io/managed-by": "queuejob"}
TEST = "queuejob/test"
#: The process that has made a namespace, as long as it may not outlive that.
USER = "queuejob/user"


class Kube:
    """One cluster's API. Use as a context manager, or `close` it."""

    def __init__(self, cluster: Cluster, timeouts: Timeouts | None = None) -> None:
        self._cluster = cluster
        self._api = Api(cluster, timeouts or Timeouts())

    def __enter__(self) -> Kube:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._api.close()

    def namespace(self, name: str) -> Namespace:
        """A namespace that is there already."""
        return Namespace(self._cluster, self._api, name)

    def create_namespace(self, test: str) -> Namespace:
        """A new namespace, named after `test` (any text), in which pods can be made at once."""
        name = namespace_name(test)
        self._api.create(
            "",
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {
                    "name": name,
                    "labels": {**MANAGED, USER: _user()},
                    "annotations": {TEST: test},
                },
            },
        )
        try:
            self._wait_usable(name)
        except BaseException:  # Ctrl-C as well: nobody else knows of it yet
            self._api.delete_namespace(name)
            raise
        return self.namespace(name)

    def delete_namespace(self, name: str) -> None:
        """Have a namespace deleted; it goes in the background (which can take half a minute)."""
        self._api.delete_namespace(name)

    def keep_namespace(self, name: str) -> None:
        """Let a namespace stay when this process has ended."""
        self._api.label_namespace(name, {USER: None})

    def remove_leftovers(self) -> list[str]:
        """Have the namespaces deleted whose process was killed; their names.

        Only of processes of this machine: of others nobody can say here whether they live.
        """
        removed = []
        for item in self._api.namespaces(USER)["items"]:
            meta = item["metadata"]
            if "deletionTimestamp" not in meta and _dead(meta["labels"][USER]):
                # 409: another process was quicker.
                with contextlib.suppress(Refused):
                    self._api.delete_namespace(meta["name"])
                    removed.append(meta["name"])
        return removed

    def _wait_usable(self, name: str) -> None:
        def probe() -> None:
            try:
                self._api.service_account(name, "default")
            except Refused as refused:
                if refused.status != NOT_FOUND:
                    raise
                raise NotYet("no service account so far, without which no pod is let in") from None

        timeout = self._api.timeouts.namespace
        wait_until(f"namespace {name} to be usable", probe, timeout=timeout, interval=0.1)


def _user() -> str:
    me = identify()
    return f"{place()}.{me.pid}.{me.began}"


def _dead(user: str) -> bool:
    """Whether the process of this label is one of this machine, and has ended."""
    where, _, process = user.partition(".")
    pid, _, began = process.partition(".")
    if where != place() or not (pid.isdigit() and began.isdigit()):
        return False
    return not Identity(int(pid), int(began)).alive


def namespace_name(test: str) -> str:
    """A name for a namespace: what can be kept of a test's id, and something random."""
    words = re.sub(r"[^a-z0-9]+", "-", test.lower().rsplit("::", 1)[-1]).strip("-")
    return f"{words.removeprefix('test-')[:40].strip('-') or 'test'}-{secrets.token_hex(3)}"
