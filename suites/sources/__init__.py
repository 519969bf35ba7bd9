"""Where images come from, proved on an empty Docker daemon in a network namespace of its own."""
