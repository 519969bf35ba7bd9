"""Clusters in Docker containers, made by kind."""

from harness.infra.providers.kind.provider import KindProvider as Provider

__all__ = ["Provider"]
