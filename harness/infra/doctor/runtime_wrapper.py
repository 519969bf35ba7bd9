"""Puts the OCI runtime wrapper where a Docker daemon can find it, long after we have ended."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from harness.core.user_dirs import state_folder
from harness.infra.doctor import oci_runtime

#: The name that the wrapper has among a daemon's runtimes.
RUNTIME = "queuejob"


def home() -> Path:
    """Where the wrapper belongs; nothing is written."""
    return state_folder() / "oci-runtime"


def text() -> str:
    """The program: run by the base interpreter, so that it survives the end of a venv.

    -I and -S keep the caller's environment and site-packages out, -E its PYTHON* variables.
    """
    # Inside a venv only this undocumented attribute names the interpreter that made it.
    interpreter = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    return f"#!{interpreter} -ISE\n" + Path(oci_runtime.__file__).read_text(encoding="utf-8")


def install(path: Path | None = None) -> Path:
    """Have the current wrapper at `path` (default: its home), and say where that is.

    The file is replaced in one step: a daemon may be starting a container meanwhile.
    """
    target, wanted = path or home(), text()
    if target.is_file() and target.read_text(encoding="utf-8") == wanted:
        target.chmod(0o755)
        return target
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    fresh.write_text(wanted, encoding="utf-8")
    fresh.chmod(0o755)
    fresh.replace(target)
    return target
