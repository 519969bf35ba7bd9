"""Are the invariants' tests good enough? Each is changed in many small ways: one must notice.

    python bench/mutate/run.py [--out FILE] [MODULE…]

Cosmic Ray changes a copy of `harness/invariants/MODULE.py` (all of the core profile, unless told),
and runs that module's own tests. A change that none of them notices survives; it has to be
explained in `explained.yaml` beside this, or the run ends with 1. It takes about a second a change.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from harness.checks.invariant import INVARIANTS
from harness.core import commands

ROOT = Path(__file__).parents[2]
EXPLAINED = Path(__file__).with_name("explained.yaml")
#: Seconds for the tests of one changed module, and for all changes of one.
TEST, ALL = 60, 7200

TESTS = "harness/suites/unit/checks/invariants"
CONFIG = """
[cosmic-ray]
module-path = "harness/checks/invariants/{module}.py"
timeout = {timeout}
excluded-modules = []
test-command = "{python} -m pytest -q -x {options} {tests}/test_{module}.py"
[cosmic-ray.distributor]
name = "local"
[cosmic-ray.filters.operators-filter]
# It stands in type hints only, which nobody evaluates.
exclude-operators = ["core/ReplaceBinaryOperator_BitOr_.*"]
"""
#: Nothing that a pure test needs is left out, and everything that takes time to import is.
OPTIONS = "-c /dev/null --rootdir . --noconftest --import-mode=importlib -p no:cacheprovider"


class Change(msgspec.Struct, frozen=True, order=True):
    """One line that was changed, without its indentation, and what to."""

    module: str
    old: str
    new: str


class Explained(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change that no test can notice, and why."""

    module: str
    old: str
    new: str
    why: str

    @property
    def change(self) -> Change:
        return Change(self.module, self.old, self.new)


class Result(msgspec.Struct, frozen=True):
    """What became of a module's changes."""

    module: str
    changes: int
    survivors: list[Change]


def mutate(module: str, scratch: Path) -> Result:
    """Change a module in all ways that there are, one after the other."""
    shutil.copytree(ROOT / "harness", scratch / "harness")  # with what its links lead to
    config = CONFIG.format(
        module=module, timeout=TEST, python=sys.executable, options=OPTIONS, tests=TESTS
    )
    (scratch / "config.toml").write_text(config)
    env = {
        "PYTHONPATH": str(scratch),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    files = ("config.toml", "session.sqlite")
    for argv in (
        ("cosmic-ray", "baseline", files[0]),
        ("cosmic-ray", "init", *files),
        ("cr-filter-operators", files[1], files[0]),
        ("cosmic-ray", "exec", *files),
    ):
        commands.run(argv, timeout=ALL, cwd=scratch, env=env, what=f"{argv[0]} of {module}")
    dump = commands.run(("cosmic-ray", "dump", files[1]), timeout=TEST, cwd=scratch, env=env)
    results = [json.loads(line)[1] for line in dump.stdout.splitlines()]
    tried = [one for one in results if one and one["worker_outcome"] != "skipped"]
    left = [one["diff"] for one in tried if one["test_outcome"] == "survived"]
    return Result(module, len(tried), sorted(_change(module, diff) for diff in left))


def _change(module: str, diff: str) -> Change:
    lines = diff.splitlines()
    old = [line[1:].strip() for line in lines if line.startswith("-") and line[:3] != "---"]
    new = [line[1:].strip() for line in lines if line.startswith("+") and line[:3] != "+++"]
    return Change(module, "\n".join(old), "\n".join(new))


def core() -> list[str]:
    """The modules of the core profile's invariants."""
    return [name for name, one in INVARIANTS.all().items() if one.level == "core"]


def results(modules: Sequence[str]) -> Iterator[Result]:
    for module in modules:
        with tempfile.TemporaryDirectory() as scratch:
            yield mutate(module, Path(scratch))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    parser.add_argument("--out", type=Path, help="write the results here, too")
    options = parser.parse_args()
    known = {
        one.change for one in msgspec.yaml.decode(EXPLAINED.read_bytes(), type=list[Explained])
    }
    done, open_ = [], 0
    for result in results(options.modules or core()):
        done.append(result)
        news = [one for one in result.survivors if one not in known]
        open_ += len(news)
        print(
            f"{result.module}: {result.changes} changes, {len(result.survivors)} survived, "
            f"{len(news)} of them not explained",
            flush=True,
        )
        for one in news:
            print(f"  - {one.old}\n  + {one.new}", flush=True)
    if options.out:
        options.out.write_bytes(msgspec.json.format(msgspec.json.encode(done)) + b"\n")
    return 1 if open_ else 0


if __name__ == "__main__":
    sys.exit(main())
