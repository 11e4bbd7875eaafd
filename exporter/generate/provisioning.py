"""Grafana's provisioning files: where its data comes from and where its dashboards are.

Addresses and paths are environment variables of the Grafana process: every installation has its own, and
Grafana fills them in. Source of the keys: https://grafana.com/docs/grafana/latest/administration/provisioning/.
"""

from exporter.generate.scraping import SCRAPE_INTERVAL

TAG = "integration-exporter"
PROMETHEUS_UID = "integration-prometheus"
ALERTMANAGER_UID = "integration-alertmanager"
HEADER = "# Made by `integration-exporter generate`; a change here is overwritten.\n"

_DATASOURCES = f"""{HEADER}\
# The two addresses are environment variables of the Grafana process.
apiVersion: 1
prune: true
datasources:
  - name: Integrations (Prometheus)
    uid: {PROMETHEUS_UID}
    type: prometheus
    access: proxy
    url: ${{INTEGRATION_PROMETHEUS_URL}}
    editable: false
    jsonData:
      httpMethod: POST
      # The scrape interval: Grafana derives the windows of rates from it.
      prometheusType: Prometheus
      timeInterval: {SCRAPE_INTERVAL}
      manageAlerts: true
      alertmanagerUid: {ALERTMANAGER_UID}
  - name: Integrations (Alertmanager)
    uid: {ALERTMANAGER_UID}
    type: alertmanager
    access: proxy
    url: ${{INTEGRATION_ALERTMANAGER_URL}}
    editable: false
    jsonData:
      implementation: prometheus
      handleGrafanaManagedAlerts: false
"""

_DASHBOARDS = f"""{HEADER}\
# INTEGRATION_DASHBOARDS is an environment variable of the Grafana process: the folder that holds the
# dashboards' JSON files. A relative path starts at the folder that Grafana was started in.
apiVersion: 1
providers:
  - name: {TAG}
    orgId: 1
    folder: Integrations
    folderUid: {TAG}
    type: file
    disableDeletion: false
    allowUiUpdates: false
    updateIntervalSeconds: 30
    options:
      path: ${{INTEGRATION_DASHBOARDS}}
"""


def files() -> dict[str, str]:
    """Return the provisioning files as relative path -> YAML text."""
    return {
        f"grafana/provisioning/datasources/{TAG}.yaml": _DATASOURCES,
        f"grafana/provisioning/dashboards/{TAG}.yaml": _DASHBOARDS,
    }
