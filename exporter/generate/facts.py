"""The part of the message templates that repeats facts of the code: severities and identity labels."""

from collections.abc import Callable

from exporter.core.generation import AGGREGATION_LABELS
from exporter.core.severity import Severity
from exporter.generate.document import NOTICE
from exporter.generate.routing import identity

_PAGERDUTY = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "info",
}
"""The words that PagerDuty's Events API v2 knows."""

_RESOLVED = "#2e7d32"
_UNKNOWN = "#5f6368"


def facts_template(notice: str = NOTICE, kept_apart: tuple[str, ...] = AGGREGATION_LABELS) -> str:
    """Return the template file that defines colour, response time, PagerDuty severity and silence link.

    `kept_apart` are the aggregation labels.
    """
    colour = _choose(lambda severity: severity.colour, _UNKNOWN)
    colour = f'{{{{ if eq .Status "resolved" }}}}{_RESOLVED}{{{{ else }}}}{colour}{{{{ end }}}}'
    parts = (
        f"{{{{- /* {notice} */ -}}}}",
        _define("colour", colour),
        _define("response", _choose(lambda severity: severity.response, "as soon as you can")),
        _define("pagerduty.severity", _choose(_PAGERDUTY.__getitem__, "error")),
        _define("silence", _silence(kept_apart)),
    )
    return "\n\n".join(parts) + "\n"


def _define(name: str, body: str) -> str:
    return f'{{{{ define "integration.{name}" }}}}{body}{{{{ end }}}}'


def _choose(fact: Callable[[Severity], str], otherwise: str) -> str:
    """Return a template that writes the fact of the message's severity."""
    branches = "{{ else }}".join(
        f'{{{{ if eq .CommonLabels.severity "{severity}" }}}}{fact(severity)}' for severity in Severity
    )
    # One chain of `else if`, which a single `end` closes.
    branches = branches.replace("{{ else }}{{ if", "{{ else if")
    return f"{branches}{{{{ else }}}}{otherwise}{{{{ end }}}}"


def _silence(kept_apart: tuple[str, ...]) -> str:
    """Return a link to a new silence over the labels that the alerts of the message share."""
    others = "|".join(label for label in identity(kept_apart) if label != "alertname")
    # Alertmanager's page takes matchers as {a="b", c="d"}, percent-encoded: %7B is {, %3D is =, %2C a comma.
    # The alert's name comes last because it is always there: no comma is left over.
    return (
        "{{ .ExternalURL }}/#/silences/new?filter=%7B"
        f'{{{{ range .CommonLabels.SortedPairs }}}}{{{{ if match "^({others})$" .Name }}}}'
        "{{ .Name }}%3D%22{{ .Value }}%22%2C%20{{ end }}{{ end }}"
        "alertname%3D%22{{ .CommonLabels.alertname }}%22%7D"
    )
