"""Python in an image: parts of this package, and wheels of others for the image's own Python."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import harness
from harness.core import commands
from harness.core.progress import Notify
from harness.infra.docker import LONG

#: Where a wheel may have been built for, oldest last: what pip takes on a Debian of today.
_PLATFORMS = ("manylinux_2_28", "manylinux2014")


def package_files(parts: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """The modules in `parts`, files and folders of this package, with their names in it."""
    root = Path(harness.__file__).parent
    for part in parts:
        place = root / part
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            yield file.relative_to(root).as_posix(), file


def copy_package(parts: Sequence[str], target: Path) -> None:
    """Put these parts of the package into the folder `target`, below their root `harness`."""
    for name, file in package_files(parts):
        copy = target / "harness" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def install_wheels(wheels: Sequence[str], version: str, target: Path, tell: Notify) -> None:
    """Unpack `wheels` (as name==version) for Python `version` into the folder `target`."""
    tell(f"fetching {', '.join(wheels)} for Python {version}")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
    kind = ["--only-binary=:all:", f"--python-version={version}", "--implementation=cp"]
    kind += [f"--platform={one}_{platform.machine()}" for one in _PLATFORMS]
    commands.run(
        [*pip, *kind, "--target", target, *wheels],
        timeout=LONG,
        what=f"fetching wheels for Python {version}",
        on_line=tell,
    )
