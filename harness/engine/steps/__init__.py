"""Steps that several scenarios or faults have in common."""
