"""Where generated files are, below the checkout or below the folder of a bundle."""

RULES = "prometheus/rules"
RULE_TESTS = "prometheus/tests"
PROMETHEUS = "prometheus/prometheus.yml"
PROMETHEUS_PARTS = "prometheus/into-yours.yml"
ALERTMANAGER = "alertmanager/alertmanager.yml"
ALERTMANAGER_PARTS = "alertmanager/into-yours.yml"
GRAFANA = "grafana"

RUNBOOKS = "docs/runbooks"
REFERENCE = "docs/reference"
BUNDLE_RUNBOOKS = "runbooks"

CHECKOUT_FOLDERS = ("prometheus", "alertmanager", "grafana", RUNBOOKS, REFERENCE)
"""Folders of the checkout in which a file that is no longer generated is removed."""

BUNDLE_FOLDERS = (RULES, RULE_TESTS, BUNDLE_RUNBOOKS)
"""Those of a bundle: which files they hold depends on the providers in use."""
