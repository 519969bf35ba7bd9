"""`queuejob gate`: pass or fail for a CI pipeline."""
