"""The tap's image is made of what the tap imports, in the versions that the tests run with."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import harness
from harness.core import commands
from harness.infra.docker import Docker
from harness.infra.images import python_package
from harness.infra.images.build import Builder
from harness.infra.images.recipe import Catalogue
from harness.manifests import folder

RECIPE = Catalogue(folder() / "images").recipe("tap")


def test_what_the_image_has_of_the_package_is_enough_to_run(tmp_path: Path) -> None:
    python_package.copy_package(RECIPE.package, tmp_path)
    # -P and the path: neither the checkout nor what is installed is looked at for this package
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from harness.tap import program\n"
        "print(program.__file__)\n"
        "print({name for name in sys.modules if name.startswith('tenacity')})"
    )
    done = commands.run([sys.executable, "-P", "-c", code], timeout=60)
    assert done.stdout.split() == [str(tmp_path / "harness/tap/program.py"), "set()"]


def test_the_wheels_are_those_of_the_constraints() -> None:
    constraints = Path(__file__).parents[4] / "constraints.txt"
    assert set(RECIPE.wheels) <= set(constraints.read_text().split())


def test_the_package_and_the_wheels_are_part_of_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "harness"
    (package / "tap").mkdir(parents=True)
    for name in ("__init__.py", "tap/a.py", "tap/other.txt"):
        (package / name).write_text("")
    monkeypatch.setattr(harness, "__file__", str(package / "__init__.py"))
    recipe = tmp_path / "images/top/recipe.yaml"
    recipe.parent.mkdir(parents=True)
    recipe.write_text("role: helper\npackage: [__init__.py, tap]\npython: '3.11'\nwheels: [a==1]\n")

    def tag() -> str:
        return Catalogue(tmp_path / "images").tag("top")

    first = tag()
    (package / "tap/other.txt").write_text("not Python")
    assert tag() == first
    (package / "tap/a.py").write_text("pass")
    second = tag()
    recipe.write_text(recipe.read_text().replace("a==1", "a==2"))
    assert len({first, second, tag()}) == 3


def test_what_a_recipe_does_not_use_does_not_change_its_key(tmp_path: Path) -> None:
    """Else all images would have to be built anew for one of them."""
    recipe = tmp_path / "images/plain/recipe.yaml"
    recipe.parent.mkdir(parents=True)
    recipe.write_text("role: helper\n")
    first = Catalogue(tmp_path / "images").tag("plain")
    recipe.write_text("role: helper\npackage: []\nwheels: []\npython: ''\n")
    assert Catalogue(tmp_path / "images").tag("plain") == first


def test_package_and_wheels_come_into_the_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUEUEJOB_CACHE", str(tmp_path / "cache"))
    seen: dict[str, object] = {}

    class Engine(Docker):
        def image_id(self, ref: str) -> str | None:
            return "there" if ref != catalogue.tag("tap") else None

        def build(self, context: Path, tag: str, **_: object) -> None:
            seen["files"] = {file.relative_to(context).as_posix() for file in context.rglob("*.py")}

    def install(wheels: object, version: str, target: Path, _: object) -> None:
        seen["wheels"] = (wheels, version, target.name)

    monkeypatch.setattr(python_package, "install_wheels", install)
    catalogue = Catalogue(folder() / "images")
    Builder(catalogue, Engine()).build("tap", lambda _: None)
    assert seen["wheels"] == (RECIPE.wheels, RECIPE.python, "wheels")
    files = seen["files"]
    assert isinstance(files, set)
    assert {"package/harness/__init__.py", "package/harness/tap/program.py"} <= files
    assert not any(name.startswith("package/harness/kube") for name in files)
