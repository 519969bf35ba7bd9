"""What Redis holds: values, the effects of commands on them, and where each value is."""
