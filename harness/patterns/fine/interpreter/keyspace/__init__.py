"""The model of Redis' keys: values, the effects of commands on them, and their locations."""
