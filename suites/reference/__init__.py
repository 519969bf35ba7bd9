"""The reference workers under the harm that breaks the task pages' workers."""
