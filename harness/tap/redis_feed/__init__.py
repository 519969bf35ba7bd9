"""Automatic reports of Redis: MONITOR, and the replication stream."""
