"""A cluster's namespaces: made for one test each, and given up without waiting."""

from __future__ import annotations

import contextlib
import re
import secrets

from harness.core.clock import NotYet, wait_until
from harness.core.timeouts import Timeouts
from harness.infra.cluster import Cluster
from harness.infra.kube.api import NOT_FOUND, Api, Refused
from harness.infra.kube.namespace import Namespace
from harness.infra.kube.process_label import USER, dead, user

MANAGED = {"app.kubernetes.io/managed-by": "queuejob"}
TEST = "queuejob/test"


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
                    "labels": {**MANAGED, USER: user()},
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
            if "deletionTimestamp" not in meta and dead(meta["labels"][USER]):
                # 409: another process was quicker.
                with contextlib.suppress(Refused):
                    self._api.delete_namespace(meta["name"])
                    removed.append(meta["name"])
        return removed

    def open_nodes(self) -> list[str]:
        """Let the nodes take pods again that a killed process has closed; their names."""
        opened = []
        with contextlib.suppress(Refused):  # whoever may not see nodes has closed none
            for item in self._api.nodes(USER)["items"]:
                meta = item["metadata"]
                if dead(meta["labels"][USER]):
                    self._api.patch_node(meta["name"], unschedulable=False, labels={USER: None})
                    opened.append(meta["name"])
        return opened

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
    """A name for a namespace: what can be kept of a test's id, and something random."""
    words = re.sub(r"[^a-z0-9]+", "-", test.lower().rsplit("::", 1)[-1]).strip("-")
    return f"{words.removeprefix('test-')[:40].strip('-') or 'test'}-{secrets.token_hex(3)}"
