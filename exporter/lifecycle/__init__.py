"""What the process does as a whole: its state comes back, its tasks run, signals reach it."""
