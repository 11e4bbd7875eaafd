"""An integration shows the thresholds that series of its provider are compared with, and no others."""

import re
from itertools import chain

import pytest

from exporter import registry
from exporter.config.load import load_text
from exporter.core.common_metrics import CERTIFICATE_SERIES, RENEWAL_SERIES, SHARED_SERIES
from exporter.core.metric import Scope
from exporter.core.probe import Probe
from exporter.generate import bundle

PROBES = list(registry.probes().values())
EVERY = {"consecutive_failures", "latency_seconds", "probe_failure_ratio", "state_changes"}
OAUTH = (
    'url: "https://site.example/", auth: {oauth2: {client_id: me, client_secret: "${SECRET}"}}, '
    "token_endpoint: {url: 'https://site.example/token'}"
)
ENVIRONMENT = {"SECRET": "a-secret-of-many-letters"}
SPECIAL = {metric.name for metric in chain(SHARED_SERIES, *(probe.metrics for probe in PROBES))}


def shown(provider: str, options: str, more: str = "") -> set[str]:
    """Return the names of the families that an integration shows."""
    text = f"integrations:\n  - {{name: one, provider: {provider}, options: {{{options}}}{more}}}\n"
    found = load_text(text, None, registry.catalogue(), ENVIRONMENT).thresholds
    return {one.family.name for one in found if one.family.scope is Scope.TARGET}


@pytest.mark.parametrize(
    ("provider", "options", "special"),
    [
        ("tcp", "host: site.example, port: 80", set()),
        ("dns", "name: site.example", set()),
        ("tls", "host: site.example, port: 443", {"certificate_expiry_seconds"}),
        ("http", "url: 'https://site.example/'", {"certificate_expiry_seconds"}),
        (
            "http",
            OAUTH,
            {"certificate_expiry_seconds", "token_expiry_seconds", "token_refresh_failures"},
        ),
        (
            "fal",
            'key: "${SECRET}"',
            {
                "certificate_expiry_seconds",
                "fal_error_ratio",
                "balance_seconds",
                "cost_today_usd",
                "cost_month_usd",
            },
        ),
    ],
)
def test_an_integration_shows_the_thresholds_that_its_series_are_compared_with(
    provider: str, options: str, special: set[str]
) -> None:
    assert shown(provider, options) == EVERY | special


def test_a_tenant_shows_no_number_of_its_own_that_nothing_is_compared_with() -> None:
    rows = "thresholds: {latency_seconds: {high: 9}, quota_ratio: {high: 0.95}, cost_today_usd: {high: 7}}"
    text = (
        "integrations:\n  - {name: one, provider: tcp, options: {host: site.example, port: 80}, "
        f"tenants: {{list: [{{id: acme, {rows}}}]}}}}\n"
    )
    found = load_text(text, None, registry.catalogue(), {}).thresholds
    assert [(one.family.name, one.value) for one in found if one.tenant] == [("latency_seconds", 9.0)]


def _metrics_behind(rules: dict[str, list[str]], words: set[str]) -> set[str]:
    """Return the special metrics that `words` name, and those behind the records among them."""
    found, todo = set[str](), set(words)
    while todo:
        word = todo.pop()
        if word not in found:
            found.add(word)
            todo |= {one for text in rules.get(word, ()) for one in re.findall(r"[\w:]+", text)}
    return found & SPECIAL


def _compared() -> dict[str, list[set[str]]]:
    """Return, by family, the special metrics of each generated rule that compares with its thresholds."""
    content = [
        rule for file in bundle.rule_files().values() for group in file["groups"] for rule in group["rules"]
    ]
    # What records thresholds, and what finds missing ones, compares with none.
    comparing = [
        rule
        for rule in content
        if rule.get("record", "").split(":")[-1] not in ("default", "override", "loosest")
        and rule.get("alert") != "IntegrationThresholdsMissing"
    ]
    records: dict[str, list[str]] = {}
    for rule in comparing:
        records.setdefault(rule.get("record", ""), []).append(rule["expr"])
    found: dict[str, list[set[str]]] = {}
    for rule in comparing:
        for name in set(re.findall(r"integration_threshold_(\w+):", rule["expr"])):
            found.setdefault(name, []).append(
                _metrics_behind(records, set(re.findall(r"[\w:]+", rule["expr"])))
            )
    return found


COMPARED = _compared()


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_a_provider_reaches_what_the_generated_rules_compare_its_series_with(probe: Probe) -> None:
    own = {metric.name for metric in probe.metrics}
    own |= {metric.name for metric in CERTIFICATE_SERIES if probe.encrypts}
    own |= {metric.name for metric in RENEWAL_SERIES if probe.grant}
    reach = registry.reach()[probe.name]
    wanted = {
        name
        for name, family in registry.families().items()
        if family.scope is Scope.TARGET and any(not metrics or metrics & own for metrics in COMPARED[name])
    }
    assert reach.always | reach.renewed == wanted
    assert reach.always >= EVERY


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_a_provider_with_options_for_certificates_may_show_their_dates(probe: Probe) -> None:
    names = set(probe.options.__struct_fields__)
    assert probe.encrypts or names.isdisjoint({"tls", "security", "sslmode"})
