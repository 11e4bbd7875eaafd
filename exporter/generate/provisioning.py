"""Grafana's provisioning files: where its data and its dashboards are; its role in the store.

Addresses and paths are environment variables of the Grafana process: every installation has its own, and
Grafana fills them in. Source of the keys: https://grafana.com/docs/grafana/latest/administration/provisioning/.
"""

from exporter.generate.scraping import SCRAPE_INTERVAL
from exporter.store.views import SCHEMA

TAG = "integration-exporter"
PROVIDER_TAG = f"{TAG}-provider"
"""The tag of dashboards of providers, so that the list of the others stays short."""
TARGET_TAG = f"{TAG}-target"
"""The tag of dashboards of a single target, which have no use for all that is picked on others."""
PROMETHEUS_UID = "integration-prometheus"
PROMETHEUS_NAME = "Integrations (Prometheus)"
ALERTMANAGER_UID = "integration-alertmanager"
STORE_UID = "integration-store"
STORE_NAME = "Integrations (Store)"
STORE_TYPE = "grafana-postgresql-datasource"
ROLE = "grafana/store-role.sql"
"""The file that makes the role by which Grafana reads the store."""
READER = "integration_grafana"
"""The role by which Grafana reads the store."""
FOLDER_UID = "integrations"
"""Not the tag: folders and dashboards share one list of addresses."""
HEADER = "# Made by `integration-exporter generate`; a change here is overwritten.\n"

_DATASOURCES = f"""{HEADER}\
# The two addresses are environment variables of the Grafana process.
apiVersion: 1
prune: true
datasources:
  - name: {PROMETHEUS_NAME}
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

_STORE = f"""{HEADER}\
# For a store in PostgreSQL; without one leave this file out. The five are environment variables of the
# Grafana process. The user is that of grafana/store-role.sql, which may read views and no table.
apiVersion: 1
prune: true
datasources:
  - name: {STORE_NAME}
    uid: {STORE_UID}
    type: {STORE_TYPE}
    access: proxy
    url: ${{INTEGRATION_STORE_HOST}}
    user: ${{INTEGRATION_STORE_USER}}
    editable: false
    jsonData:
      database: ${{INTEGRATION_STORE_DATABASE}}
      sslmode: ${{INTEGRATION_STORE_SSLMODE}}
      postgresVersion: 1500
      timescaledb: false
      maxOpenConns: 5
      maxIdleConns: 2
      connMaxLifetime: 1800
    secureJsonData:
      password: ${{INTEGRATION_STORE_PASSWORD}}
"""

_ROLE = f"""\
-- Made by `integration-exporter generate`; a change here is overwritten.
--
-- Makes the role by which Grafana reads the exporter's store: views of the schema {SCHEMA}, and no table.
-- Run it with psql 15 or newer in the exporter's database, once the exporter has started with it, as a user
-- who may make roles. It may run again: it then changes the password and the limits.
--
--   INTEGRATION_STORE_PASSWORD=... psql -d exporter -f store-role.sql
--
-- Without that variable the role has no password yet: \\password {READER}
\\set ON_ERROR_STOP on

SELECT 'CREATE ROLE {READER} LOGIN' WHERE NOT EXISTS (
  SELECT FROM pg_roles WHERE rolname = '{READER}') \\gexec
ALTER ROLE {READER} NOCREATEDB NOCREATEROLE CONNECTION LIMIT 10;
-- A panel that asks too much must not slow the exporter down.
ALTER ROLE {READER} SET statement_timeout = '10s';
ALTER ROLE {READER} SET lock_timeout = '2s';
ALTER ROLE {READER} SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE {READER} SET default_transaction_read_only = on;
ALTER ROLE {READER} SET search_path = {SCHEMA};
SELECT format('GRANT CONNECT ON DATABASE %I TO {READER}', current_database()) \\gexec
-- Whoever may use the schema may read its views, also those that later versions make.
GRANT USAGE ON SCHEMA {SCHEMA} TO {READER};

\\getenv password INTEGRATION_STORE_PASSWORD
\\if :{{?password}}
ALTER ROLE {READER} PASSWORD :'password';
\\endif
"""  # noqa: S608 - names of our own alone

_DASHBOARDS = f"""{HEADER}\
# INTEGRATION_DASHBOARDS is an environment variable of the Grafana process: the folder that holds the
# dashboards' JSON files. A relative path starts at the folder that Grafana was started in.
apiVersion: 1
providers:
  - name: {TAG}
    orgId: 1
    folder: Integrations
    folderUid: {FOLDER_UID}
    type: file
    disableDeletion: false
    allowUiUpdates: false
    updateIntervalSeconds: 30
    options:
      path: ${{INTEGRATION_DASHBOARDS}}
"""


_PLUGINS = f"""{HEADER}\
# Grafana looks for this folder when it starts. The dashboards need no plugin that it does not have.
apiVersion: 1
apps: []
"""

_ALERTING = f"""{HEADER}\
# Grafana looks for this folder when it starts. Rules are evaluated by Prometheus, and by it alone.
apiVersion: 1
"""


def files() -> dict[str, str]:
    """Return the provisioning files, and the SQL of the role, as relative path -> text."""
    return {
        f"grafana/provisioning/datasources/{TAG}.yaml": _DATASOURCES,
        f"grafana/provisioning/datasources/{STORE_UID}.yaml": _STORE,
        f"grafana/provisioning/dashboards/{TAG}.yaml": _DASHBOARDS,
        f"grafana/provisioning/plugins/{TAG}.yaml": _PLUGINS,
        f"grafana/provisioning/alerting/{TAG}.yaml": _ALERTING,
        ROLE: _ROLE,
    }
