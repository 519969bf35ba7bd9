"""What a Job needs beside itself: ConfigMaps, Secrets and others, from the files of a folder."""

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

#: What a folder is looked through for; the rest of it is for others.
_ENDINGS = (".yaml", ".yml", ".json")


def files(folder: Path) -> list[Path]:
    """The manifests' files, in the order of their names; `UsageError` where there are none."""
    if not folder.is_dir():
        raise UsageError(
            "--manifests names no folder", expected="a folder with YAML files", seen=str(folder)
        )
    found = sorted(one for one in folder.iterdir() if one.suffix in _ENDINGS and one.is_file())
    if not found:
        raise UsageError(
            f"there are no manifests in {folder}",
            expected=f"files that end with {', '.join(_ENDINGS)}",
            seen="nothing of the kind",
            todo="leave --manifests out, if the Job needs nothing beside itself",
        )
    return found


def load_companions(folder: Path, pattern: str) -> tuple[Manifest, ...]:
    """All objects, in order, for a namespace in which there is a pattern's broker.

    Raises `UsageError` for what is no object, or cannot be there.
    """
    found: dict[tuple[str, str], Manifest] = {}
    broker = tapped_manifests(pattern, "", "")
    for file in files(folder):
        for one in load(file):
            what = _named(file, one)
            _in_a_namespace(what, one)
            _can_be_sent(what, one)
            _beside_the_broker(what, one, broker)
            key = one["kind"], one["metadata"]["name"]
            if key in found:
                raise UsageError(
                    f"{what} is there twice", expected="each object once", seen=f"it in {folder}"
                )
            found[key] = one
    return tuple(found.values())


def apply_companions(namespace: Namespace, manifests: Iterable[Manifest], hide: Masker) -> None:
    """Have all of them in a namespace as they say, whatever runs before have made of them.

    Raises `InfrastructureError` with the server's words, from which `hide` has taken the secrets.
    """
    try:
        namespace.apply(*manifests)
    except Refused as refused:
        raise InfrastructureError(
            hide(refused.what), expected=refused.expected, seen=hide(refused.seen)
        ) from None


def _named(file: Path, one: Manifest) -> str:
    """What an object is called in errors."""
    metadata = one.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not name or not isinstance(one["kind"], str):
        raise UsageError(
            f"{file} holds an object without a name",
            expected="kind and metadata.name in each document",
            seen=f"kind {one['kind']}, name {name}",
        )
    return f"{one['kind']} {name} of {file}"


def _in_a_namespace(what: str, one: Manifest) -> None:
    if one["kind"] == "Job":
        raise UsageError(
            f"{what} is a Job",
            expected="what the Job needs, and not the Job itself",
            seen="kind Job",
            todo="give it with --job",
        )
    where = scope(one)
    if where != "namespace":
        raise UsageError(
            f"{what} cannot be put into a namespace",
            expected="a kind that Kubernetes itself has, and whose objects are in a namespace",
            seen=f"{one['apiVersion']} {one['kind']}, which "
            + ("belongs to the whole cluster" if where else "is not known"),
            todo="leave it out: each scenario has a namespace of its own and nothing else",
        )


def _beside_the_broker(what: str, one: Manifest, broker: list[Manifest]) -> None:
    """Nothing may take the place of what the harness watches workers with."""
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
    """Of a Pod, and of all templates for pods in an object. Any: whatever YAML can hold."""
    if not isinstance(one, dict):
        return
    for place in ([one] if one.get("kind") == "Pod" else []) + [one.get("template")]:
        metadata = place.get("metadata") if isinstance(place, dict) else None
        labels = metadata.get("labels") if isinstance(metadata, dict) else None
        if isinstance(labels, dict):
            yield labels
    for inner in one.values():
        yield from _labels_of_pods(inner)


def _can_be_sent(what: str, one: Manifest) -> None:
    """Not what the cluster would refuse for all runs alike, with the values in its answer."""
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
    _texts(what, one, "stringData")
    _texts(what, one, "data", encoded=secret)
    _texts(what, one, "binaryData", encoded=True)


def _texts(what: str, one: Manifest, part: str, *, encoded: bool = False) -> None:
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
