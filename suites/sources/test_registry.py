"""The registry source: images pulled by digest, from a registry on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from allure import step

from harness import manifests
from harness.core.errors import EXIT_NOT_PROVED
from harness.core.progress import Progress
from harness.infra.images.recipe import Catalogue
from harness.infra.images.sources import Images
from harness.suites.sources import registry
from harness.suites.sources.machine import QUEUEJOB, Machine, told

BUILD = (QUEUEJOB, "images", "build", "--images", "registry", "--image-refs")


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory, progress: Progress) -> Path:
    """The registry's program."""
    with progress.step("a container registry") as notify:
        return registry.program(tmp_path_factory.mktemp("registry"), notify)


@pytest.mark.usefixtures("kind_on_path")
def test_runs_on_images_pulled_by_digest(
    images: Images,
    program: Path,
    connected: Machine,
    progress: Progress,
    page: str,
) -> None:
    """All that has a published form is pulled, the rest built on it; the fine page runs there.

    What is built has packages of Debian in it, so the machine reaches them.
    """
    storage, port = connected.folder / "registry", registry.free_port()
    with step("Push what has a published form"), registry.serving(program, storage, port) as here:
        names = images.catalogue.published()
        pushed = {name: push(images, name, here, progress) for name in names}

    refs = references(connected.folder, pushed)
    with registry.serving(program, storage, port, connected.netns):
        with step("images build"), progress.step("queuejob images build, pulling") as notify:
            assert connected.docker.run("image", "ls", "--quiet", "--all").stdout == ""
            done = connected.run(*BUILD, refs, notify=notify)
            assert done.code == 0, told(done)

        with step("What was pushed was pulled, by digest, and is what it was here"):
            assert_pulled(connected, images, pushed)

        with (
            step("The fine page runs"),
            progress.step("the fine page, from the registry") as notify,
        ):
            source = ("--queuejob-images=registry", f"--queuejob-image-refs={refs}")
            done = connected.pytest(page, *source, notify=notify)
            assert done.code == 0, told(done)
            assert "1 passed" in done.stdout, told(done)

    with step("Nothing was built from Go modules: the only program is the node's own kubectl"):
        programs = list((connected.folder / "cache" / "bin").iterdir())
        assert [file.name.partition("-")[0] for file in programs] == ["kubectl"]


def test_a_digest_that_the_registry_lacks(
    images: Images, program: Path, isolated: Machine, progress: Progress
) -> None:
    """Ends with code 6, names the reference and what to do; nothing is on the machine then."""
    storage, port = isolated.folder / "registry", registry.free_port()
    with registry.serving(program, storage, port) as here:
        pushed = push(images, "redis", here, progress)
    wrong = f"{pushed.partition('@')[0]}@sha256:{'0' * 64}"
    refs = references(isolated.folder, {"redis": wrong})

    with registry.serving(program, storage, port, isolated.netns):
        done = isolated.run(*BUILD, refs, "redis")
    assert done.code == EXIT_NOT_PROVED, told(done)
    for words in ("the image redis cannot be pulled", f"expected: {wrong}", "to do: check"):
        assert words in done.stderr, told(done)
    assert isolated.docker.run("image", "ls", "--quiet", "--all").stdout == ""
    assert isolated.docker.containers() == []


def push(images: Images, name: str, address: str, progress: Progress) -> str:
    """Push the image of the recipe `name`, made if need be; its reference by digest."""
    with progress.step(f"pushing {name}") as notify:
        return registry.push(images.docker, images.provide(name, notify), address, notify)


def references(folder: Path, by_name: Mapping[str, str]) -> Path:
    """A file for --image-refs."""
    file = folder / "refs.yaml"
    file.write_text(yaml.safe_dump(dict(by_name)))
    return file


def assert_pulled(machine: Machine, images: Images, pushed: Mapping[str, str]) -> None:
    """Each image there has the digest that it was asked for, and the content that it has here."""
    there = Catalogue(manifests.folder() / "images", pushed)
    for name, reference in pushed.items():
        tag = there.tag(name)
        digests = machine.docker.run("image", "inspect", "--format", "{{json .RepoDigests}}", tag)
        assert json.loads(digests.stdout) == [reference]
        assert machine.docker.image_id(tag) == images.docker.image_id(images.catalogue.tag(name))
