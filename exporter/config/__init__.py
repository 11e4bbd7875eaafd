"""From YAML, environment and secret files to a Configuration, or to a list of every mistake."""
