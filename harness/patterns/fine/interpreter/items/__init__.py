"""The meaning of keys and commands for items: deliveries, leases, settlements, roles."""
