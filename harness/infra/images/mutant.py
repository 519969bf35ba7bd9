"""Mutants: a worker's image with a small change, most of them with one defect each."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from harness.core.errors import UsageError


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`new` for `old`, which is exactly once in `file`, a path below the recipe's context."""

    file: str
    old: str
    new: str


class Mutant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`mutant.yaml`: the image of the recipe `of`, changed.

    The changed files go into the image's working directory; `binaries` are programs of Go modules,
    as in a recipe, and go into its `bin`; `command` replaces the image's own.
    `must` are the ids of the invariants that have to be found broken, `may` those that can follow
    from them; anything else that is found is an error of the judge. `plays` are the scenarios
    (names of modules) that show it, beside the undisturbed one; none: all that prove a `must`.
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
        """What of it changes what is built, besides the images and programs that it names."""
        return msgspec.json.encode((self.changes, self.command))


def write(name: str, mutant: Mutant, original: Path, context: Path) -> None:
    """Fill the empty folder `context` for a build on the image made of the files in `original`.

    Raises `UsageError` where a change does not fit.
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
    """The changed files' texts, by path below `original`.

    Raises `UsageError` where a change does not fit.
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
