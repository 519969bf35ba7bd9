"""What the tests of this project share.

The plugin comes by its entry point; here it is named for those who run from a checkout. Its
fixtures are called `queuejob_…`, so that they live with those of other plugins. The tests of this
project use shorter names.
"""

from __future__ import annotations

from typing import Any

import pytest

pytest_plugins = ["harness.fixtures.plugin", "pytester"]

_SESSION = ("campaign_of", "cluster", "images", "kube", "session_folder", "settings", "testbeds")
_FUNCTION = ("logs", "namespace", "rabbitmq", "redis", "test_folder")


def _alias(name: str, scope: Any) -> Any:
    @pytest.fixture(name=name, scope=scope)
    def alias(request: pytest.FixtureRequest) -> Any:
        return request.getfixturevalue(f"queuejob_{name}")

    return alias


for _name in _SESSION:
    globals()[f"{_name}_alias"] = _alias(_name, "session")
for _name in _FUNCTION:
    globals()[f"{_name}_alias"] = _alias(_name, "function")
