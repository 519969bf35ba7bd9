"""What the tap says of brokers that are really there: its own clients, no Jobs."""
