"""The extended profile: what it asks for beside all that the core profile does."""
