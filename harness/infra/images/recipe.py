"""Recipes: one folder under `manifests/images` describes one image.

A folder with a `mutant.yaml` under `manifests/workers` is a recipe, too: a changed worker image.

The content identifies an image: its tag is a digest of everything that goes into it. A changed
recipe is therefore another image, and an unchanged one is never built twice.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from harness.core.errors import UsageError
from harness.infra.images import python_package
from harness.infra.images.mutant import Mutant

S = TypeVar("S")
_KEY_LENGTH = 12


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"base": "from"}):
    """Content of `recipe.yaml`.

    Names in `base`, `embeds` and `binaries` refer to other recipes and to Go modules.
    `binaries` are `<go module>/<binary>`; each is in the build context as `bin/<binary>`.
    `embeds` maps a recipe to its image's name in the context's `embedded.tar`.
    `published` is the reference, by digest, that the registry source pulls instead of a build.
    `context` is the folder with the files to build, relative to the recipe's folder.
    `package` has files and folders of this package; they are in the context as `package/harness`.
    `wheels` are PyPI's, unpacked for the image's Python version `python` as `wheels`.

    A cluster has brokers, helpers and workers on its nodes from the start. A `twin` (a reference
    worker in another language) and a `mutant` are built and loaded when a run needs them.
    """

    role: Literal["node", "control-plane", "base", "broker", "helper", "worker", "twin", "mutant"]
    builder: Literal["dockerfile", "debootstrap"] = "dockerfile"
    base: str | None = None
    binaries: tuple[str, ...] = ()
    embeds: dict[str, str] = {}
    args: dict[str, str] = {}
    published: str | None = None
    context: str = "."
    package: tuple[str, ...] = ()
    python: str = ""
    wheels: tuple[str, ...] = ()
    suite: str = ""
    include: tuple[str, ...] = ()


class GoModule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Content of `build.yaml`: the programs to build from a module (binary name → package).

    `source` is the folder of its go.mod, go.sum and code, relative to the folder of `build.yaml`.
    """

    version: str
    binaries: dict[str, str]
    source: str = "."
    ldflags: str = "-s -w"


class Catalogue:
    """All recipes below one folder, with their content keys.

    `pulled` maps a recipe's name to the reference that replaces its build.
    """

    def __init__(self, folder: Path, pulled: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.pulled = dict(pulled or {})
        self._recipes: dict[str, Recipe] = {}
        for file in sorted(folder.glob("*/recipe.yaml")):
            self._recipes[file.parent.name] = _decode(file, Recipe)
        #: The changes of the recipes with the role `mutant`, by recipe name.
        self.mutants: Mapping[str, Mutant] = {
            file.parent.name: _decode(file, Mutant)
            for file in sorted(folder.parent.glob("workers/*/*/mutant.yaml"))
        }
        for name, mutant in self.mutants.items():
            self._recipes[name] = Recipe("mutant", base=mutant.of, binaries=mutant.binaries)
        self._keys: dict[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._recipes)

    def published(self) -> dict[str, str]:
        """Return the references that the recipes name, by recipe name."""
        return {name: r.published for name, r in self._recipes.items() if r.published}

    def recipe(self, name: str) -> Recipe:
        """Return the recipe `name`; raises `UsageError` if there is none."""
        try:
            return self._recipes[name]
        except KeyError:
            raise UsageError(
                f"there is no image recipe {name!r}",
                expected=f"one of {', '.join(self.names)}",
                seen=name,
            ) from None

    def wanted(self, *roles: str) -> tuple[str, ...]:
        """Return the names of the recipes with one of `roles`, in the catalogue's order."""
        return tuple(name for name, recipe in self._recipes.items() if recipe.role in roles)

    def context(self, name: str) -> Path:
        """Return the folder whose files go into the build."""
        return (self.folder / name / self.recipe(name).context).resolve()

    def module_folder(self, module: str) -> Path:
        """Return the folder of a Go module's go.mod and go.sum."""
        return (self.folder / "go" / module / self.module(module).source).resolve()

    def module(self, module: str) -> GoModule:
        return _decode(self.folder / "go" / module / "build.yaml", GoModule)

    def module_key(self, module: str) -> str:
        """Return the content key of a Go module, a digest of its files and its `build.yaml`."""
        plan = ("build.yaml", (self.folder / "go" / module / "build.yaml").read_bytes())
        return _digest(sorted({plan, *_files(self.module_folder(module))}))

    def key(self, name: str) -> str:
        """Return the content key of an image.

        It is a digest of the reference if the image is pulled, otherwise of all its contents.
        """
        if name not in self._keys:
            self._keys[name] = self._key(name)
        return self._keys[name]

    def _key(self, name: str) -> str:
        if name in self.pulled:
            return _digest([("pulled", self.pulled[name].encode())])
        recipe = self.recipe(name)
        parts = [("recipe", msgspec.json.encode(_build_fields(recipe)))]
        if name in self.mutants:
            parts.append(("changes", self.mutants[name].building()))
        else:
            parts += _files(self.context(name))
        images = ([recipe.base] if recipe.base else []) + sorted(recipe.embeds)
        parts += [(f"image {image}", self.key(image).encode()) for image in images]
        package_files = python_package.package_files(recipe.package)
        parts += [(f"package {name}", file.read_bytes()) for name, file in package_files]
        modules = sorted({binary.split("/")[0] for binary in recipe.binaries})
        parts += [(f"module {module}", self.module_key(module).encode()) for module in modules]
        return _digest([*parts, ("machine", platform.machine().encode())])

    def tag(self, name: str) -> str:
        """Return the local name of the image, `queuejob/<name>:<key>`."""
        return f"queuejob/{name}:{self.key(name)}"


def _build_fields(recipe: Recipe) -> dict[str, object]:
    """Return the fields of a recipe that change the build; `published` does not."""
    fields: dict[str, object] = msgspec.to_builtins(recipe)
    # Without these newer fields an image keeps the key that it had before they existed.
    unused = {name for name in ("package", "python", "wheels") if not fields[name]}
    return {name: value for name, value in fields.items() if name not in unused} | {
        "published": None
    }


def _files(folder: Path) -> list[tuple[str, bytes]]:
    def walk() -> Iterator[tuple[str, bytes]]:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name != "recipe.yaml" and "__pycache__" not in path.parts:
                yield path.relative_to(folder).as_posix(), path.read_bytes()

    return list(walk())


def _digest(parts: list[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for label, content in parts:
        digest.update(label.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()[:_KEY_LENGTH]


def _decode(file: Path, kind: type[S]) -> S:
    try:
        return msgspec.yaml.decode(file.read_bytes(), type=kind)
    except (msgspec.DecodeError, OSError) as error:
        raise UsageError(
            f"cannot read {file}", expected=f"the fields of {kind.__name__}", seen=str(error)
        ) from error
