"""Brings what was accepted to its endpoints, at least once, across crashes and replicas."""
