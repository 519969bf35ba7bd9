"""The guarantees: one module each, with an object called `INVARIANT`."""
