"""Clusters in Docker containers, created by kind."""

from harness.infra.providers.kind.provider import KindProvider as Provider

__all__ = ["Provider"]
