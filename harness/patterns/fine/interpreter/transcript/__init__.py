"""Commands that Redis executed, with their connections and the batches that they came in."""
