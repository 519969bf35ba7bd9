"""Kinds of objects, as far as the client library knows them: whose they are, and how one is set."""

from __future__ import annotations

from typing import Any, Literal

from kubernetes import client
from kubernetes.utils.create_from_yaml import (
    LOWER_OR_NUM_FOLLOWED_BY_UPPER_RE,
    UPPER_FOLLOWED_BY_LOWER_RE,
)

from harness.infra.kube.manifests import Manifest

#: Whether objects of a kind are in a namespace or in none; empty: there is no such kind.
Scope = Literal["namespace", "cluster", ""]
#: Under this name the API server keeps what we have set.
_MANAGER = "queuejob"


def scope(manifest: Manifest) -> Scope:
    """Where the objects of a manifest's kind are."""
    api, kind = _names(manifest)
    if hasattr(api, f"patch_namespaced_{kind}"):
        return "namespace"
    return "cluster" if hasattr(api, f"patch_{kind}") else ""


def set_to(api_client: Any, namespace: str, manifest: Manifest, timeout: float) -> None:
    """Have an object of a namespace be as its manifest says, whether it is there or not.

    The manifest's own namespace does not count. Raises what the client library raises.
    """
    api, kind = _names(manifest)
    body = {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
    # Any: the library has a method for each kind, and we want the one for this.
    method: Any = getattr(api(api_client), f"patch_namespaced_{kind}")
    method(
        body["metadata"]["name"],
        namespace,
        body,
        field_manager=_MANAGER,
        force=True,
        _content_type="application/apply-patch+yaml",
        _preload_content=False,
        _request_timeout=timeout,
    ).read()


def _names(manifest: Manifest) -> tuple[Any, str]:
    """The library's class for an API group (None: it has none), and a kind in its methods."""
    group, _, version = str(manifest["apiVersion"]).rpartition("/")
    words = (group or "core").removesuffix(".k8s.io").split(".")
    name = "".join(word.capitalize() for word in words) + version.capitalize() + "Api"
    kind = UPPER_FOLLOWED_BY_LOWER_RE.sub(r"\1_\2", str(manifest["kind"]))
    kind = LOWER_OR_NUM_FOLLOWED_BY_UPPER_RE.sub(r"\1_\2", kind).lower()
    return getattr(client, name, None), kind
