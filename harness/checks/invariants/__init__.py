"""The guarantees: one module each, its object called `INVARIANT`."""
