"""The listening socket, proxied connections, and breakpoints."""
