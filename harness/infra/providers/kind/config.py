"""kind's configuration: the nodes, and on request one that a run may lose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from harness import manifests
from harness.infra.cluster import SPARE
from harness.infra.settings import Settings

#: Only pods that tolerate the taint run on the spare node.
_SPARE = """
kind: JoinConfiguration
nodeRegistration:
  taints:
  - {key: %s, effect: NoSchedule}
"""


def config(settings: Settings) -> dict[str, Any]:
    """Return the content of kind's configuration file."""
    template = manifests.folder() / "providers" / "kind" / "cluster.yaml"
    content: dict[str, Any] = yaml.safe_load(template.read_text())
    if settings.api_port:
        content.setdefault("networking", {})["apiServerPort"] = settings.api_port
    if settings.spare_node:
        content["nodes"].append({"role": "worker", "kubeadmConfigPatches": [_SPARE % SPARE]})
    return content


def spare(workers: Iterable[str]) -> str:
    """Return the spare node among kind's worker nodes: the last one in kind's numbering."""
    return max(workers, key=lambda name: (len(name), name))
