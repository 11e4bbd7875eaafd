"""Keeps every access token alive: asks for a new one in time, stores it and logs what happened."""
