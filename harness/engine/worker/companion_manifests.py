"""Objects that a Job needs in addition to itself: ConfigMaps, Secrets and others."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.core.errors import InfrastructureError, UsageError
from harness.core.masking import Masker
from harness.infra.kube import Manifest, Namespace, Refused, load
from harness.infra.kube.server_side_apply import scope
from harness.patterns.job_manifest import tapped_manifests

#: Endings of the files that are read; all other files in the folder are ignored.
_ENDINGS = (".yaml", ".yml", ".json")


def files(folder: Path) -> list[Path]:
    """Return the manifest files in the order of their names.

    Raises `UsageError` where there are none.
    """
    if not folder.is_dir():
        raise UsageError(
            "--manifests names no folder", expected="a folder with YAML files", seen=str(folder)
        )
    manifest_files = sorted(
        file for file in folder.iterdir() if file.suffix in _ENDINGS and file.is_file()
    )
    if not manifest_files:
        raise UsageError(
            f"there are no manifests in {folder}",
            expected=f"files that end with {', '.join(_ENDINGS)}",
            seen="nothing of the kind",
            todo="leave --manifests out, if the Job needs nothing beside itself",
        )
    return manifest_files


def load_companions(folder: Path, pattern: str) -> tuple[Manifest, ...]:
    """Return all objects, in order, for a namespace that has a pattern's broker.

    Raises `UsageError` for an entry that is no Kubernetes object, or cannot be in that namespace.
    """
    objects: dict[tuple[str, str], Manifest] = {}
    broker = tapped_manifests(pattern, "", "")
    for file in files(folder):
        for manifest in load(file):
            label = _label(file, manifest)
            _check_scope(label, manifest)
            _check_serializable(label, manifest)
            _check_no_broker_conflict(label, manifest, broker)
            key = manifest["kind"], manifest["metadata"]["name"]
            if key in objects:
                raise UsageError(
                    f"{label} is there twice", expected="each object once", seen=f"it in {folder}"
                )
            objects[key] = manifest
    return tuple(objects.values())


def apply_companions(namespace: Namespace, manifests: Iterable[Manifest], hide: Masker) -> None:
    """Apply all of them to a namespace, so that changes by earlier runs are undone.

    Raises `InfrastructureError` with the server's message, in which `hide` masks the secrets.
    """
    try:
        namespace.apply(*manifests)
    except Refused as refused:
        raise InfrastructureError(
            hide(refused.what), expected=refused.expected, seen=hide(refused.seen)
        ) from None


def _label(file: Path, one: Manifest) -> str:
    """Return the name of an object for error messages."""
    metadata = one.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not name or not isinstance(one["kind"], str):
        raise UsageError(
            f"{file} holds an object without a name",
            expected="kind and metadata.name in each document",
            seen=f"kind {one['kind']}, name {name}",
        )
    return f"{one['kind']} {name} of {file}"


def _check_scope(what: str, one: Manifest) -> None:
    if one["kind"] == "Job":
        raise UsageError(
            f"{what} is a Job",
            expected="what the Job needs, and not the Job itself",
            seen="kind Job",
            todo="give it with --job",
        )
    object_scope = scope(one)
    if object_scope != "namespace":
        raise UsageError(
            f"{what} cannot be put into a namespace",
            expected="a kind that Kubernetes itself has, and whose objects are in a namespace",
            seen=f"{one['apiVersion']} {one['kind']}, which "
            + ("belongs to the whole cluster" if object_scope else "is not known"),
            todo="leave it out: each scenario has a namespace of its own and nothing else",
        )


def _check_no_broker_conflict(what: str, one: Manifest, broker: list[Manifest]) -> None:
    """Raise `UsageError` for an object that would replace the broker or receive its traffic."""
    if any((own["kind"], own["metadata"]["name"]) == _key(one) for own in broker):
        raise UsageError(
            f"{what} would replace the broker",
            expected="no broker among the manifests",
            seen=f"a {one['kind']} of that name",
            todo="leave it out: each scenario brings a broker of its own",
        )
    selectors = [own["spec"]["selector"] for own in broker if own["kind"] == "Service"]
    for labels in _labels_of_pods(one):
        if any(chosen.items() <= labels.items() for chosen in selectors):
            raise UsageError(
                f"{what} has pods that would be taken for the broker",
                expected="other labels",
                seen=", ".join(f"{name}={value}" for name, value in labels.items()),
                todo="leave it out: each scenario brings a broker of its own",
            )


def _key(one: Manifest) -> tuple[str, str]:
    return one["kind"], one["metadata"]["name"]


def _labels_of_pods(one: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the labels of a Pod, and of all pod templates in an object.

    Any: all that YAML can hold.
    """
    if not isinstance(one, dict):
        return
    for holder in ([one] if one.get("kind") == "Pod" else []) + [one.get("template")]:
        metadata = holder.get("metadata") if isinstance(holder, dict) else None
        labels = metadata.get("labels") if isinstance(metadata, dict) else None
        if isinstance(labels, dict):
            yield labels
    for value in one.values():
        yield from _labels_of_pods(value)


def _check_serializable(what: str, one: Manifest) -> None:
    """Raise `UsageError` for a value that the cluster would refuse in every run.

    The cluster's answer would contain the value.
    """
    try:
        json.dumps(one)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{what} has a value that JSON does not have",
            expected="texts, numbers, lists and tables",
            seen=str(error),
            todo="put it into quotes",
        ) from None
    secret = one["kind"] == "Secret"
    if not secret and one["kind"] != "ConfigMap":
        return
    _check_texts(what, one, "stringData")
    _check_texts(what, one, "data", encoded=secret)
    _check_texts(what, one, "binaryData", encoded=True)


def _check_texts(what: str, one: Manifest, part: str, *, encoded: bool = False) -> None:
    values = one.get(part) or {}
    if not isinstance(values, dict):
        values = {"": values}
    for name, value in values.items():
        if not isinstance(value, str) or (encoded and not _is_base64(value)):
            raise UsageError(
                f"{what} has no {'base64' if encoded else 'text'} in {part}.{name}",
                expected="base64, or stringData in a Secret" if encoded else "a value in quotes",
                seen=f"a value of the type {type(value).__name__}",  # it may be a secret
            )


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
