"""Manifests: YAML files as plain dictionaries; errors name the line and the reason."""

from __future__ import annotations

from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from harness.core.errors import UsageError

#: One Kubernetes object, as written in a file.
Manifest = dict[str, Any]


def load(file: Path | Traversable) -> list[Manifest]:
    """Return all objects of a file.

    Raises `UsageError` if the file cannot be read or parsed, or has no object.
    """
    documents = [document for document in _parse(file) if document is not None]
    for document in documents:
        if not isinstance(document, dict) or not {"apiVersion", "kind"} <= document.keys():
            raise UsageError(
                f"{file} holds something that is no Kubernetes object",
                expected="apiVersion, kind and metadata in each document",
                # Only the keys: the values may be secret.
                seen=", ".join(map(str, document))[:200]
                if isinstance(document, dict)
                else type(document).__name__,
            )
    if not documents:
        raise UsageError(f"{file} is empty", expected="one Kubernetes object or more")
    return documents


def load_job(file: Path | Traversable) -> Manifest:
    """Return the only Job of a file; raises `UsageError` if there is not exactly one."""
    documents = load(file)
    jobs = [document for document in documents if document["kind"] == "Job"]
    if len(jobs) != 1:
        kinds = ", ".join(str(document["kind"]) for document in documents)
        raise UsageError(
            f"{file} has {'no Job' if not jobs else f'{len(jobs)} Jobs'}",
            expected="one object of kind Job",
            seen=kinds,
            todo="give the manifest of the Job that runs your worker",
        )
    return jobs[0]


def _parse(file: Path | Traversable) -> list[Any]:
    try:
        return list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}", expected="a YAML file", seen=str(error)) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        location = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise UsageError(
            f"{file} does not parse", expected="YAML", seen=f"{location}{error.problem}"
        ) from error
    except yaml.YAMLError as error:
        raise UsageError(f"{file} does not parse", expected="YAML", seen=str(error)) from error
