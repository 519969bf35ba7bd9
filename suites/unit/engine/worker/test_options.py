"""What cannot be is said before anything is created, by the command and by the plugin alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import EXIT_USAGE, UsageError
from harness.engine.worker.worker_under_test import WorkerUnderTest
from harness.patterns.seeding import Seeding, argument

JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: mine}
spec:
  template:
    spec:
      restartPolicy: OnFailure
      containers: [CONTAINERS]
"""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--queuejob-image=x"], ["--pattern coarse", "--image x alone"]),
        (["--queuejob-image=x", "--queuejob-pattern=fin"], ["no 'fin'", "did you mean 'fine'?"]),
        (
            ["--queuejob-image=x", "--queuejob-pattern=fine", "--queuejob-queue=a/b"],
            ["'a/b' cannot be the name of the queue"],
        ),
        (
            ["--queuejob-image=x", "--queuejob-pattern=fine", "--queuejob-queue=other"],
            ["--queue-env NAME"],
        ),
        (
            ["--queuejob-image=x", "--queuejob-pattern=fine", "--queuejob-env=HOST"],
            ["'HOST' sets no variable"],
        ),
        (
            ["--queuejob-image=x", "--queuejob-pattern=fine", "--queuejob-start-pattern=Begin .*"],
            ["a group named item"],
        ),
        (
            ["--queuejob-image=x", "--queuejob-pattern=fine", "--queuejob-done-pattern=("],
            ["--done-pattern is no regular expression"],
        ),
        (
            ["--queuejob-image=x", "--queuejob-pattern=coarse", "--queuejob-sentinel=sent"],
            ["--sentinel with --pattern fine only"],
        ),
        (
            ["--queuejob-image=x", "--queuejob-pattern=fine", "--queuejob-digest-pattern=."],
            ["a group named sha256"],
        ),
        (
            ["--queuejob-image=x", "--queuejob-pattern=fine", "--queuejob-concurrency=0"],
            ["--concurrency N, 1 or more"],
        ),
        (
            ["--queuejob-image=x", "--queuejob-pattern=fine", "--queuejob-concurrency=two"],
            ["--concurrency is no number"],
        ),
        (
            ["--queuejob-image=x", "--queuejob-pattern=fine", "--queuejob-max-attempts=0"],
            ["--max-attempts N, 1 or more"],
        ),
        (
            ["--queuejob-image=x", "--queuejob-pattern=fine", "--queuejob-seed=zset"],
            ["--seed does not know 'zset'", "list or stream"],
        ),
        (
            ["--queuejob-image=x", "--queuejob-pattern=coarse", "--queuejob-seed=stream"],
            ["--seed stream with --pattern fine only"],
        ),
        (
            ["--queuejob-image=x", "--queuejob-pattern=fine", "--queuejob-stream-group=g"],
            ["--stream-field with --seed stream", "--seed list"],
        ),
        (
            ["--queuejob-image=x", "--queuejob-pattern=fine", "--queuejob-queue-args=x=1"],
            ["--queue-args with --pattern coarse only"],
        ),
        (
            ["--queuejob-image=x", "--queuejob-pattern=fine", "--queuejob-accept-unproved=S99"],
            ["S99", "one of"],
        ),
    ],
)
def test_a_wrong_option_ends_with_code_4(
    pytester: pytest.Pytester, options: list[str], words: list[str]
) -> None:
    result = pytester.runpytest_subprocess(*options)
    assert result.ret == EXIT_USAGE
    told = result.stdout.str() + result.stderr.str()
    for word in words:
        assert word in told


