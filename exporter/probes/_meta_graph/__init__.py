"""What the providers on Meta's Graph API share: calls, errors, usage headers, tokens and versions."""
