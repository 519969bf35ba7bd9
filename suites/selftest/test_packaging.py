"""What is in the tree is in the wheel, and what the manifests say can be read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_package_is_in_the_wheel() -> None:
    listed = set(PROJECT["tool"]["setuptools"]["packages"])
    roots = PROJECT["tool"]["setuptools"]["package-dir"]
    there = {
        ".".join([package, *init.parent.relative_to(ROOT / folder).parts])
        for package, folder in roots.items()
        for init in (ROOT / folder).rglob("__init__.py")
    }
    assert listed == there - {"harness.suites.selftest"}


def test_every_dependency_is_pinned() -> None:
    def name(requirement: str) -> str:
        return re.split(r"[<>=\[; ]", requirement)[0].lower().replace("_", "-")

    pinned = {name(line) for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert {name(line) for line in PROJECT["project"]["dependencies"]} <= pinned


@pytest.mark.parametrize("file", sorted((ROOT / "manifests").rglob("*.yaml")), ids=lambda f: f.name)
def test_every_manifest_is_yaml(file: Path) -> None:
    documents = list(yaml.safe_load_all(file.read_text()))
    assert documents
    assert all(isinstance(document, dict) for document in documents)
