"""`init`: a first configuration from what one uses: questions, the file, what comes next."""
