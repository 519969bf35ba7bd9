"""What is in the tree is in the wheel, and what the manifests say can be read."""

from __future__ import annotations

import re
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from harness.core import commands

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a wheel that is built of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    argv = [sys.executable, "-m", "pip", "wheel", "--quiet", *options, str(ROOT)]
    commands.run(argv, timeout=120, what="building a wheel", cwd=folder)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def test_all_modules_are_in_the_wheel_and_no_test_but_the_profiles(wheel: set[str]) -> None:
    source = {*(ROOT / "harness").rglob("*.py"), *(ROOT / "fixtures").rglob("*.py")}
    expected = {
        path.relative_to(ROOT).as_posix().replace("fixtures/", "harness/fixtures/", 1)
        if path.is_relative_to(ROOT / "fixtures")
        else path.relative_to(ROOT).as_posix()
        for path in source
    }
    expected |= {f"harness/suites/{name}/__init__.py" for name in ("core", "extended")}
    found = {name for name in wheel if name.endswith(".py")}
    suites = {name.split("/")[2] for name in found if name.startswith("harness/suites/")}
    assert suites == {"__init__.py", "core", "extended"}
    assert expected - found == set()


def test_the_data_of_the_package_are_in_the_wheel(wheel: set[str]) -> None:
    data = {
        path.relative_to(ROOT).as_posix()
        for folder in ("checks", "report")
        for path in (ROOT / "harness" / folder).rglob("*")
        if path.suffix not in (".py", ".pyc") and path.is_file()
    }
    data |= {
        f"harness/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "manifests").rglob("*")
        if path.suffix != ".pyc" and path.is_file()
    }
    assert data - wheel == set()
    assert "harness/py.typed" in wheel


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
