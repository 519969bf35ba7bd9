"""Both task pages, step by step, on a real cluster."""
