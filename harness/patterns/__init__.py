"""How a Job takes work from a broker: a package for each pattern, its object called `PATTERN`."""
