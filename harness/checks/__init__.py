"""Judge a recorded run: build its model, check the invariants, give the verdicts. Pure."""
