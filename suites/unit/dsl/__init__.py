"""Histories, Redis transcripts and reports, written as a test reads best."""