@pytest.mark.parametrize(
    ("text", "options", "word"),
    [
        ("kind: Pod\napiVersion: v1\n", [], "has no Job"),
        ("a: [", [], "does not parse"),
        (JOB.replace("CONTAINERS", "{name: a}, {name: b}"), [], "2 containers"),
        (
            JOB.replace("CONTAINERS", "{name: a}"),
            ["--queuejob-container=z"],
            "no container 'z'",
        ),
        (JOB.replace("containers: [CONTAINERS]", "volumes: []"), [], "no pod with containers"),
    ],
)
def test_a_manifest_that_does_not_do_ends_with_code_4(
    pytester: pytest.Pytester, tmp_path: Path, text: str, options: list[str], word: str
) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(text)
    worker = ["--queuejob-image=x", "--queuejob-pattern=fine", f"--queuejob-job={file}"]
    result = pytester.runpytest_subprocess(*worker, *options)
    assert result.ret == EXIT_USAGE
    assert word in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("x-queue-type=quorum", "quorum"),
        ("x-max-priority=10", 10),
        ("x-single-active-consumer=true", True),
        ('x-dead-letter-routing-key="10"', "10"),
        ("x-dead-letter-exchange=a=b", "a=b"),
        ('x-dead-letter-exchange=""', ""),
        ("x-max-age=-1h", "-1h"),
    ],
)
def test_an_argument_of_a_queue(word: str, value: object) -> None:
    _, found = argument(word)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("word", ["", "x", "x=", "=1", "a b=1", "durable=7", "durable=no"])
def test_what_is_no_argument_of_a_queue(word: str) -> None:
    with pytest.raises(UsageError, match="--queue-args"):
        argument(word)


def test_a_queue_is_durable_unless_its_user_says_otherwise() -> None:
    assert Seeding().durable
    made = Seeding(arguments=(("durable", False), ("x-max-priority", 3)))
    assert not made.durable
    assert made.of_queue == {"x-max-priority": 3}


@pytest.mark.parametrize("name", ["", "two words", "a\n"])
def test_a_group_and_a_field_have_names(name: str) -> None:
    for seeding in (Seeding("stream", group=name), Seeding("stream", field=name)):
        with pytest.raises(UsageError, match="a word without blanks"):
            WorkerUnderTest("x", "fine", seeding=seeding).check()
    WorkerUnderTest("x", "fine", seeding=Seeding("stream", "a:b-1", "payload")).check()


def test_without_an_image_nothing_is_checked(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_nothing(): pass")
    assert pytester.runpytest_subprocess().ret == 0


def test_an_empty_image_is_none() -> None:
    with pytest.raises(UsageError, match="no worker image"):
        WorkerUnderTest(" ", "fine").check()


def test_a_profile_of_which_a_part_is_left_out_proves_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deselected, skipped, or not there at all: each is code 6, not 0 and not 5."""
    pytester.makepyfile(
        test_them="""
        import os
        import pytest

        @pytest.mark.queuejob_profile
        @pytest.mark.parametrize("id", ["S1", "S2", "S3"])
        def test_holds(id, record_property):
            if id == os.environ.get("SKIP"):
                pytest.skip("not here")
            record_property("queuejob_findings", ["fault-free", id, "pass"])
        """
    )
    worker = ["--queuejob-image=x", "--queuejob-pattern=fine"]
    assert pytester.runpytest_subprocess(*worker).ret == 0
    assert pytester.runpytest_subprocess(*worker, "-k", "S1").ret == 6
    assert pytester.runpytest_subprocess(*worker, "-k", "nothing").ret == 6
    monkeypatch.setenv("SKIP", "S2")
    assert pytester.runpytest_subprocess(*worker).ret == 6
    assert pytester.runpytest_subprocess("-k", "S1").ret == 0


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        ("errors.NotProved('no')", 6),
        ("errors.InfrastructureError('no')", 6),
        ("errors.UsageError('no')", 4),
        ("AssertionError('no')", 1),
    ],
)
def test_what_was_not_proved_is_no_violation(
    pytester: pytest.Pytester, raised: str, code: int
) -> None:
    pytester.makepyfile(
        f"""
        import pytest
        from harness.core import errors

        @pytest.mark.queuejob_profile
        def test_holds():
            raise {raised}
        """
    )
    worker = ["--queuejob-image=x", "--queuejob-pattern=fine"]
    result = pytester.runpytest_subprocess(*worker)
    assert result.ret == code
    assert "conformant" not in result.stdout.str()
