"""All workers whose defects are known, and the correct ones: which invariant catches which."""
