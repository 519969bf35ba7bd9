"""What Redis executed: connections, commands, and the batches in which it reported them."""
