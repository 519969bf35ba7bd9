"""What kind is told to make: the nodes, and among them, when asked for, one that may be lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from harness import manifests
from harness.infra.cluster import SPARE
from harness.infra.settings import Settings

#: Only those pods come to it that tolerate its taint.
_SPARE = """
kind: JoinConfiguration
nodeRegistration:
  taints:
  - {key: %s, effect: NoSchedule}
"""


def config(settings: Settings) -> dict[str, Any]:
    """kind's configuration file."""
    template = manifests.folder() / "providers" / "kind" / "cluster.yaml"
    made: dict[str, Any] = yaml.safe_load(template.read_text())
    if settings.api_port:
        made.setdefault("networking", {})["apiServerPort"] = settings.api_port
    if settings.spare_node:
        made["nodes"].append({"role": "worker", "kubeadmConfigPatches": [_SPARE % SPARE]})
    return made


def spare(workers: Iterable[str]) -> str:
    """The node that may be lost, of those made by such a file: the last, as kind numbers them."""
    return max(workers, key=lambda name: (len(name), name))
