"""Plays the scenarios without a cluster: brokers, workers, kubelet and tap in one process."""
