"""What others send to us: verified, stored once, counted, and put into the audit."""
