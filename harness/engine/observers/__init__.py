"""What is seen of a namespace from outside, and kept in files."""
