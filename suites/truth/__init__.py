"""Right and wrong workers in disguise: what is said of them must not hang on how they look."""
