"""What carries a delivery to where it belongs: one file for each kind, found by the folder."""
