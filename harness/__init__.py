"""Queue Job conformance: run a worker image as a real Job, hurt it, and say what breaks."""

__version__ = "0.1.0"
