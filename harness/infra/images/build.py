"""Images built on this machine from packages: Debian's, PyPI's and Go modules."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.core import commands, user_dirs
from harness.core.errors import CommandFailed, InfrastructureError
from harness.core.file_lock import exclusive
from harness.core.progress import Notify
from harness.infra.docker import LONG, Docker
from harness.infra.images import go_build, mutant, python_package
from harness.infra.images.recipe import Catalogue, Recipe


class Builder:
    """Builds or pulls the images of a catalogue that the Docker engine does not have yet."""

    def __init__(self, catalogue: Catalogue, docker: Docker) -> None:
        self._catalogue, self._docker = catalogue, docker

    def build(self, name: str, notify: Notify) -> str:
        """Build or pull the image of `name`, with all images it is made of; return its tag.

        Several processes may call this at the same time: one builds, the others wait for it.
        """
        tag = self._catalogue.tag(name)
        if self._docker.image_id(tag):
            return tag
        recipe = self._catalogue.recipe(name)
        if name not in self._catalogue.pulled:
            for part in [*([recipe.base] if recipe.base else []), *recipe.embeds]:
                self.build(part, notify)
        file = user_dirs.cache_folder() / f"image-{name}.lock"
        with exclusive(file, f"it makes the image {name}", timeout=2 * LONG, notify=notify):
            if not self._docker.image_id(tag):
                if name in self._catalogue.pulled:
                    self._pull(name, tag, notify)
                else:
                    self._build_image(name, recipe, tag, notify)
        return tag

    def _pull(self, name: str, tag: str, notify: Notify) -> None:
        reference = self._catalogue.pulled[name]
        notify(f"docker pull {reference}")
        try:
            self._docker.pull(reference, on_line=notify)
        except CommandFailed as error:
            raise InfrastructureError(
                f"the image {name} cannot be pulled",
                expected=f"{reference} in its registry",
                seen=error.seen,
                todo="check the reference and that its registry answers, or use another source",
            ) from error
        self._docker.tag(reference, tag)

    def _build_image(self, name: str, recipe: Recipe, tag: str, notify: Notify) -> None:
        notify(f"building the image {name}")
        with _scratch(name) as context:
            self._fill_context(name, context)
            if recipe.builder == "debootstrap":
                self._build_base(recipe, context, tag, notify)
                return
            for program in recipe.binaries:
                target = context / "bin" / program.split("/")[1]
                target.parent.mkdir(exist_ok=True)
                shutil.copy2(go_build.binary(self._catalogue, program, notify), target)
            if recipe.embeds:
                self._embed(recipe, context / "embedded.tar", notify)
            python_package.copy_package(recipe.package, context / "package")
            if recipe.wheels:
                python_package.install_wheels(
                    recipe.wheels, recipe.python, context / "wheels", notify
                )
            args = dict(recipe.args)
            if recipe.base:
                args["BASE"] = self._catalogue.tag(recipe.base)
            self._docker.build(context, tag, args=args, on_line=notify)

    def _fill_context(self, name: str, context: Path) -> None:
        changes = self._catalogue.mutants.get(name)
        if changes is None:
            _copy(self._catalogue.context(name), context)
        else:
            mutant.write(name, changes, self._catalogue.context(changes.of), context)
        _make_executable(context)

    def _embed(self, recipe: Recipe, archive: Path, notify: Notify) -> None:
        notify(f"saving {len(recipe.embeds)} images into the context")
        names = []
        for embedded, reference in recipe.embeds.items():
            self._docker.tag(self._catalogue.tag(embedded), reference)
            names.append(reference)
        self._docker.save(names, archive)
        # This removes only the names: the images keep their tags.
        self._docker.untag(*names)

    def _build_base(self, recipe: Recipe, context: Path, tag: str, notify: Notify) -> None:
        if os.geteuid() != 0:
            raise InfrastructureError(
                "a base image can be made from Debian packages by root only",
                expected="to run as root (debootstrap makes device nodes and changes root)",
                seen=f"user id {os.geteuid()}",
                todo="run it as root once, or use --queuejob-images registry or archive",
            )
        root = context / "root"
        commands.run(
            [
                "debootstrap",
                "--variant=minbase",
                *([f"--include={','.join(recipe.include)}"] if recipe.include else []),
                recipe.suite,
                root,
                *_mirror(recipe.suite),
            ],
            timeout=LONG,
            what=f"debootstrap of {recipe.suite}",
            on_line=notify,
        )
        commands.run(["sh", context / "trim.sh", root], timeout=300, what="trimming the base image")
        tree = context / "root.tar"
        commands.run(["tar", "-C", root, "--numeric-owner", "-cf", tree, "."], timeout=300)
        self._docker.run("import", tree, tag, timeout=LONG)


def _mirror(suite: str) -> list[str]:
    """Return the mirror that this machine's apt uses for `suite`, as a list.

    Empty if there is none: debootstrap then uses its default.
    """
    listing = commands.run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(CREATED_BY) $(CODENAME) $(COMPONENT) $(REPO_URI)",
        ],
        timeout=60,
        check=False,
    )
    for line in listing.stdout.splitlines():
        kind, codename, component, uri = (line.split(" ", 3) + [""] * 4)[:4]
        if (kind, codename, component) == ("Packages", suite, "main"):
            return [uri]
    return []


@contextmanager
def _scratch(name: str) -> Iterator[Path]:
    parent = user_dirs.cache_folder() / "contexts"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
    try:
        yield folder
    finally:
        # After an interrupted debootstrap /proc may still be mounted in the tree, and nothing may
        # be deleted through a mount.
        unmount_below(folder)
        shutil.rmtree(folder, ignore_errors=True)


def unmount_below(folder: Path) -> None:
    """Unmount everything that is mounted in `folder`, nested mounts included."""
    points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for point in sorted(points, reverse=True):
        if Path(point).is_relative_to(folder):
            commands.run(["umount", "--lazy", point], timeout=30, check=False)


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(
        source,
        target,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("__pycache__", "recipe.yaml"),
        copy_function=shutil.copyfile,
    )


def _make_executable(context: Path) -> None:
    """Make exactly the files that begin with #! executable: a wheel has no executable bits."""
    for path in context.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                path.chmod(0o755 if file.read(2) == b"#!" else 0o644)
