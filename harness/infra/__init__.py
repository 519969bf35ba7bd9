"""Machine and cluster: Docker, images, the cluster's provider, and the Kubernetes API."""
