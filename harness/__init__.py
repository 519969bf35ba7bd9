"""Queue Job conformance: run a worker image as a real Job, inject faults, report what breaks."""

__version__ = "0.1.0"
