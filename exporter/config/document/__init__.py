"""Reads YAML into types, and finds every mistake with its file and line."""
