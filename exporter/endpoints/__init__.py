"""Who receives the webhooks of tenants: configured in the file or made by API, and how each one answers."""
