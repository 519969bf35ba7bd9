"""Where clusters come from: one module (or folder) per provider, its class named `Provider`."""
