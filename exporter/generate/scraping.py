"""From the `generate:` of the configuration to Prometheus' own: scrape jobs, rule files, alerting.

Everything here is valid on Prometheus 2.42.
"""

from typing import Any

from exporter.core.alert import EVERY
from exporter.core.defaults import PORTS
from exporter.core.generation import Generation, Peer, addresses

SCRAPE_INTERVAL = "30s"
"""How often the shipped Prometheus configuration scrapes the exporter."""

ScrapeConfig = dict[str, Any]


def configuration(generation: Generation) -> dict[str, Any]:
    """Return the content of prometheus.yml: the exporter, Prometheus and Alertmanager, rules and alerting."""
    return {
        "global": {"scrape_interval": SCRAPE_INTERVAL, "evaluation_interval": EVERY},
        "rule_files": ["rules/*.yml"],
        "alerting": {"alertmanagers": [_alertmanager(generation.alertmanager)]},
        "scrape_configs": [job(generation, role) for role in PORTS],
    }


def job(generation: Generation, role: str) -> ScrapeConfig:
    """Return the scrape job of one of `exporter`, `prometheus` and `alertmanager`."""
    peer: Peer = getattr(generation, role)
    made: ScrapeConfig = {"job_name": generation.job if role == "exporter" else role}
    if peer.scheme != "http":
        made["scheme"] = peer.scheme
    if peer.path_prefix:
        made["metrics_path"] = f"{peer.path_prefix}/metrics"
    return {**made, **_access(peer), "static_configs": [{"targets": list(addresses(peer, role))}]}


def for_existing(generation: Generation) -> dict[str, Any]:
    """Return what an existing prometheus.yml takes over: our rules and the exporter's job."""
    # The file that takes this over may have another global interval.
    ours = {"scrape_interval": SCRAPE_INTERVAL, **job(generation, "exporter")}
    # First, as Prometheus' own documentation writes it: YAML keeps the order of the mapping.
    name = {"job_name": ours.pop("job_name")}
    return {"rule_files": ["integration-exporter/rules/*.yml"], "scrape_configs": [{**name, **ours}]}


def _alertmanager(peer: Peer) -> ScrapeConfig:
    made: ScrapeConfig = {}
    if peer.scheme != "http":
        made["scheme"] = peer.scheme
    if peer.path_prefix:
        made["path_prefix"] = peer.path_prefix
    return {**made, **_access(peer), "static_configs": [{"targets": list(addresses(peer, "alertmanager"))}]}


def _access(peer: Peer) -> ScrapeConfig:
    """Return the credentials that Prometheus shows to the peer, and how it verifies the peer."""
    made: ScrapeConfig = {}
    if login := peer.basic_auth:
        made["basic_auth"] = {"username": login.username, "password_file": login.password_file}
    if peer.bearer_token_file:
        made["authorization"] = {"type": "Bearer", "credentials_file": peer.bearer_token_file}
    # Only what is set: Prometheus has defaults of its own for the rest.
    tls = {name: getattr(peer.tls, name) for name in peer.tls.__struct_fields__ if getattr(peer.tls, name)}
    return {**made, "tls_config": tls} if tls else made
