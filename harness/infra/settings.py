"""Settings of a run, checked before anything is created."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from harness.core.errors import InfrastructureError, UsageError
from harness.core.timeouts import Timeouts

Keep = Literal["never", "failed", "always"]
Source = Literal["auto", "registry", "packages", "archive"]

KEEPS: tuple[Keep, ...] = get_args(Keep)
SOURCES: tuple[Source, ...] = get_args(Source)
DEFAULT_CLUSTER = "queuejob"

#: Names that kind accepts, without those too long for the host names derived from them.
_CLUSTER_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


@dataclass(frozen=True)
class Settings:
    """Settings of one run. A tutorial worker spends `item_seconds` seconds on each item."""

    provider: str = "kind"
    cluster: str = DEFAULT_CLUSTER
    #: True if the user named the cluster; only then may another tool have created it.
    cluster_named: bool = False
    keep: Keep = "failed"
    images: Source = "auto"
    archive: Path | None = None
    image_refs: Path | None = None
    out: Path = Path("queuejob-out")
    item_seconds: float = 1.0
    #: Port of the API server on this machine; with 0 the system chooses one.
    api_port: int = 0
    #: Create the cluster with one additional node that a run may lose.
    spare_node: bool = False
    timeouts: Timeouts = field(default_factory=Timeouts)
    #: Factor for all time bounds, measured ones included.
    timeout_factor: float = 1.0
    #: Seconds, from the moment the cluster exists, after which a check ends with what it proved.
    max_duration: float = 900.0

    def check(self) -> None:
        """Check all settings.

        Raises `UsageError` for a setting that cannot work, `InfrastructureError` for a port in use.
        """
        if not _CLUSTER_NAME.fullmatch(self.cluster):
            raise UsageError(
                f"{self.cluster!r} cannot be the name of a cluster",
                expected="up to 40 lower-case letters, digits and inner hyphens",
                seen=self.cluster,
                todo="give another --queuejob-cluster",
            )
        _require_known("--queuejob-keep", self.keep, KEEPS)
        _require_known("--queuejob-images", self.images, SOURCES)
        if self.item_seconds < 0:
            raise UsageError(
                "--queuejob-item-seconds is negative",
                expected="0 or more seconds",
                seen=f"{self.item_seconds:g}",
                todo="leave it out for 1 s per item",
            )
        if self.images == "archive" and self.archive is None:
            raise UsageError(
                "the image source `archive` needs a file",
                expected="--queuejob-archive FILE",
                seen="no such option",
                todo="make one with `queuejob images save FILE` where images can be built",
            )
        for flag, path in (
            ("--queuejob-archive", self.archive),
            ("--queuejob-image-refs", self.image_refs),
        ):
            if path is not None and not path.is_file():
                raise UsageError(
                    f"{flag} names no file", expected="a file that can be read", seen=str(path)
                )
        if self.api_port:
            _require_free_port(self.api_port)


def _require_known(flag: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(
            f"{flag} does not know {value!r}", expected=f"one of {', '.join(known)}", seen=value
        )


def _require_free_port(port: int) -> None:
    if not 0 < port < 65536:
        raise UsageError(
            "--queuejob-api-port is no port", expected="1 to 65535, or 0", seen=str(port)
        )
    with socket.socket() as probe:
        # Docker sets this option too, so a port in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise InfrastructureError(
                f"port {port} of this machine is in use",
                expected=f"127.0.0.1:{port} to be free for the cluster's API server",
                seen=str(error),
                todo="give another --queuejob-api-port, or 0 to let the system choose",
            ) from error
