"""The `queuejob` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from harness import __version__
from harness.checks import guarantees
from harness.checks.plan import needed, part_of
from harness.cli import check, listing
from harness.cli import report as reports
from harness.cli.gate import command as gate
from harness.cli.judge import judge_files
from harness.cli.parser import CliParser
from harness.core.errors import EXIT_INTERRUPTED, EXIT_NOT_PROVED, EXIT_OK, QueuejobError
from harness.core.progress import Progress
from harness.core.text import several
from harness.infra.doctor import checkup
from harness.infra.images import archive, cluster_tools, sources
from harness.infra.infrastructure import Infrastructure
from harness.infra.settings import DEFAULT_CLUSTER, SOURCES, Settings
from harness.report import formats, store
from harness.report import site as publish
from harness.report.model import Report


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    options = _parser().parse_args(argv)
    try:
        code: int = options.run(options)
    except QueuejobError as error:
        print(f"queuejob: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("queuejob: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = CliParser(prog="queuejob", description=__doc__)
    parser.add_argument("--version", action="version", version=f"queuejob {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    doctor = commands.add_parser(
        "doctor", help="what is missing on this machine, and why it matters"
    )
    doctor.add_argument("--fix", action="store_true", help="get what is missing")
    doctor.set_defaults(run=_doctor)
    _image_options(doctor)

    check.add(commands.add_parser("check", help=check.HELP, description=check.DESCRIPTION))

    judge = commands.add_parser("judge", help="judge recorded histories again, without a cluster")
    judge.add_argument("histories", nargs="+", type=Path, metavar="HISTORY")
    judge.set_defaults(run=_judge)

    reports.add(commands)

    site = commands.add_parser("publish", help="make a static site of a folder of reports")
    site.add_argument("reports", type=Path, metavar="REPORTS", help="folder with reports below it")
    site.add_argument("--out", type=Path, required=True, metavar="SITE", help="folder of the site")
    site.set_defaults(run=_publish)

    gate.add(commands.add_parser("gate", help=gate.HELP, description=gate.DESCRIPTION))

    explain = commands.add_parser("explain", help="a guarantee: why it matters, how it is kept")
    explain.add_argument("id", nargs="?", metavar="ID", help="as S9; without it, all in a list")
    explain.add_argument("--markdown", action="store_true", help="all of them as one page")
    explain.set_defaults(run=_explain)

    listing.add(commands.add_parser("list", help=listing.HELP))

    images = commands.add_parser("images", help="the images that a cluster needs")
    actions = images.add_subparsers(required=True, metavar="ACTION")
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
            _image_options(action)

    cluster = commands.add_parser("cluster", help="clusters that this tool made")
    cluster_actions = cluster.add_subparsers(required=True, metavar="ACTION")
    delete = cluster_actions.add_parser("delete", help="delete a cluster that was kept")
    delete.add_argument("name", nargs="?", default=DEFAULT_CLUSTER)
    delete.set_defaults(run=_delete)
    return parser


def _image_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--images", default="auto", metavar="|".join(SOURCES), dest="source")
    parser.add_argument("--archive", type=Path, help="file made by `queuejob images save`")
    parser.add_argument("--image-refs", type=Path, help="YAML file, recipe: reference by digest")


def _infrastructure(options: argparse.Namespace) -> Infrastructure:
    settings = Settings(
        cluster=getattr(options, "name", DEFAULT_CLUSTER),
        images=getattr(options, "source", "auto"),
        archive=getattr(options, "archive", None),
        image_refs=getattr(options, "image_refs", None),
    )
    settings.check()
    return Infrastructure(settings, Progress())


def _doctor(options: argparse.Namespace) -> int:
    infrastructure = _infrastructure(options)
    if options.fix:
        infrastructure.install_missing()
    rows = checkup.examine(infrastructure.requirements())
    print(checkup.table(rows))
    return EXIT_OK if all(row.finding and row.finding.present for row in rows) else EXIT_NOT_PROVED


def _judge(options: argparse.Namespace) -> int:
    return judge_files(options.histories, sys.stdout, needed, part_of)


def _publish(options: argparse.Namespace) -> int:
    published = publish.publish(
        options.reports, options.out, lambda path: store.verified(path)[1], _page
    )
    for skipped in published.left_out:
        print(f"queuejob: left out: {skipped.path}: {skipped.why}", file=sys.stderr)
    print(f"{options.out / 'index.html'}: {several(len(published.reports), 'report')}")
    return EXIT_NOT_PROVED if published.left_out else EXIT_OK


def _page(report: Report, folder: Path) -> bytes:
    return formats.FORMATS.get("html").render(report, folder)["index.html"]


def _explain(options: argparse.Namespace) -> int:
    if options.markdown:
        text = guarantees.page(guarantees.guarantees())
    elif options.id is None:
        text = guarantees.listed(guarantees.guarantees())
    else:
        text = guarantees.told(guarantees.guarantee(options.id))
    print(text.rstrip())
    return EXIT_OK


def _list(options: argparse.Namespace) -> int:
    images = _infrastructure(options).images
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
    infrastructure = _infrastructure(options)
    for name in options.names or sources.final(infrastructure.images.catalogue):
        with infrastructure.progress.step(f"image {name}") as detail:
            infrastructure.images.provide(name, detail)
    return EXIT_OK


def _save(options: argparse.Namespace) -> int:
    infrastructure = _infrastructure(options)
    infrastructure.install_missing()
    images = infrastructure.images
    with infrastructure.progress.step(f"saving to {options.file}") as detail:
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
    infrastructure = _infrastructure(options)
    with infrastructure.progress.step(f"loading {options.file}"):
        loaded = infrastructure.images
    print(f"{len(sources.final(loaded.catalogue))} images are here")
    return EXIT_OK


def _delete(options: argparse.Namespace) -> int:
    _infrastructure(options).provider.delete()
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
