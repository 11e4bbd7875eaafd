"""The command `tenants`."""

from exporter.commands.arguments._listing import listing

COMMAND = listing(
    100,
    "tenants",
    "tenants and how their integrations are, worst first",
    "only what changed since then",
    "show_tenants",
)
