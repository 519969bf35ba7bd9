"""Installation of the OCI runtime wrapper, for daemons that outlive this process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from harness.core.user_dirs import state_folder
from harness.infra.doctor import oci_runtime

#: Name of the wrapper in a daemon's list of runtimes.
RUNTIME = "queuejob"


def home() -> Path:
    """Return the path at which the wrapper belongs; writes nothing."""
    return state_folder() / "oci-runtime"


def text() -> str:
    """Return the text of the program.

    The base interpreter runs it, so that the program still works after a venv is deleted.
    -I and -S exclude the caller's environment and site-packages, -E its PYTHON* variables.
    """
    # Inside a venv only this undocumented attribute names the interpreter that created it.
    interpreter = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    return f"#!{interpreter} -ISE\n" + Path(oci_runtime.__file__).read_text(encoding="utf-8")


def install(path: Path | None = None) -> Path:
    """Install the current wrapper at `path` (default: `home()`), and return its path.

    The file is replaced in one step, because a daemon may be starting a container meanwhile.
    """
    target, content = path or home(), text()
    if target.is_file() and target.read_text(encoding="utf-8") == content:
        target.chmod(0o755)
        return target
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new_file = target.with_name(f"{target.name}.{os.getpid()}")
    new_file.write_text(content, encoding="utf-8")
    new_file.chmod(0o755)
    new_file.replace(target)
    return target
