"""The control port: messages, its server in the pod, and its client."""
