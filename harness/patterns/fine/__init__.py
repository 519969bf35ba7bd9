"""Fine: a pod takes items from Redis until none is left, then exits with success."""

from harness.patterns.fine.pattern import PATTERN

__all__ = ["PATTERN"]
