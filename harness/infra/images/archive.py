"""Archive of all images and binaries that a cluster needs, for machines without network.

A tar file: `contents.json` first, then `images.tar` (as `docker save` writes it) and the
binaries. `contents.json` lists all other members with their SHA-256, which loading checks.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
import tempfile
from pathlib import Path

import msgspec

from harness import __version__
from harness.core import user_dirs
from harness.core.errors import InfrastructureError, UsageError
from harness.core.progress import Notify
from harness.infra.docker import Docker
from harness.infra.images import go_build
from harness.infra.images.recipe import Catalogue

_CONTENTS = "contents.json"
_IMAGES = "images.tar"
_CHUNK = 1 << 20


class Contents(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Contents of an archive: recipe name → tag, member → SHA-256, Go binary → member."""

    format: int
    version: str
    pulled: dict[str, str]
    tags: dict[str, str]
    binaries: dict[str, str]
    sha256: dict[str, str]


def save(
    file: Path,
    catalogue: Catalogue,
    names: tuple[str, ...],
    binaries: tuple[str, ...],
    *,
    docker: Docker,
    notify: Notify,
) -> int:
    """Write images and Go binaries to `file`.

    Args:
        file: The archive to write; an existing one is replaced.
        catalogue: The recipes of the images and binaries.
        names: The images, by recipe name.
        binaries: The Go binaries, as `<module>/<binary>`.
        docker: The engine that has the images.
        notify: Receives progress lines.

    Returns:
        The size of the archive in bytes.
    """
    with tempfile.TemporaryDirectory(dir=user_dirs.cache_folder()) as scratch:
        images = Path(scratch) / _IMAGES
        tags = {name: catalogue.tag(name) for name in names}
        notify(f"docker save of {len(tags)} images")
        docker.save(list(tags.values()), images)
        members = {_IMAGES: images}
        for binary in binaries:
            members[f"bin/{binary}"] = go_build.binary(catalogue, binary, notify)
        notify("computing digests")
        contents = Contents(
            format=1,
            version=__version__,
            pulled=catalogue.pulled,
            tags=tags,
            binaries={binary: f"bin/{binary}" for binary in binaries},
            sha256={member: _sha256(path) for member, path in members.items()},
        )
        new_file = file.with_name(f".{file.name}.new")
        try:
            with tarfile.open(new_file, "w") as tar:
                header = msgspec.json.encode(contents)
                info = tarfile.TarInfo(_CONTENTS)
                info.size = len(header)
                tar.addfile(info, io.BytesIO(header))
                for member, path in members.items():
                    notify(f"writing {member}")
                    tar.add(path, member)
            new_file.replace(file)
        finally:
            new_file.unlink(missing_ok=True)
    return file.stat().st_size


def contents(file: Path) -> Contents:
    """Return the contents that `file` lists.

    Raises `UsageError` if it is not an archive of this tool.
    """
    try:
        with tarfile.open(file) as tar:
            first = tar.next()
            stream = tar.extractfile(first) if first and first.name == _CONTENTS else None
            if stream is None:
                raise UsageError(
                    f"{file} is not an archive of this tool",
                    expected=f"a tar file that begins with {_CONTENTS}",
                    seen=first.name if first else "an empty tar file",
                    todo="make one with `queuejob images save FILE`",
                )
            return msgspec.json.decode(stream.read(), type=Contents)
    except (tarfile.TarError, msgspec.DecodeError, OSError) as error:
        raise UsageError(
            f"{file} is not an archive of this tool",
            expected="a file made by `queuejob images save`",
            seen=str(error),
        ) from error


def load(file: Path, catalogue: Catalogue, docker: Docker, notify: Notify) -> None:
    """Load an archive: the images into Docker, the binaries into the cache."""
    listing = contents(file)
    _require_same_recipes(file, listing, catalogue)
    with (
        tempfile.TemporaryDirectory(dir=user_dirs.cache_folder()) as scratch,
        tarfile.open(file) as tar,
    ):
        for member, digest in listing.sha256.items():
            notify(f"unpacking {member}")
            target = Path(scratch) / member
            target.parent.mkdir(parents=True, exist_ok=True)
            _unpack(file, tar, member, target, digest)
        for binary, member in listing.binaries.items():
            go_build.adopt(catalogue, binary, (Path(scratch) / member).read_bytes())
        notify(f"docker load of {len(listing.tags)} images")
        docker.load(Path(scratch) / _IMAGES)


def _require_same_recipes(file: Path, described: Contents, catalogue: Catalogue) -> None:
    changed = [name for name, tag in described.tags.items() if catalogue.tag(name) != tag]
    if changed:
        raise UsageError(
            f"{file} was made from other recipes than this installation has",
            expected=", ".join(catalogue.tag(name) for name in changed),
            seen=f"{', '.join(described.tags[name] for name in changed)} (by {described.version})",
            todo="make it again with the same version of queuejob-conformance",
        )


def _unpack(file: Path, tar: tarfile.TarFile, member: str, target: Path, digest: str) -> None:
    try:
        stream = tar.extractfile(member)
    except KeyError:
        stream = None
    if stream is not None:
        with target.open("wb") as sink:
            shutil.copyfileobj(stream, sink, _CHUNK)
        if _sha256(target) == digest:
            return
    raise InfrastructureError(
        f"{file} is damaged",
        expected=f"{member} with SHA-256 {digest}",
        seen="another content" if stream else "no such member",
        todo="copy or make the archive again",
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
