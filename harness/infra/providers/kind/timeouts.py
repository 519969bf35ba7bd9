"""Time bounds for kind, in seconds. Creation takes one minute on two slow cores."""

CREATE = 420.0
DELETE = 180.0
LOAD = 600.0
LOGS = 180.0
#: Until all nodes and the cluster's DNS are ready, after kind returned.
READY = 180.0
