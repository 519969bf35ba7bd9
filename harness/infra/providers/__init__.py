"""Cluster providers: one module or package each, with a class named `Provider`."""
