"""A headless Chromium, as Debian's package `chromium` brings it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from harness.core.commands import which
from harness.core.errors import InfrastructureError
from harness.fixtures.session.stash import INFRASTRUCTURE

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser; `QUEUEJOB_CHROMIUM` names another than the one on PATH."""
    named = os.environ.get("QUEUEJOB_CHROMIUM")
    program = named or next((path for name in _NAMES if (path := which(name))), None)
    if program is None:
        raise InfrastructureError(
            "there is no browser to look at the page with",
            expected=f"one of {', '.join(_NAMES)} on PATH",
            seen="none",
            todo="apt-get install chromium, or set QUEUEJOB_CHROMIUM",
        )
    # Chromium's own sandbox does not work as root, and the page is ours and fetches nothing.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="session")
def kept(request: pytest.FixtureRequest) -> Path:
    """Where screenshots are kept for a look."""
    folder: Path = request.config.stash[INFRASTRUCTURE].settings.out / "page"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
