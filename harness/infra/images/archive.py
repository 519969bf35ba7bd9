"""One file with all that a cluster needs: images and binaries, for where nothing can be reached.

A tar file: `contents.json` first, then `images.tar` (as `docker save` writes it) and the
binaries. Everything but `contents.json` is listed there with its SHA-256 and checked on loading.
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

_FIRST = "contents.json"
_IMAGES = "images.tar"
_CHUNK = 1 << 20


class Contents(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is in an archive: recipe name → tag, member → SHA-256, Go binary → member."""

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
    tell: Notify,
) -> int:
    """Write the images `names` and the Go `binaries` to `file`; return its size in bytes."""
    with tempfile.TemporaryDirectory(dir=user_dirs.cache_folder()) as scratch:
        images = Path(scratch) / _IMAGES
        tags = {name: catalogue.tag(name) for name in names}
        tell(f"docker save of {len(tags)} images")
        docker.save(list(tags.values()), images)
        members = {_IMAGES: images}
        for binary in binaries:
            members[f"bin/{binary}"] = go_build.binary(catalogue, binary, tell)
        tell("computing digests")
        contents = Contents(
            format=1,
            version=__version__,
            pulled=catalogue.pulled,
            tags=tags,
            binaries={binary: f"bin/{binary}" for binary in binaries},
            sha256={member: _sha256(path) for member, path in members.items()},
        )
        fresh = file.with_name(f".{file.name}.new")
        try:
            with tarfile.open(fresh, "w") as tar:
                head = msgspec.json.encode(contents)
                info = tarfile.TarInfo(_FIRST)
                info.size = len(head)
                tar.addfile(info, io.BytesIO(head))
                for member, path in members.items():
                    tell(f"writing {member}")
                    tar.add(path, member)
            fresh.replace(file)
        finally:
            fresh.unlink(missing_ok=True)
    return file.stat().st_size


def contents(file: Path) -> Contents:
    """What `file` says that it holds; `UsageError` when it is no archive of ours."""
    try:
        with tarfile.open(file) as tar:
            first = tar.next()
            stream = tar.extractfile(first) if first and first.name == _FIRST else None
            if stream is None:
                raise UsageError(
                    f"{file} is not an archive of this tool",
                    expected=f"a tar file that begins with {_FIRST}",
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


def load(file: Path, catalogue: Catalogue, docker: Docker, tell: Notify) -> None:
    """Put all of `file` where a run looks for it: images into Docker, binaries into the cache."""
    described = contents(file)
    _fits(file, described, catalogue)
    with (
        tempfile.TemporaryDirectory(dir=user_dirs.cache_folder()) as scratch,
        tarfile.open(file) as tar,
    ):
        for member, digest in described.sha256.items():
            tell(f"unpacking {member}")
            target = Path(scratch) / member
            target.parent.mkdir(parents=True, exist_ok=True)
            _unpack(file, tar, member, target, digest)
        for binary, member in described.binaries.items():
            go_build.adopt(catalogue, binary, (Path(scratch) / member).read_bytes())
        tell(f"docker load of {len(described.tags)} images")
        docker.load(Path(scratch) / _IMAGES)


def _fits(file: Path, described: Contents, catalogue: Catalogue) -> None:
    other = [name for name, tag in described.tags.items() if catalogue.tag(name) != tag]
    if other:
        raise UsageError(
            f"{file} was made from other recipes than this installation has",
            expected=", ".join(catalogue.tag(name) for name in other),
            seen=f"{', '.join(described.tags[name] for name in other)} (by {described.version})",
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
