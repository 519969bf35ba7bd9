"""YAML, image recipes and workers; read through `importlib.resources`, so also from a wheel."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def folder() -> Path:
    """Where the manifests are on disk (a wheel is always installed unpacked)."""
    return Path(str(files(__name__)))
