"""`queuejob images`: the images that a cluster needs."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli.machine import add_image_options, infrastructure
from harness.core.errors import EXIT_OK
from harness.infra.images import archive, cluster_tools, sources


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's actions to the parser."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, run, text in (
        ("list", _list, "every image: its name, where it comes from, whether it is here"),
        ("build", _build, "have all images, or the named ones"),
        ("save", _save, "write all of them, and kind, into one file"),
        ("load", _load, "take in a file that `save` has written"),
    ):
        action = actions.add_parser(name, help=text)
        action.set_defaults(run=run)
        if name in ("save", "load"):
            action.add_argument("file", type=Path)
        if name == "load":
            action.set_defaults(source="archive")
        if name == "build":
            action.add_argument("names", nargs="*", metavar="NAME")
        if name != "load":
            add_image_options(action)


def _list(options: argparse.Namespace) -> int:
    images = infrastructure(options).images
    names = images.catalogue.names
    width = max(len(name) for name in names)
    for name in names:
        tag = images.catalogue.tag(name)
        present = images.docker.image_id(tag) is not None
        size = f"{images.docker.image_size(tag) / 1e6:5.0f} MB" if present else "not here"
        origin = images.catalogue.pulled.get(name, "built on this machine")
        print(f"{name:<{width}}  {size}  {tag}  {origin}")
    return EXIT_OK


def _build(options: argparse.Namespace) -> int:
    machine = infrastructure(options)
    for name in options.names or sources.final(machine.images.catalogue):
        with machine.progress.step(f"image {name}") as detail:
            machine.images.provide(name, detail)
    return EXIT_OK


def _save(options: argparse.Namespace) -> int:
    machine = infrastructure(options)
    machine.install_missing()
    images = machine.images
    with machine.progress.step(f"saving to {options.file}") as detail:
        final = sources.final(images.catalogue)
        size = archive.save(
            options.file,
            images.catalogue,
            final,
            (cluster_tools.KIND,),
            docker=images.docker,
            notify=detail,
        )
    print(f"{options.file}: {size / 1e6:.0f} MB")
    return EXIT_OK


def _load(options: argparse.Namespace) -> int:
    options.archive = options.file
    machine = infrastructure(options)
    with machine.progress.step(f"loading {options.file}"):
        loaded = machine.images
    print(f"{len(sources.final(loaded.catalogue))} images are here")
    return EXIT_OK
