"""One file for each stored subject: its tables, how a record becomes a row, its queries and retention."""
