"""Python code in an image: parts of this package, and wheels for the image's Python."""

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

#: Platforms of usable wheels, oldest last: those that pip accepts on a current Debian.
_PLATFORMS = ("manylinux_2_28", "manylinux2014")


def package_files(parts: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Yield name and path of each module in `parts`: files and folders of this package.

    The name is the path relative to the package.
    """
    root = Path(harness.__file__).parent
    for part in parts:
        path = root / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            yield file.relative_to(root).as_posix(), file


def copy_package(parts: Sequence[str], target: Path) -> None:
    """Copy these parts of the package into the folder `target`, below `harness`."""
    for name, file in package_files(parts):
        copy = target / "harness" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def install_wheels(wheels: Sequence[str], version: str, target: Path, notify: Notify) -> None:
    """Download and unpack wheels.

    Args:
        wheels: Requirements, as `name==version`.
        version: The Python version that the wheels are for.
        target: The folder to unpack into.
        notify: Receives progress lines.
    """
    notify(f"fetching {', '.join(wheels)} for Python {version}")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
    filters = ["--only-binary=:all:", f"--python-version={version}", "--implementation=cp"]
    filters += [f"--platform={name}_{platform.machine()}" for name in _PLATFORMS]
    commands.run(
        [*pip, *filters, "--target", target, *wheels],
        timeout=LONG,
        what=f"fetching wheels for Python {version}",
        on_line=notify,
    )
