"""Where things are kept: own variables before XDG's, XDG's before the home folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core import user_dirs
from harness.core.errors import InfrastructureError


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made at the first question, for their owner alone."""
    for name in ("QUEUEJOB_CACHE", "QUEUEJOB_STATE", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_dirs.cache_folder() == tmp_path / ".cache" / "queuejob"
    assert user_dirs.state_folder() == tmp_path / ".local" / "state" / "queuejob"
    assert user_dirs.state_folder().stat().st_mode & 0o777 == 0o700

    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert user_dirs.cache_folder() == tmp_path / ".cache" / "queuejob"
    assert user_dirs.state_folder() == tmp_path / "xdg" / "queuejob"

    monkeypatch.setenv("QUEUEJOB_STATE", str(tmp_path / "own"))
    assert user_dirs.state_folder() == tmp_path / "own"


def test_a_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable that helps."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("QUEUEJOB_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(InfrastructureError, match="set QUEUEJOB_CACHE to another folder"):
        user_dirs.cache_folder()
