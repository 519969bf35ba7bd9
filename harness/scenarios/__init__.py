"""Ways to run a Job: one module each, its object called `SCENARIO`."""
