"""Images: what they are made of, and from where they come."""
