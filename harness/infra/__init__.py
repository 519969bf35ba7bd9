"""Machine and cluster: Docker, images, the cluster provider, and the Kubernetes API."""
