"""Mutants: worker images with a small change; most of them have exactly one defect."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from harness.core.errors import UsageError


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Replacement of `old` by `new` in `file`, a path below the recipe's context.

    `old` must occur exactly once in the file.
    """

    file: str
    old: str
    new: str


class Mutant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Content of `mutant.yaml`: changes to the image of the recipe `of`.

    The changed files go into the image's working directory. `binaries` are programs of Go modules,
    as in a recipe, and go into its `bin`. `command` replaces the image's own command.
    `must` has the ids of the invariants that the judge has to report as violated, `may` those that
    can follow from them; any other violation in a report is an error of the judge. `plays` has the
    scenarios (module names) that show the defect, in addition to the undisturbed one; empty: all
    scenarios that prove a `must`.
    """

    of: str
    says: str
    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    plays: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    binaries: tuple[str, ...] = ()
    command: tuple[str, ...] = ()

    def building(self) -> bytes:
        """Return the part that changes the build, without the images and programs it names."""
        return msgspec.json.encode((self.changes, self.command))


def write(name: str, mutant: Mutant, original: Path, context: Path) -> None:
    """Fill the empty folder `context` for a build on top of the original image.

    Args:
        name: The mutant's name, for error messages.
        mutant: The changes.
        original: The folder with the files of the original image.
        context: The build context to fill.

    Raises:
        UsageError: A change does not fit the original file.
    """
    lines = ["ARG BASE", "FROM ${BASE}"]
    if mutant.changes:
        lines.append("COPY changed/ ./")
    if mutant.binaries:
        lines.append("COPY bin/ ./bin/")
    if mutant.command:
        lines.append(f"CMD {json.dumps(mutant.command)}")
    (context / "Dockerfile").write_text("\n".join([*lines, ""]))
    for file, text in changed(name, mutant, original).items():
        target = context / "changed" / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def changed(name: str, mutant: Mutant, original: Path) -> dict[str, str]:
    """Return the texts of the changed files, by path below the folder `original`.

    Raises `UsageError` if a change does not fit the original file.
    """
    texts: dict[str, str] = {}
    for change in mutant.changes:
        text = texts.get(change.file) or (original / change.file).read_text()
        if text.count(change.old) != 1:
            raise UsageError(
                f"the mutant {name} does not fit {mutant.of}",
                expected=f"exactly once in {change.file}: {change.old!r}",
                seen=f"{text.count(change.old)} times",
                todo=f"adapt its mutant.yaml to what is in {original}",
            )
        texts[change.file] = text.replace(change.old, change.new)
    return texts
