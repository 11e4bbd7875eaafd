"""Reads the web configuration: TLS, users, tokens, roles; and takes it up when the file changes."""
