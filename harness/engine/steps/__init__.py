"""Steps that several scenarios or faults share."""
