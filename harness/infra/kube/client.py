"""Namespaces of a cluster: created for one test each, and deleted without waiting."""

from __future__ import annotations

import contextlib
import re
import secrets

from harness.core.clock import NotYet, wait_until
from harness.core.timeouts import Timeouts
from harness.infra.cluster import Cluster
from harness.infra.kube.api import NOT_FOUND, Api, Refused
from harness.infra.kube.namespace import Namespace
from harness.infra.kube.process_label import USER, dead, owner_label

MANAGED = {"app.kubernetes.io/managed-by": "queuejob"}
TEST = "queuejob/test"


class Kube:
    """Client of one cluster's API. Use it as a context manager, or call `close`."""

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
        """Return a namespace that exists already."""
        return Namespace(self._cluster, self._api, name)

    def create_namespace(self, test: str) -> Namespace:
        """Create a namespace named after `test` (any text), in which pods can start immediately."""
        name = namespace_name(test)
        self._api.create(
            "",
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {
                    "name": name,
                    "labels": {**MANAGED, USER: owner_label()},
                    "annotations": {TEST: test},
                },
            },
        )
        try:
            self._wait_usable(name)
        except BaseException:  # Ctrl-C too: no other code knows this namespace yet
            self._api.delete_namespace(name)
            raise
        return self.namespace(name)

    def delete_namespace(self, name: str) -> None:
        """Delete a namespace in the background, which can take half a minute."""
        self._api.delete_namespace(name)

    def keep_namespace(self, name: str) -> None:
        """Keep a namespace after this process ends."""
        self._api.label_namespace(name, {USER: None})

    def remove_leftovers(self) -> list[str]:
        """Delete the namespaces whose process was killed; return their names.

        This covers processes of this machine only: others cannot be checked from here.
        """
        names = []
        for item in self._api.namespaces(USER)["items"]:
            meta = item["metadata"]
            if "deletionTimestamp" not in meta and dead(meta["labels"][USER]):
                # 409: another process deleted it first.
                with contextlib.suppress(Refused):
                    self._api.delete_namespace(meta["name"])
                    names.append(meta["name"])
        return names

    def open_nodes(self) -> list[str]:
        """Uncordon the nodes that a killed process left cordoned; return their names."""
        names = []
        with contextlib.suppress(Refused):  # a user who may not list nodes cannot have cordoned one
            for item in self._api.nodes(USER)["items"]:
                meta = item["metadata"]
                if dead(meta["labels"][USER]):
                    self._api.patch_node(meta["name"], unschedulable=False, labels={USER: None})
                    names.append(meta["name"])
        return names

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


def namespace_name(test: str) -> str:
    """Return a namespace name: the usable part of a test's id, and a random suffix."""
    words = re.sub(r"[^a-z0-9]+", "-", test.lower().rsplit("::", 1)[-1]).strip("-")
    return f"{words.removeprefix('test-')[:40].strip('-') or 'test'}-{secrets.token_hex(3)}"
