"""How long kind may take, in seconds; creation takes one minute on two slow cores."""

CREATE = 420.0
DELETE = 180.0
LOAD = 600.0
LOGS = 180.0
#: For all nodes and the cluster's DNS to be ready after kind has returned.
READY = 180.0
