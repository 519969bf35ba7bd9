"""Other pytest plugins keep their fixtures where this one is installed, and work as before."""

from __future__ import annotations

import re

import pytest

#: A fixture that this plugin once had under the same name, and the package that it belongs to.
FIXTURES = [
    ("settings", "pytest_django"),
    ("rabbitmq", "pytest_rabbitmq"),
    ("redisdb", "pytest_redis"),
    ("docker_services", "pytest_docker"),
    ("event_loop_policy", "pytest_asyncio"),
]

SETTINGS = "SECRET_KEY = 'x'\nINSTALLED_APPS = []\nFIRST = 1\n"

TESTS = """
import asyncio
import pytest

def test_django(settings):
    settings.FIRST = 2
    from django.conf import settings as configured
    assert configured.FIRST == 2

@pytest.mark.asyncio
async def test_asyncio():
    await asyncio.sleep(0)

def test_docker(docker_compose_file):
    assert docker_compose_file.endswith("docker-compose.yml")

def test_own(queuejob_settings):
    assert queuejob_settings.cluster == "queuejob"
"""


@pytest.mark.parametrize(("fixture", "package"), FIXTURES)
def test_a_fixture_of_another_plugin_is_its_own(
    pytester: pytest.Pytester, fixture: str, package: str
) -> None:
    listed = pytester.runpytest_subprocess("--fixtures", "-v").stdout.str()
    (origin,) = re.findall(rf"^{fixture}(?: \[\w+ scope\])? -- (\S+)", listed, re.MULTILINE)
    assert package in origin


def test_every_fixture_of_this_plugin_has_its_prefix(pytester: pytest.Pytester) -> None:
    listed = pytester.runpytest_subprocess("--fixtures", "-v").stdout.str()
    ours = re.findall(r"^(\w+)(?: \[\w+ scope\])? -- \S*fixtures/\w+\.py", listed, re.MULTILINE)
    assert {"queuejob_cluster", "queuejob_namespace", "queuejob_redis"} <= {*ours}
    assert [name for name in ours if not name.startswith("queuejob_")] == []


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_a_test_of_each_kind_passes(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    pytester.makepyfile(own_settings=SETTINGS)
    pytester.makeini("[pytest]\nDJANGO_SETTINGS_MODULE = own_settings\npythonpath = .\n")
    pytester.makepyfile(TESTS)
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=4)
