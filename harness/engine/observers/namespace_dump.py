"""Dumps the state of a namespace to files, for a person who wants to find out why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from harness.core import masking
from harness.infra.kube import Namespace


def dump(namespace: Namespace, folder: Path, states: Mapping[str, Callable[[], str]]) -> list[Path]:
    """Write events, Jobs, pods and `states` into a folder; return the files in reading order.

    An entry of `states` is a file name with a function that returns the text, such as a broker's
    state. A part that fails leaves its reason in its file; the other files are still written.
    """
    parts: dict[str, Callable[[], str]] = {
        "events.txt": lambda: "\n".join(map(str, namespace.events())),
        "jobs.txt": lambda: namespace.kubectl("describe", "jobs").stdout,
        "pods.txt": lambda: namespace.kubectl("describe", "pods").stdout,
        "pods.yaml": lambda: namespace.kubectl("get", "pods", "--output=yaml").stdout,
        **{f"{name}.txt": state for name, state in states.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(folder / name, part) for name, part in parts.items()]


def _write(file: Path, part: Callable[[], str]) -> Path:
    try:
        text = part()
    # Any error (a client of a broker has errors of its own): the other files matter more.
    except Exception as error:
        text = f"not to be had: {type(error).__name__}: {error}"
    file.write_text(masking.mask(text).rstrip() + "\n", encoding="utf-8")
    return file
