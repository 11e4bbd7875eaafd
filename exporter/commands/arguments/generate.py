"""What `generate` takes: light, because every --help reads it."""

import argparse


def add_generate(generate: argparse.ArgumentParser) -> None:
    """Add the flags of `generate`."""
    add = generate.add_argument
    add("--out", metavar="DIR", help="write rules, routes and provisioning for the configuration there")
    only = generate.add_mutually_exclusive_group()
    only.add_argument(
        "--check",
        action="store_true",
        help="write nothing; name the files that differ from what is generated, and return 1 if any does",
    )
    only.add_argument(
        "--diff",
        action="store_true",
        help="write nothing; print what would change as a patch; returns as --check",
    )
    add(
        "--secrets.dir",
        dest="secrets_dir",
        metavar="DIR",
        help="where Alertmanager finds the secrets of your channels (mode 0600); default:"
        " generate.secrets.dir, or /etc/integration-exporter/alertmanager-secrets",
    )
    for name, port, who in (
        ("exporter", 10055, "Prometheus reaches the exporter"),
        ("prometheus", 9090, "Prometheus reaches itself"),
        ("alertmanager", 9093, "Prometheus reaches Alertmanager"),
    ):
        add(
            f"--{name}.address",
            dest=f"{name}_address",
            action="append",
            metavar="ADDRESS",
            help=f"host:port or URL at which {who}; may be repeated; default: generate.{name}, or"
            f" 127.0.0.1:{port}",
        )
    add(
        "--web.external-url",
        dest="external_url",
        default="",
        metavar="URL",
        help="how browsers reach the exporter, for links to runbooks; default: generate.exporter.url",
    )
