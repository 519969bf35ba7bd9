"""What Redis reports by itself: MONITOR, and the replication stream."""
