"""Observers of a namespace: they record pods, logs, the Job and warnings from outside."""
