"""`queuejob gate`: the answer that a CI pipeline asks for."""
