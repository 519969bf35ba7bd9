"""Faults: one module each, its object called `FAULT`."""
