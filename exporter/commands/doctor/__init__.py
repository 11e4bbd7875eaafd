"""One file for each area that `doctor` checks."""
