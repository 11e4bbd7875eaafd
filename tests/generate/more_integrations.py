"""More of the made-up platform: an integration of each provider, and a target of each that fails."""

# As in the platform: integration: provider, tenants, usual seconds, days of life of its certificate.
INTEGRATIONS: dict[str, tuple[str, tuple[str, ...], float, float]] = {
    "backend": ("supabase", ("acme", "globex", "hooli"), 0.19, 70.2),
    "gateway": ("tcp", ("acme", "globex"), 0.01, 0.0),
    "other-edge": ("tls", ("acme", "globex"), 0.06, 44.1),
    "pages-of-vendors": ("statuspage", ("acme", "globex"), 0.2, 38.4),
    "receipts": ("resend", ("acme", "stark"), 0.24, 79.3),
    "resolver": ("dns", ("acme", "globex"), 0.02, 0.0),
    "support-chat": ("whatsapp", ("wayne", "wonka"), 0.44, 71.3),
    "warehouse": ("postgres", ("acme", "globex"), 0.04, 0.0),
}
TROUBLES: tuple[tuple[str, str, str, float, float], ...] = (
    ("backend", "hooli", "vendor_error", 2.3, 0),
    ("gateway", "globex", "connect", 1.7, 0),
    ("mail", "umbrella", "auth", 6.1, 0),
    ("other-edge", "globex", "tls", 0.9, 0),
    ("pages-of-vendors", "globex", "not_found", 3.3, 0),
    ("payments", "umbrella", "permission", 4.4, 0),
    ("resolver", "globex", "dns", 0.6, 0),
    ("support-chat", "wonka", "auth", 1.1, 0),
    ("warehouse", "globex", "timeout", 2.8, 0),
)
ALERTS = tuple(
    ("IntegrationTargetFailing", "high", integration, tenant, hours - 0.1)
    for integration, tenant, _, hours, _ in TROUBLES
    if integration not in ("mail", "other-edge")
)
