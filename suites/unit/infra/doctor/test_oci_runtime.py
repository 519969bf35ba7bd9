"""The OCI runtime wrapper: which capabilities it takes away, and from which file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness.infra.doctor import oci_runtime, runtime_wrapper
from harness.infra.doctor.oci_runtime import missing_capabilities, option, rewrite, without

RESOURCE = frozenset({"CAP_SYS_RESOURCE"})
ALL = 0x1FFFFFFFFFF
PROCESS = {
    "args": ["sh"],
    "capabilities": {
        "bounding": ["CAP_KILL", "CAP_SYS_RESOURCE"],
        "effective": ["CAP_SYS_RESOURCE"],
        "ambient": None,
    },
}
LESS = {
    "args": ["sh"],
    "capabilities": {"bounding": ["CAP_KILL"], "effective": [], "ambient": []},
}


def test_missing_capabilities_are_the_bits_that_are_not_set() -> None:
    """Bit 24 is CAP_SYS_RESOURCE; bits above what the kernel knows are nobody's loss."""
    assert missing_capabilities(ALL) == frozenset()
    assert missing_capabilities(ALL & ~(1 << 24)) == RESOURCE
    assert missing_capabilities(0b110, last=2) == {"CAP_CHOWN"}
    assert len(missing_capabilities(0)) == 41


def test_without_leaves_a_process_that_names_no_capabilities() -> None:
    """Docker leaves the sets out when a container drops them all."""
    assert without(PROCESS, RESOURCE) == LESS
    assert without({"args": ["sh"]}, RESOURCE) == {"args": ["sh"]}


def test_option_takes_both_spellings() -> None:
    """runc accepts `--bundle X` and `--bundle=X`."""
    assert option(["create", "--bundle", "/b", "id"], "--bundle", "-b") == "/b"
    assert option(["create", "--bundle=/b", "id"], "--bundle", "-b") == "/b"
    assert option(["create", "-b", "/b", "id"], "--bundle", "-b") == "/b"
    assert option(["create", "--bundle"], "--bundle", "-b") is None


@pytest.mark.parametrize("command", ["create", "run"])
@pytest.mark.parametrize("spelling", [["--bundle", "{}"], ["--bundle={}"], ["-b", "{}"]])
def test_create_and_run_edit_the_config_of_the_bundle(
    tmp_path: Path, command: str, spelling: list[str]
) -> None:
    """Everything but the capabilities stays as Docker wrote it."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"ociVersion": "1.0.2", "process": PROCESS}))
    words = [word.format(tmp_path) for word in spelling]
    rewrite(["--root", "/r", "--log", "/l", command, *words, "id"], RESOURCE)
    assert json.loads(config.read_text()) == {"ociVersion": "1.0.2", "process": LESS}


@pytest.mark.parametrize("spelling", [["--process", "{}"], ["--process={}"], ["-p", "{}"]])
def test_exec_edits_the_process_file(tmp_path: Path, spelling: list[str]) -> None:
    """`docker exec --privileged` hands its capabilities over in a file of their own."""
    file = tmp_path / "process"
    file.write_text(json.dumps(PROCESS))
    rewrite(["exec", *(word.format(file) for word in spelling), "--detach", "id"], RESOURCE)
    assert json.loads(file.read_text()) == LESS


def test_nothing_is_touched_where_nothing_is_missing(tmp_path: Path) -> None:
    """On a complete host the wrapper reads and writes no file at all."""
    (tmp_path / "config.json").write_text("not even JSON")
    rewrite(["create", "--bundle", str(tmp_path), "id"], frozenset())
    rewrite(["kill", "id"], RESOURCE)
    assert (tmp_path / "config.json").read_text() == "not even JSON"


def test_the_wrapper_is_installed_once_and_again_when_it_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is run by an interpreter outside of any venv, without that one's site-packages."""
    monkeypatch.setenv("QUEUEJOB_STATE", str(tmp_path))
    path = runtime_wrapper.install()
    first, program = path.read_text().split("\n", 1)
    assert path == tmp_path / "oci-runtime"
    assert os.access(path, os.X_OK)
    assert program == Path(oci_runtime.__file__).read_text()
    interpreter, flags = first.removeprefix("#!").split()
    assert flags == "-ISE"
    assert not (Path(interpreter).parent.parent / "pyvenv.cfg").exists()

    before = path.stat().st_ino
    assert runtime_wrapper.install().stat().st_ino == before
    path.write_text("an older one")
    assert runtime_wrapper.install().read_text() == f"{first}\n{program}"
    assert list(tmp_path.iterdir()) == [path]
