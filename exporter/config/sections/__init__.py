"""One file for each top-level key of the configuration."""
