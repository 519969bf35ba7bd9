"""The user's description of the worker under test."""
