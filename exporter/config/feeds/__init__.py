"""Tenants from outside: what an HTTP endpoint or a SQL query answers, asked again and again."""
