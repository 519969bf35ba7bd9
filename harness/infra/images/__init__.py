"""Images: their contents and their sources."""
