"""What each command takes on its command line; imports nothing heavy."""
