"""The part of the message templates that repeats facts of the code: severities and identity labels."""

from collections.abc import Callable, Collection, Iterable

from exporter import registry
from exporter.core.alert import Alert
from exporter.core.alert_identity import identity
from exporter.core.generation import AGGREGATION_LABELS
from exporter.core.severity import Severity
from exporter.generate.document import NOTICE
from exporter.generate.message_lines import line_templates

_PAGERDUTY = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "info",
}
"""The words that PagerDuty's Events API v2 knows."""

_LOWER = 'Lower severities of the same alert may go on: {{ template "integration.alerts" . }}'
# What would end the link, or the value in it. The percent sign comes first: it is in all of the others.
_PERCENT = {
    "%": "%25",
    r"\\": "%5C%5C",
    '"': "%5C%22",
    "#": "%23",
    "&": "%26",
    r"\+": "%2B",
    "<": "%3C",
    ">": "%3E",
    r"\|": "%7C",
    " ": "%20",
}
_LINKABLE = r"^[^\x00-\x1f\x7f-\x9f\x{200b}-\x{206f}\x{feff}]{1,200}$"
"""Values that fit into a link; without another one the silence is wider, and its page shows how wide."""

_RESOLVED = "#2e7d32"
_UNKNOWN = "#5f6368"


def facts_template(
    notice: str = NOTICE,
    kept_apart: tuple[str, ...] = AGGREGATION_LABELS,
    alerts: Iterable[Alert] = (),
) -> str:
    """Return the template file with the colour, response time and words of severities, and lists of alerts.

    `kept_apart` are the aggregation labels; `alerts` are those that messages may be about.
    """
    colour = _choose(lambda severity: severity.colour, _UNKNOWN)
    colour = f'{{{{ if eq .Status "resolved" }}}}{_RESOLVED}{{{{ else }}}}{colour}{{{{ end }}}}'
    parts = (
        f"{{{{- /* {notice} */ -}}}}",
        _define("colour", colour),
        _define("response", _choose(lambda severity: severity.response, "as soon as you can")),
        _define("pagerduty.severity", _choose(_PAGERDUTY.__getitem__, "error")),
        _define("silence", _silence(kept_apart)),
        _define("lower", _lower(tuple(alerts))),
        *line_templates(),
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


def _lower(alerts: Collection[Alert]) -> str:
    """Return a template that reminds of lower severities, which no message says are still firing."""
    cases = []
    for severity in Severity:
        chosen = "|".join(
            alert.name
            for alert in alerts
            if severity in alert.levels and set(alert.levels) & set(severity.below)
        )
        if chosen:
            cases.append(
                f'{{{{ if eq .CommonLabels.severity "{severity}" }}}}'
                f'{{{{ if match "^({chosen})$" .CommonLabels.alertname }}}}\n{_LOWER}'
                "{{ end }}{{ end }}"
            )
    return "".join(cases)


def _silence(kept_apart: tuple[str, ...]) -> str:
    """Return a link to a new silence over the labels that the alerts of the message share."""
    value = " | ".join(
        (".Value", *(f"reReplaceAll `{found}` `{coded}`" for found, coded in _PERCENT.items()))
    )
    labels = identity((*registry.alert_labels(), *kept_apart))
    others = "|".join(label for label in labels if label != "alertname")
    # Alertmanager's page takes matchers as {a="b", c="d"}, percent-encoded: %7B is {, %3D is =, %2C a comma.
    # The alert's name comes last because it is always there: no comma is left over.
    return (
        "{{ .ExternalURL }}/#/silences/new?filter=%7B"
        f'{{{{ range .CommonLabels.SortedPairs }}}}{{{{ if match "^({others})$" .Name }}}}'
        f"{{{{ if match `{_LINKABLE}` .Value }}}}{{{{ .Name }}}}%3D%22{{{{ {value} }}}}%22%2C%20"
        "{{ end }}{{ end }}{{ end }}"
        "alertname%3D%22{{ .CommonLabels.alertname }}%22%7D"
    )
