"""Sources of images: a registry, packages, an archive, or an automatic choice of these.

The source decides which `Catalogue` applies. With the registry, recipes that have a published
reference are pulled by digest, and the other images are built on top of those.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from harness.core.errors import CommandFailed, TimedOut, UsageError
from harness.core.progress import Notify
from harness.infra.docker import Docker
from harness.infra.images import archive, go_build
from harness.infra.images.build import Builder
from harness.infra.images.recipe import Catalogue
from harness.infra.settings import Settings
from harness.manifests import folder

_BY_DIGEST = re.compile(r"\S+@sha256:[0-9a-f]{64}")
#: Seconds for a registry to give its first answer.
_PROBE = 15.0


class Images:
    """The images of one run: their catalogue, their source, and how to provide them."""

    def __init__(self, catalogue: Catalogue, docker: Docker, source: str) -> None:
        self.catalogue, self.docker, self.source = catalogue, docker, source
        self._builder = Builder(catalogue, docker)

    def provide(self, name: str, notify: Notify) -> str:
        """Build or pull the image of the recipe `name` into the Docker engine; return its tag."""
        return self._builder.build(name, notify)

    def missing(self, *names: str) -> tuple[str, ...]:
        """Return those of `names` that the engine does not have yet."""
        return tuple(n for n in names if self.docker.image_id(self.catalogue.tag(n)) is None)


def choose(settings: Settings, docker: Docker, notify: Notify) -> Images:
    """Return the images from the source in `settings.images`.

    `auto` uses the archive if the user named one. Otherwise it uses packages or the registry if
    all images of that source are on this machine already; then a registry that answers; then
    packages.
    """
    recipes = folder() / "images"
    published = _references(settings.image_refs, Catalogue(recipes))
    built, pulled = Catalogue(recipes), Catalogue(recipes, published)
    if settings.images == "packages":
        return Images(built, docker, "packages")
    if settings.images == "registry":
        return Images(pulled, docker, "registry")
    if settings.archive is not None:
        return _from_archive(settings.archive, recipes, docker, notify)
    for name, catalogue in (("packages", built), ("registry", pulled)):
        images = Images(catalogue, docker, name)
        if not images.missing(*final(catalogue)):
            return images
    if _answers(docker, published["node"]):
        return Images(pulled, docker, "registry")
    notify("no registry answers: building from packages")
    return Images(built, docker, "packages")


def final(catalogue: Catalogue) -> tuple[str, ...]:
    """Return the images that run, without those that are only parts of other images."""
    return catalogue.wanted("node", "broker", "helper", "worker")


def _from_archive(file: Path, recipes: Path, docker: Docker, notify: Notify) -> Images:
    contents = archive.contents(file)
    images = Images(Catalogue(recipes, contents.pulled), docker, "archive")
    if images.missing(*final(images.catalogue)) or any(
        go_build.present(images.catalogue, binary) is None for binary in contents.binaries
    ):
        archive.load(file, images.catalogue, docker, notify)
    return images


def _references(file: Path | None, catalogue: Catalogue) -> Mapping[str, str]:
    """Return recipe name → reference by digest, from the recipes and the user's file."""
    references = catalogue.published()
    if file is None:
        return references
    try:
        own = msgspec.yaml.decode(file.read_bytes(), type=dict[str, str])
    except msgspec.DecodeError as error:
        raise UsageError(
            f"cannot read {file}", expected="YAML, a line `recipe: reference` each", seen=str(error)
        ) from error
    for name, reference in own.items():
        catalogue.recipe(name)
        if not _BY_DIGEST.fullmatch(reference):
            raise UsageError(
                f"{file} does not say which image is {name}",
                expected="a reference by digest, NAME@sha256:…: a tag may change its image",
                seen=reference,
            )
    return {**references, **own}


def _answers(docker: Docker, reference: str) -> bool:
    try:
        return docker.run("manifest", "inspect", reference, timeout=_PROBE, check=False).ok
    except (TimedOut, CommandFailed):
        return False
