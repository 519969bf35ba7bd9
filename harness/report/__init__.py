"""The conformance report: its model, how it is made, and one writer for each format. Pure."""
