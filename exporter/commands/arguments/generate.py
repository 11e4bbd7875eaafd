"""The command `generate`."""

import argparse

from exporter.commands.arguments._flags import add_config_file
from exporter.commands.command import Command
from exporter.core.defaults import HOST, PORTS, SECRETS_DIRECTORY

_REACHES = {
    "exporter": "Prometheus reaches the exporter",
    "prometheus": "Prometheus reaches itself",
    "alertmanager": "Prometheus reaches Alertmanager",
}


def _add_arguments(generate: argparse.ArgumentParser) -> None:
    add_config_file(generate)
    add = generate.add_argument
    add("--out", metavar="DIR", help="write rules, routes and provisioning for the configuration there")
    only = generate.add_mutually_exclusive_group()
    text = "write nothing; name the files that differ from what is generated, and return 1 if any does"
    only.add_argument("--check", action="store_true", help=text)
    text = "write nothing; print what would change as a patch; returns as --check"
    only.add_argument("--diff", action="store_true", help=text)
    text = (
        "where Alertmanager finds the secrets of your channels (mode 0600); default:"
        f" generate.secrets.dir, or {SECRETS_DIRECTORY}"
    )
    add("--secrets.dir", dest="secrets_dir", metavar="DIR", help=text)
    for name, port in PORTS.items():
        text = (
            f"host:port or URL at which {_REACHES[name]}; may be repeated; default: generate.{name}, or"
            f" {HOST}:{port}"
        )
        add(f"--{name}.address", dest=f"{name}_address", action="append", metavar="ADDRESS", help=text)
    text = "how browsers reach the exporter, for links to runbooks; default: generate.exporter.url"
    add("--web.external-url", dest="external_url", default="", metavar="URL", help=text)


COMMAND = Command(
    50,
    "Prometheus rules, Alertmanager routes, dashboards: files",
    "exporter.commands.generate:generate",
    _add_arguments,
)
