"""Connections, TLS, HTTP and call budgets; turns every failure of the network into a reason."""
