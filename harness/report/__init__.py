"""The conformance report: its model, how it is built, and one writer per format. Pure."""
