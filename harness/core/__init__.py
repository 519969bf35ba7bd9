"""What everything else stands on, and what knows no queue: errors, clock, processes, text."""
