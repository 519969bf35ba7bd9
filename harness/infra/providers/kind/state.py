"""State of a cluster on disk: that this tool created it, its users, and the loaded images.

The record is written before kind starts, so that an incomplete cluster of a killed process is
known as this tool's. The container ids in the record distinguish the cluster from another
cluster of the same name.
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
    """One cluster that this tool creates or created. `started` is an RFC 3339 time in UTC."""

    status: Literal["creating", "ready"]
    started: str
    image: str
    containers: frozenset[str] = frozenset()
    #: Name of the node that a run may lose; empty if there is none.
    spare: str = ""

    def covers(self, containers: Iterable[tuple[str, str]]) -> bool:
        """Return whether these containers (id, time of creation) belong to this record.

        During the creation the ids are not known yet: then every later container belongs to it.
        """
        if self.status == "creating":
            return all(created >= self.started for _, created in containers)
        return {ident for ident, _ in containers} <= self.containers


class Store:
    """The folder with one cluster's record, kubeconfig, users and loaded images."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        self._users = folder / "users"

    def read(self) -> Record | None:
        """Return the record; None if there is none, or its file is incomplete."""
        try:
            return msgspec.json.decode((self.folder / "record.json").read_bytes(), type=Record)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def write(self, record: Record) -> None:
        self._put("record.json", record)

    def forget(self) -> None:
        """Delete all state of the cluster."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def join(self, user: ProcessId) -> None:
        """Add the process `user` to the users of the cluster."""
        self._users.mkdir(parents=True, exist_ok=True)
        self._put(f"users/{user.pid}.json", user)

    def leave(self, user: ProcessId) -> None:
        (self._users / f"{user.pid}.json").unlink(missing_ok=True)

    def has(self, user: ProcessId) -> bool:
        return (self._users / f"{user.pid}.json").exists()

    def users(self) -> list[ProcessId]:
        """Return the live users of the cluster; delete the files of dead processes."""
        users = []
        for file in sorted(self._users.glob("*.json")):
            with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
                user = msgspec.json.decode(file.read_bytes(), type=ProcessId)
                if user.alive:
                    users.append(user)
                    continue
            file.unlink(missing_ok=True)
        return users

    def loaded(self) -> frozenset[str]:
        """Return what is on which node, as `<container id> <image id> <reference>`."""
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
        new_file = file.with_name(f"{file.name}.new")
        new_file.write_bytes(msgspec.json.encode(value))
        new_file.replace(file)
