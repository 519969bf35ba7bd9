"""Ways in which a Job takes work from a broker: a package each, with a `PATTERN` object."""
