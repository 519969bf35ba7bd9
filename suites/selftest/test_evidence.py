"""A test that fails leaves its evidence, also when nothing answers any more."""

from __future__ import annotations

import pytest

CONFTEST = '''
import pytest
from pathlib import Path
from types import SimpleNamespace

from harness.errors import InfrastructureError
from harness.fixtures.namespace import SCENE, Scene


class Silent:
    """A namespace of a cluster that is gone."""

    def __getattr__(self, name):
        raise InfrastructureError(f"the cluster did not answer: {name}")


@pytest.fixture
def scene(request, tmp_path):
    folder = Path("left")
    (folder / "logs").mkdir(parents=True)
    (folder / "logs" / "p.c.0.log").write_text("a line")
    request.node.stash[SCENE] = Scene(Silent(), None, folder)
    yield request.node.stash[SCENE]
    (folder / "torn-down").touch()


@pytest.fixture
def broken(scene):
    raise InfrastructureError("no broker")
'''


@pytest.mark.parametrize("body", ["def test(scene): assert 0", "def test(broken): pass"])
def test_a_failure_leaves_evidence_and_says_where(pytester: pytest.Pytester, body: str) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(body)
    result = pytester.runpytest_inprocess("-p", "no:randomly")
    result.stdout.fnmatch_lines(["*events, states and the logs of all pods are in left"])
    left = {file.name for file in (pytester.path / "left").iterdir()}
    assert left == {
        "events.txt",
        "jobs.txt",
        "pods.txt",
        "pods.yaml",
        "redis.txt",
        "rabbitmq.txt",
        "logs",
        "torn-down",
    }
    told = (pytester.path / "left" / "events.txt").read_text()
    assert told == "not to be had: InfrastructureError: the cluster did not answer: events\n"


def test_a_test_that_passes_leaves_none(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile("def test(scene): pass")
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    assert not (pytester.path / "left" / "events.txt").exists()
