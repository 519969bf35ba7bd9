"""Server-side apply for every kind that the client library knows, and the kind's scope."""

from __future__ import annotations

from typing import Any, Literal

from kubernetes import client
from kubernetes.utils.create_from_yaml import (
    LOWER_OR_NUM_FOLLOWED_BY_UPPER_RE,
    UPPER_FOLLOWED_BY_LOWER_RE,
)

from harness.infra.kube.manifests import Manifest

#: Whether objects of a kind belong to a namespace or the cluster; empty for an unknown kind.
Scope = Literal["namespace", "cluster", ""]
#: The field manager under which the API server records the fields that the harness set.
_MANAGER = "queuejob"


def scope(manifest: Manifest) -> Scope:
    """Return the scope of a manifest's kind."""
    api, kind = _names(manifest)
    if hasattr(api, f"patch_namespaced_{kind}"):
        return "namespace"
    return "cluster" if hasattr(api, f"patch_{kind}") else ""


def set_to(api_client: Any, namespace: str, manifest: Manifest, timeout: float) -> None:
    """Create or update an object in a namespace, as its manifest describes it.

    Args:
        api_client: The library's client of the API server.
        namespace: The object's namespace; the manifest's own one is ignored.
        manifest: The wanted state of the object.
        timeout: Seconds for the request.

    Raises:
        Exception: Any error of the client library.
    """
    api, kind = _names(manifest)
    body = {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
    # Any: the library has one method per kind, and the name is known only here.
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
    """Return the library's class for the API group (None: no class), and the kind's name.

    The name is the one in the class' methods.
    """
    group, _, version = str(manifest["apiVersion"]).rpartition("/")
    labels = (group or "core").removesuffix(".k8s.io").split(".")
    name = "".join(label.capitalize() for label in labels) + version.capitalize() + "Api"
    kind = UPPER_FOLLOWED_BY_LOWER_RE.sub(r"\1_\2", str(manifest["kind"]))
    kind = LOWER_OR_NUM_FOLLOWED_BY_UPPER_RE.sub(r"\1_\2", kind).lower()
    return getattr(client, name, None), kind
