"""Interpreter of the tap's records: it derives the events of items from them.

It is pure: it uses no clock and no network.
"""
