"""What the commands about this machine share: where images come from, and the infrastructure."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.core.progress import Progress
from harness.infra.infrastructure import Infrastructure
from harness.infra.settings import DEFAULT_CLUSTER, SOURCES, Settings


def add_image_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where images come from."""
    parser.add_argument("--images", default="auto", metavar="|".join(SOURCES), dest="source")
    parser.add_argument("--archive", type=Path, help="file made by `queuejob images save`")
    parser.add_argument("--image-refs", type=Path, help="YAML file, recipe: reference by digest")


def infrastructure(options: argparse.Namespace) -> Infrastructure:
    """The infrastructure that the options describe. Raises `UsageError` where they cannot be."""
    settings = Settings(
        cluster=getattr(options, "name", DEFAULT_CLUSTER),
        images=getattr(options, "source", "auto"),
        archive=getattr(options, "archive", None),
        image_refs=getattr(options, "image_refs", None),
    )
    settings.check()
    return Infrastructure(settings, Progress())
