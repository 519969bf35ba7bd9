"""What the user says about the worker under test."""
