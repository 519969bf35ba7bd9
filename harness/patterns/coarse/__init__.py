"""Coarse: a pod takes exactly one message from RabbitMQ, works on it and exits."""

from harness.patterns.coarse.pattern import PATTERN

__all__ = ["PATTERN"]
