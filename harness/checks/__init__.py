"""Pure judgement of a recorded run: the model of it, the invariants, the verdicts."""
