"""Runs scenarios against a worker image, on a cluster that `infra` provides."""
