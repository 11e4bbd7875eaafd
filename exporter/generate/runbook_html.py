"""A runbook page as HTML, for a reader who clicks the link in a message; it loads nothing else."""

import html
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256

from exporter import registry
from exporter.core.alert import Alert
from exporter.generate.runbooks import page

STYLE = """
:root { color-scheme: light dark; }
body { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; font: 16px/1.55 system-ui, sans-serif; }
h1 { overflow-wrap: anywhere; line-height: 1.2; }
h2 { margin-top: 2rem; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8886; border-radius: 6px; font-size: 14px; }
code { overflow-wrap: anywhere; }
table { border-collapse: collapse; }
th, td { padding: .3rem .8rem; border: 1px solid #8886; text-align: left; }
"""

POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy under which the page shows as it is meant to, and loads nothing."""


def runbook_html(name: str, declared: Iterable[Alert] = ()) -> tuple[str, str] | None:
    """Return the page of the alert `name` and its Content-Security-Policy; None without such an alert.

    `declared` are the alerts that the configuration brings besides those of the catalogue.
    """
    from markdown_it import MarkdownIt

    alert = next((alert for alert in (*registry.alerts(), *declared) if alert.name == name), None)
    if alert is None:
        return None
    _, _, text = page(alert).partition("\n")  # below the notice
    # The text is our own, from the catalogue, so its <details> needs no escaping.
    body = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    text = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{html.escape(alert.name)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<nav><a href="../">integration-exporter</a></nav>\n<main>\n{body}</main>\n</body>\n</html>\n'
    )
    return text, POLICY
