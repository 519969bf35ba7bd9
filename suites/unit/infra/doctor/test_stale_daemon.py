"""What a killed Docker daemon leaves behind: told by literal /proc entries and pid files."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.infra.doctor import stale_daemon


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc with a dockerd (10), two containerds, a shell, and a zombie dockerd (50)."""
    folder = tmp_path / "proc"
    lines = {
        10: ["/usr/sbin/dockerd", "--debug"],
        20: ["containerd", "--config", str(tmp_path / "exec/containerd/containerd.toml")],
        30: ["containerd", "--config", "/etc/containerd/config.toml"],
        40: ["sh", "-c", "dockerd"],
        50: [],
    }
    for pid, words in lines.items():
        (folder / str(pid)).mkdir(parents=True)
        text = "".join(f"{word}\0" for word in words)
        (folder / str(pid) / "cmdline").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("content", "found"),
    [("10", 10), ("10\n", 10), ("40", None), ("50", None), ("99", None), ("", None), ("x", None)],
)
def test_a_pid_file_speaks_of_a_daemon_only_if_that_is_one(
    tmp_path: Path, proc: Path, content: str, found: int | None
) -> None:
    """Numbers are used again: a live process is no proof."""
    pidfile = tmp_path / "docker.pid"
    pidfile.write_text(content)
    assert stale_daemon.running_daemon(pidfile, proc) == found


def test_no_pid_file_no_daemon(tmp_path: Path, proc: Path) -> None:
    """The usual case: a machine on which nothing was ever started."""
    assert stale_daemon.running_daemon(tmp_path / "none", proc) is None
    assert stale_daemon.running_containerd(tmp_path / "none", proc) is None


@pytest.mark.parametrize(("pid", "found"), [(20, 20), (30, None), (10, None), (99, None)])
def test_a_containerd_is_ours_by_its_configuration(
    tmp_path: Path, proc: Path, pid: int, found: int | None
) -> None:
    """The system's containerd, or a nested one, has another file."""
    folder = tmp_path / "exec" / "containerd"
    folder.mkdir(parents=True)
    (folder / "containerd.pid").write_text(str(pid))
    assert stale_daemon.running_containerd(tmp_path / "exec", proc) == found
    (tmp_path / "link").symlink_to(tmp_path / "exec")
    assert stale_daemon.running_containerd(tmp_path / "link", proc) == found


def test_clear_removes_what_misleads_and_nothing_else(tmp_path: Path, proc: Path) -> None:
    """Bundles and networks of the dead daemon are for the next one to deal with."""
    folder = tmp_path / "exec" / "containerd"
    (folder / "daemon").mkdir(parents=True)
    (folder / "containerd.toml").touch()
    for name in ("containerd.sock", "containerd.sock.ttrpc", "containerd-debug.sock"):
        (folder / name).touch()
    (folder / "containerd.pid").write_text("30")  # now the number of somebody else
    pidfile = tmp_path / "docker.pid"
    pidfile.write_text("40")
    told: list[str] = []

    stale_daemon.clear(pidfile, tmp_path / "exec", told.append, proc)

    assert not pidfile.exists()
    assert sorted(file.name for file in folder.iterdir()) == ["containerd.toml", "daemon"]
    assert len(told) == 5
    assert told[0] == f"removing {pidfile}, left by a Docker daemon that is gone"

    stale_daemon.clear(pidfile, tmp_path / "exec", told.append, proc)
    assert len(told) == 5
