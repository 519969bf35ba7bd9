"""The plugin comes by its entry point; here it is named for those who run from a checkout."""

pytest_plugins = ["harness.fixtures.plugin", "pytester"]
