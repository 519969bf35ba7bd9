"""What is remembered of a cluster on disk: that it is ours, who uses it, what was loaded.

The record is written before kind starts, so that a half cluster left by a killed process is
known as ours; the container ids in it tell our cluster from another of the same name.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from harness.core.process_identity import ProcessId


class Record(msgspec.Struct, frozen=True):
    """One cluster that this tool makes or made. `started` is an RFC 3339 time in UTC."""

    status: Literal["creating", "ready"]
    started: str
    image: str
    containers: frozenset[str] = frozenset()
    #: The name of the node that may be lost; empty without one.
    spare: str = ""

    def covers(self, containers: Iterable[tuple[str, str]]) -> bool:
        """Are these containers (id, time of creation) the cluster of this record?

        While it was being made nobody knew the ids yet: then all that came later is ours.
        """
        if self.status == "creating":
            return all(created >= self.started for _, created in containers)
        return {ident for ident, _ in containers} <= self.containers


class Store:
    """The folder of one cluster's record, kubeconfig, users and loaded images."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        self._users = folder / "users"

    def read(self) -> Record | None:
        """The record; None when there is none, or it was cut while being written."""
        try:
            return msgspec.json.decode((self.folder / "record.json").read_bytes(), type=Record)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def write(self, record: Record) -> None:
        self._put("record.json", record)

    def forget(self) -> None:
        """Remove all that is known of the cluster."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def join(self, user: ProcessId) -> None:
        """Count `user` among those who need the cluster."""
        self._users.mkdir(parents=True, exist_ok=True)
        self._put(f"users/{user.pid}.json", user)

    def leave(self, user: ProcessId) -> None:
        (self._users / f"{user.pid}.json").unlink(missing_ok=True)

    def has(self, user: ProcessId) -> bool:
        return (self._users / f"{user.pid}.json").exists()

    def users(self) -> list[ProcessId]:
        """Those who need the cluster and still run; the traces of the dead are removed."""
        living = []
        for file in sorted(self._users.glob("*.json")):
            with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
                user = msgspec.json.decode(file.read_bytes(), type=ProcessId)
                if user.alive:
                    living.append(user)
                    continue
            file.unlink(missing_ok=True)
        return living

    def loaded(self) -> frozenset[str]:
        """What was put on which node: `<container id> <image id> <reference>` each."""
        try:
            text = (self.folder / "loaded.json").read_bytes()
            return msgspec.json.decode(text, type=frozenset[str])
        except (FileNotFoundError, msgspec.DecodeError):
            return frozenset()

    def remember_loaded(self, entries: Iterable[str]) -> None:
        self._put("loaded.json", sorted(self.loaded() | set(entries)))

    def _put(self, name: str, value: object) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / name
        fresh = file.with_name(f"{file.name}.new")
        fresh.write_bytes(msgspec.json.encode(value))
        fresh.replace(file)
