"""Registries: objects of this package and of others, by name, and never two of one name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from harness.checks.invariant import INVARIANTS
from harness.core import registry
from harness.core.errors import UsageError
from harness.infra.cluster import PROVIDERS
from harness.patterns.base import PATTERNS
from harness.report import formats
from harness.suites.unit.dsl.reports import good

Add = Callable[..., None]


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Add:
    """Install an entry point that leads to an object of a module called `elsewhere`."""

    def install(group: str, name: str, thing: object) -> None:
        module = ModuleType("elsewhere", "What another distribution adds.")
        module.__dict__["THING"] = thing
        monkeypatch.setitem(sys.modules, "elsewhere", module)
        point = EntryPoint(name, "elsewhere:THING", group)
        monkeypatch.setattr(
            registry, "_entry_points", lambda asked: (point,) if asked == group else ()
        )

    return install


def test_an_entry_point_adds_an_object(add: Add) -> None:
    add("queuejob.patterns", "streams", "a pattern")
    assert PATTERNS.names() == ["coarse", "fine", "streams"]
    assert PATTERNS.get("streams") == "a pattern"
    assert PATTERNS.summary("streams") == "What another distribution adds."


def test_modules_that_are_no_package_are_no_pattern() -> None:
    assert {*PATTERNS.all()} == {"coarse", "fine"}
    assert PROVIDERS.names() == ["kind"]


@pytest.mark.parametrize("ask", [INVARIANTS.names, INVARIANTS.all])
def test_a_name_for_two_objects_is_an_error_with_both_origins(
    add: Add, ask: Callable[[], object]
) -> None:
    add("queuejob.invariants", "s01_no_loss", "a judge that always says pass")
    with pytest.raises(UsageError) as raised:
        ask()
    text = str(raised.value)
    assert "two of the invariants are called 's01_no_loss'" in text
    assert "the module harness.checks.invariants.s01_no_loss" in text
    assert "the entry point 'elsewhere:THING'" in text


def test_the_built_in_object_is_not_replaced(add: Add) -> None:
    add("queuejob.patterns", "fine", "another pattern")
    with pytest.raises(UsageError, match="rename the entry point in the group"):
        PATTERNS.get("fine")


def test_an_unknown_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="did you mean 'coarse'"):
        PATTERNS.get("coarze")


def test_a_format_of_another_distribution_is_written(add: Add, tmp_path: Path) -> None:
    report = good(tmp_path)
    added = formats.Format(("own.txt",), lambda report, _: {"own.txt": report.kind.encode()})
    add("queuejob.formats", "own", added)
    written = formats.write(report, tmp_path)
    assert tmp_path / "own.txt" in written
    assert tmp_path / "own.txt" in {*formats.known(tmp_path)}
