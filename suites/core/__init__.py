"""The core profile: every scenario of a pattern, and the invariants that it is to prove."""
