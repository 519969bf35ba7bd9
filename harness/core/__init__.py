"""Foundations of all other packages, without knowledge of queues.

Errors, clock, processes and text.
"""
