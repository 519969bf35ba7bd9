"""What keys and commands mean for items: deliveries, leases, settlements, roles."""
