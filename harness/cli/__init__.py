"""The `queuejob` command: one module for each subcommand."""
