"""The plugin in a pytest of its own: what it refuses, how it ends, what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

#: A provider that only writes down what it is asked for; it stands in a conftest.
PROVIDER = """
import os
import signal
from pathlib import Path
from harness.errors import InfrastructureError
from harness import bringup
from harness.ports import Cluster

calls = Path(__file__).parent / "calls"

def write(word):
    with calls.open("a") as file:
        file.write(word + "\\n")

class Stub:
    name = "kind"
    def __init__(self, *parts): ...
    def acquire(self):
        write("acquire")
        {acquire}
        return Cluster("c", Path("k"), Path("k"), True)
    def held(self):
        return calls.exists() and "acquire" in calls.read_text()
    def release(self, *, keep):
        write(f"release keep={{keep}}")
    def farewell(self):
        return "how to reach it"

bringup.Bench.bring_up = lambda self: self.provider.acquire()
bringup.Bench.provider = property(lambda self: Stub())
"""


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QUEUEJOB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("QUEUEJOB_CACHE", str(tmp_path / "cache"))


def with_provider(pytester: pytest.Pytester, acquire: str = "pass") -> None:
    pytester.makeconftest(PROVIDER.format(acquire=acquire))


def calls(pytester: pytest.Pytester) -> list[str]:
    file = pytester.path / "calls"
    return file.read_text().splitlines() if file.exists() else []


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--queuejob-provider=kint", "*no 'kint' among the providers*"),
        ("--queuejob-images=registri", "*--queuejob-images does not know 'registri'*"),
        ("--queuejob-keep=sometimes", "*--queuejob-keep does not know 'sometimes'*"),
        ("--queuejob-cluster=No_Such", "*'No_Such' cannot be the name of a cluster*"),
        ("--queuejob-images=archive", "*the image source `archive` needs a file*"),
        ("--queuejob-archive=no.tar", "*--queuejob-archive names no file*"),
        ("--queuejob-item-seconds=soon", "*--queuejob-item-seconds is no number*"),
        ("--queuejob-max-duration=0", "*--queuejob-max-duration is no number above 0*"),
        ("--queuejob-max-duration=nan", "*--queuejob-max-duration is no number above 0*"),
        ("--queuejob-spare-node=perhaps", "*--queuejob-spare-node is neither yes nor no*"),
        ("--queuejob-api-port=70000", "*--queuejob-api-port is no port*"),
    ],
)
def test_bad_options_end_with_4_before_anything_is_made(
    pytester: pytest.Pytester, option: str, message: str
) -> None:
    with_provider(pytester)
    pytester.makepyfile("def test(cluster): pass")
    result = pytester.runpytest_subprocess(option)
    assert result.ret == 4
    result.stderr.fnmatch_lines([message])
    assert calls(pytester) == []


def test_a_port_in_use_ends_with_6(pytester: pytest.Pytester) -> None:
    import socket  # noqa: PLC0415  # only this test needs one

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = pytester.runpytest_subprocess(f"--queuejob-api-port={port}")
    assert result.ret == 6
    result.stderr.fnmatch_lines([f"*port {port} of this machine is in use*"])


def test_without_a_cluster_test_nothing_is_touched(pytester: pytest.Pytester) -> None:
    with_provider(pytester)
    pytester.makepyfile("def test(): pass\ndef test_more(cluster): pass")
    for arguments in (["--collect-only"], ["--help"], ["-k", "not more"]):
        assert pytester.runpytest_subprocess(*arguments).ret == 0
    assert calls(pytester) == []


@pytest.mark.parametrize(
    ("keep", "body", "expected"),
    [
        ("failed", "pass", False),
        ("failed", "assert 0", True),
        ("never", "assert 0", False),
        ("always", "pass", True),
    ],
)
def test_keep_decides_what_becomes_of_the_cluster(
    pytester: pytest.Pytester, keep: str, body: str, expected: bool
) -> None:
    with_provider(pytester)
    pytester.makepyfile(f"def test(cluster): {body}")
    result = pytester.runpytest_subprocess(f"--queuejob-keep={keep}")
    assert calls(pytester) == ["acquire", f"release keep={expected}"]
    assert ("how to reach it" in result.stderr.str()) is expected


def test_under_xdist_the_controller_gives_the_cluster_back_once(pytester: pytest.Pytester) -> None:
    with_provider(pytester)
    pytester.makepyfile(
        "import pytest\n@pytest.mark.parametrize('n', range(4))\ndef test(cluster, n): pass"
    )
    result = pytester.runpytest_subprocess("-n2")
    result.assert_outcomes(passed=4)
    assert calls(pytester)[-1] == "release keep=False"
    assert [line for line in calls(pytester) if line.startswith("release")] == [
        "release keep=False"
    ]


@pytest.mark.parametrize("xdist", [[], ["-n2"]])
def test_no_cluster_ends_with_6_at_once_and_says_why(
    pytester: pytest.Pytester, xdist: list[str]
) -> None:
    with_provider(pytester, "raise InfrastructureError('no room', seen='0 GB', todo='buy a disk')")
    pytester.makepyfile("\n".join(f"def test_{n}(cluster): pass" for n in range(20)))
    result = pytester.runpytest_subprocess(*xdist)
    assert result.ret == 6
    assert "to do: buy a disk" in result.stdout.str()
    assert "Traceback" not in result.stdout.str()
    # Workers run ahead of the controller: with them the end only comes soon, not at once.
    assert xdist or result.parseoutcomes()["errors"] == 1


def test_a_failed_test_is_1_also_beside_a_failed_set_up(pytester: pytest.Pytester) -> None:
    with_provider(pytester)
    pytester.makepyfile(
        """
        import pytest
        from harness.errors import InfrastructureError

        @pytest.fixture
        def broker():
            raise InfrastructureError("no broker")

        def test_one(cluster, broker): pass
        def test_two(cluster): assert 0
        """
    )
    result = pytester.runpytest_subprocess()
    assert result.ret == 1
    result.assert_outcomes(errors=1, failed=1)


def test_a_set_up_that_failed_is_6_and_lets_the_others_run(pytester: pytest.Pytester) -> None:
    with_provider(pytester)
    pytester.makepyfile(
        """
        import pytest
        from harness.errors import InfrastructureError

        @pytest.fixture
        def broker():
            raise InfrastructureError("no broker")

        def test_one(cluster, broker): pass
        def test_two(cluster): pass
        """
    )
    result = pytester.runpytest_subprocess()
    assert result.ret == 6
    result.assert_outcomes(errors=1, passed=1)


def test_an_interrupt_gives_the_cluster_back(pytester: pytest.Pytester) -> None:
    with_provider(pytester)
    pytester.makepyfile("def test(cluster): raise KeyboardInterrupt")
    result = pytester.runpytest_subprocess()
    assert result.ret == 2
    assert calls(pytester) == ["acquire", "release keep=False"]


def test_a_second_interrupt_does_not_stop_the_clean_up(pytester: pytest.Pytester) -> None:
    with_provider(pytester)
    body = (pytester.path / "conftest.py").read_text()
    impatient = "signal.raise_signal(signal.SIGINT)\n        write("
    pytester.makeconftest(body.replace('write(f"release', f'{impatient}f"release'))
    pytester.makepyfile(
        """
        import signal

        def test(cluster):
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.raise_signal(signal.SIGINT)
        """
    )
    result = pytester.runpytest_subprocess()
    assert result.ret == 2
    assert calls(pytester) == ["acquire", "release keep=False"]


def test_a_second_interrupt_before_the_clean_up_does_not_stop_it_either(
    pytester: pytest.Pytester,
) -> None:
    """Others have to come to their end first, as xdist's processes."""
    with_provider(pytester)
    body = (pytester.path / "conftest.py").read_text()
    early = """
import signal

def pytest_sessionfinish():
    signal.raise_signal(signal.SIGINT)
"""
    pytester.makeconftest(body + early)
    pytester.makepyfile(
        """
        import signal

        def test(cluster):
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.raise_signal(signal.SIGINT)
        """
    )
    result = pytester.runpytest_subprocess()
    assert result.ret == 2
    assert calls(pytester) == ["acquire", "release keep=False"]


def test_the_folder_of_a_test_stays_only_when_it_failed(pytester: pytest.Pytester) -> None:
    with_provider(pytester)
    pytester.makepyfile(
        """
        def test_good(test_folder): (test_folder / "x").touch()
        def test_bad(test_folder):
            (test_folder / "x").touch()
            assert 0
        """
    )
    pytester.runpytest_subprocess("--queuejob-out=left")
    left = [path.parent.name for path in (pytester.path / "left").glob("*/x")]
    assert len(left) == 1
    assert left[0].endswith("test_bad")


def test_ini_settings_are_twins_of_the_options(pytester: pytest.Pytester) -> None:
    with_provider(pytester)
    pytester.makeini("[pytest]\nqueuejob_keep = always\nqueuejob_cluster = mine\n")
    pytester.makepyfile("def test(cluster, settings): assert settings.cluster_named")
    result = pytester.runpytest_subprocess()
    result.stdout.fnmatch_lines(["queuejob: *cluster mine*keep always"])
    assert calls(pytester) == ["acquire", "release keep=True"]
