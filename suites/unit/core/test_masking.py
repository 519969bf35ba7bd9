"""Credentials that a worker prints are in nothing that is kept, and no verdict hangs on that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.checks.judge import judge
from harness.core.masking import mask, masker_for, secrets_of, variable
from harness.engine.observers.connection_owners import ConnectionOwners
from harness.engine.observers.log_listener import ContainerRun
from harness.engine.observers.pod_recorder import PodRecorder
from harness.engine.observers.recorder import Recorder
from harness.history import Event, ItemStarted, LogLine
from harness.suites.unit.dsl.history import Tale, header

SECRET = "hunter2-and-more"  # noqa: S105  # of nobody
JOB = {
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "env": [
                            {"name": "DB_PASSWORD", "value": SECRET},
                            {"name": "BROKER_URL", "value": "amqp://me:bro:ker@mq:5672"},
                            {"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": "kept"}}},
                            {"name": "ITEM_SECONDS", "value": "10"},
                        ]
                    }
                ]
            }
        }
    }
}


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("amqp://guest:hunter2@mq:5672/x", "amqp://REDACTED@mq:5672/x"),
        ("redis://:p@ss@redis:6379", "redis://REDACTED@redis:6379"),
        ("https://ghp_token@github/x y@z", "https://REDACTED@github/x y@z"),
        ("DB_PASSWORD=hunter2, next", "DB_PASSWORD=REDACTED, next"),
        ('{"password": "hun ter2", "a": 1}', '{"password": REDACTED, "a": 1}'),
        ("Authorization: Bearer abc.def", "Authorization: Bearer REDACTED"),
        ("api-key = 'hunter 2'", "api-key = REDACTED"),
        ("Working on banana", "Working on banana"),
        ("see redis://redis:6379/a@b", "see redis://redis:6379/a@b"),
        ("the secret is out", "the secret is out"),
    ],
)
def test_what_looks_like_a_credential_is_hidden(words: str, kept: str) -> None:
    assert mask(words) == kept
    assert mask(kept) == kept


def test_the_secrets_of_a_job_are_hidden_wherever_they_stand() -> None:
    assert set(secrets_of(JOB)) == {SECRET, "bro:ker", ""}
    hide = masker_for(secrets_of(JOB))
    assert hide(f"I log in with <{SECRET}>, bro:ker and 10") == (
        "I log in with <REDACTED>, REDACTED and 10"
    )


def test_short_ones_are_in_too_many_words() -> None:
    assert masker_for(["job2", ""])("of job2") == "of job2"


def test_a_variable_is_known_by_its_name() -> None:
    assert (variable("AUTH", "x"), variable("HOST", "x")) == ("REDACTED", "x")


@pytest.fixture
def wrote(tmp_path: Path) -> Iterator[Callable[[str], list[Event]]]:
    """The events that a line makes; `apple` and a URL were sent."""
    recording = Recorder(tmp_path / "history.ndjson", header())
    sent = [b"apple", b"http://me:secret@shop/a"]
    workers = PodRecorder(
        recording, ConnectionOwners(lambda _: None), "job", sent, hide=masker_for([SECRET])
    )

    def read(words: str) -> list[Event]:
        before = len(recording.events)
        workers.line(ContainerRun("pod-a", "c", 0), f"2026-01-01T00:00:02Z {words}")
        return list(recording.events[before:])

    yield read
    recording.close()
    assert b"hunter2" not in (tmp_path / "history.ndjson").read_bytes()


@pytest.mark.parametrize(
    ("words", "kept", "item"),
    [
        (f"hello {SECRET}", "hello REDACTED", None),
        ("Working on amqp://me:hunter2@mq", "Working on amqp://REDACTED@mq", "amqp://REDACTED@mq"),
        ("Working on apple", "Working on apple", "apple"),
        (
            "Working on http://me:secret@shop/a",
            "Working on http://REDACTED@shop/a",
            "http://me:secret@shop/a",
        ),
        # Cut where the password begins, it would be there without its @.
        ("x" * 4081 + " amqp://me:hunter2@mq", "x" * 4081 + " amqp://REDACTE", None),
    ],
)
def test_a_line_is_recorded_without_them(
    wrote: Callable[[str], list[Event]], words: str, kept: str, item: str | None
) -> None:
    line, *rest = (event.what for event in wrote(words))
    assert isinstance(line, LogLine)
    assert line.text == kept
    assert [one.item for one in rest if isinstance(one, ItemStarted)] == ([item] if item else [])


def test_who_works_on_an_item_with_credentials_is_not_accused() -> None:
    """Its line tells another name than the broker: what was hidden is nobody's invention."""
    tale = Tale("fine")
    item = "http://me:secret@shop/a"
    tale.sent(item)
    tale.came(1, "a")
    tale.given(2, "a", item, until=12.0)
    tale.began(2.5, "a", mask(item))
    tale.settled(4, "a", item)
    tale.exited(9, "a")
    tale.job(9.5, "Complete", succeeded=1)
    tale.over(11)
    assert str(judge(tale.header, tale.events).outcome("S2")) == "pass"
