"""Prometheus: does it answer, scrape the exporter, evaluate our rules, and notify Alertmanager?"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from exporter.alerts.platform import WATCHDOG
from exporter.commands.doctor.finding import Area, Finding, some
from exporter.commands.doctor.service import MonitoringService, NoAnswerError, format_address, origin
from exporter.core.configuration import Configuration
from exporter.core.defaults import JOB
from exporter.generate.bundle import rule_files

OLDEST = (2, 42)
"""The oldest Prometheus that the generated rules are valid on."""

CLOCKS_APART = 5.0
"""Seconds between its clock and ours beyond which rules on expiry dates go wrong."""

AREA = Area("prometheus")
_GENERATE = "integration-exporter generate --out DIR"

RuleKey = tuple[str, frozenset[tuple[str, str]]]
"""The identity of a rule: its name and its labels."""


async def findings(
    service: MonitoringService,
    configuration: Configuration | None,
    exporter: tuple[str, int] | None,
    alertmanager: tuple[str, int] | None,
) -> list[Finding]:
    """Ask Prometheus; `exporter` and `alertmanager` are host and port of those it should know."""
    found: list[Finding] = []
    try:
        found.append(_version(service, await service.data("/api/v1/status/buildinfo")))
        # Before the question: the time of the answer includes the network.
        asked_at = time.time()
        found.append(_clock(await service.data("/api/v1/query", query="time()"), asked_at))
        active = await service.data("/api/v1/targets", state="active")
        job = configuration.generation.job if configuration else JOB
        found += _scraping(active["activeTargets"], exporter, job)
        rules = await service.data("/api/v1/rules")
        found += _rules([rule for group in rules["groups"] for rule in group["rules"]], configuration)
        alertmanagers = await service.data("/api/v1/alertmanagers")
        found += _alertmanagers([one["url"] for one in alertmanagers["activeAlertmanagers"]], alertmanager)
        found.append(_watchdog((await service.data("/api/v1/alerts"))["alerts"]))
    except NoAnswerError as error:
        found.append(AREA.problem(error.what, error.remedy))
    except (AttributeError, KeyError, TypeError, ValueError, IndexError):
        remedy = f"say where Prometheus is by {service.flag}"
        found.append(AREA.problem(f"{service.url} does not answer as Prometheus does", remedy))
    return found


def _version(service: MonitoringService, answer: Mapping[str, Any]) -> Finding:
    text = str(answer["version"])
    what = f"Prometheus {text or 'of an unknown version'} answers at {service.url}"
    numbers = tuple(int(part) for part in text.split(".")[:2] if part.isdecimal())
    if numbers and numbers < OLDEST:
        return AREA.problem(what, f"run {'.'.join(map(str, OLDEST))} or later: older ones refuse our rules")
    return AREA.ok(what)


def _clock(answer: Mapping[str, Any], asked_at: float) -> Finding:
    # A scalar is a pair: the time of evaluation, and the value as text.
    apart = abs(float(answer["result"][1]) - asked_at)
    if apart > CLOCKS_APART:
        return AREA.problem(
            f"its clock and ours are {apart:.0f} s apart", "let both machines follow a time server"
        )
    return AREA.ok("its clock agrees with ours")


def _scraping(targets: list[dict[str, Any]], exporter: tuple[str, int] | None, job: str) -> Iterator[Finding]:
    ours = [one for one in targets if one["labels"].get("job") == job]
    if not ours:
        # Every rule selects by the job, so series under another one are of no use to them.
        under = [one["labels"].get("job", "") for one in targets if origin(one["scrapeUrl"]) == exporter]
        if under:
            text = f"it scrapes the exporter under the job {under[0]}, and the rules look for {job}"
            yield AREA.problem(
                text, f"set generate.job to {under[0]} and generate again, or name the job {job}"
            )
            return
        remedy = f"add the job of {_GENERATE}, which writes prometheus/prometheus.yml, then reload"
        yield AREA.problem(f"it has no target in the job {job}", remedy)
        return
    for one in ours:
        address = format_address(origin(one["scrapeUrl"]))
        if one["health"] == "up":
            yield AREA.ok(f"it scrapes {address} in {one.get('lastScrapeDuration', 0) * 1000:.0f} ms")
        elif one["health"] == "unknown":
            yield AREA.note(f"it has not scraped {address} yet", "ask again in a minute")
        else:
            remedy = "check that the exporter runs there, and who may read /metrics"
            yield AREA.problem(f"it cannot scrape {address}: {one.get('lastError', '')}", remedy)
    if exporter and exporter not in [origin(one["scrapeUrl"]) for one in ours]:
        remedy = "add it to the job, unless it is one of these by another name"
        yield AREA.note(
            f"none of its targets is called {format_address(exporter)}, as the exporter here is", remedy
        )


def _expected_rules(configuration: Configuration | None) -> dict[RuleKey, tuple[str, str]]:
    """Return every rule that should be loaded, with the name of its file and its expression."""
    # By name and labels: each version of Prometheus writes expressions in its own form.
    return {
        _key(rule.get("alert") or rule["record"], rule.get("labels", {})): (name, rule["expr"])
        for name, content in rule_files(configuration).items()
        for group in content["groups"]
        for rule in group["rules"]
    }


def _key(name: str, labels: Mapping[str, str]) -> RuleKey:
    return name, frozenset(labels.items())


def _rules(rules: list[dict[str, Any]], configuration: Configuration | None) -> Iterator[Finding]:
    expected = _expected_rules(configuration)
    present = {_key(rule["name"], rule.get("labels") or {}) for rule in rules}
    missing = {key: rule for key, rule in expected.items() if key not in present}
    load = f"{_GENERATE}, name DIR/prometheus/rules/*.yml under rule_files, then reload Prometheus"
    # One sentence instead of one for each file: the remedy is the same.
    if len(missing) == len(expected):
        yield AREA.problem(f"none of our {len(expected)} rules is loaded", load)
    else:
        yield from _missing(missing, load)
    names = {name for name, _ in expected}
    broken = [rule for rule in rules if rule["name"] in names and rule.get("health") == "err"]
    for rule in broken[:5]:
        remedy = "see Prometheus' page of rules; are exporter and rules of one version?"
        yield AREA.problem(f"the rule {rule['name']} fails: {rule.get('lastError', '')}", remedy)
    if not missing and not broken:
        yield AREA.ok(f"all {len(expected)} rules are loaded")


def _missing(missing: Mapping[RuleKey, tuple[str, str]], load: str) -> Iterator[Finding]:
    """Yield the rules that are missing, by file."""
    for name in sorted({file for file, _ in missing.values()}):
        rules = sorted(_rule_name(key) for key, (file, _) in missing.items() if file == name)
        lacks = f"{len(rules)} rules are" if len(rules) > 1 else "a rule is"
        yield AREA.problem(f"rules/{name}.yml: {lacks} not loaded: {some(rules, 3)}", load)


def _rule_name(key: RuleKey) -> str:
    severity = dict(key[1]).get("severity")
    return f"{key[0]} ({severity})" if severity else key[0]


def _alertmanagers(urls: list[str], alertmanager: tuple[str, int] | None) -> Iterator[Finding]:
    addresses = [origin(url) for url in urls]
    names = [format_address(address) for address in addresses]
    if not addresses:
        remedy = "name Alertmanager under alerting.alertmanagers in prometheus.yml, then reload"
        yield AREA.problem("it knows no Alertmanager, so that nobody is notified of an alert", remedy)
    elif alertmanager and alertmanager not in addresses:
        text = f"it notifies {some(names)}, not {format_address(alertmanager)}"
        yield AREA.note(text, "see alerting.alertmanagers, unless that is the same by another name")
    else:
        yield AREA.ok(f"it notifies {some(names)}")


def _watchdog(alerts: list[dict[str, Any]]) -> Finding:
    ours = [one for one in alerts if one["labels"].get("alertname") == WATCHDOG.name]
    if any(one["state"] == "firing" for one in ours):
        return AREA.ok(f"{WATCHDOG.name} fires, as it always should")
    remedy = "load the rules; after a start the first evaluation takes half a minute"
    return AREA.problem(f"{WATCHDOG.name} does not fire", remedy)
