"""`init`: a first configuration: the questions, the file, the next steps."""
