"""Alertmanager: does it answer, does it run the generated configuration, does Prometheus reach it?"""

from collections.abc import Iterator
from typing import Any

import yaml

from exporter.alerts.platform import WATCHDOG
from exporter.commands.doctor.finding import Area, Finding, some
from exporter.commands.doctor.service import MonitoringService, NoAnswerError
from exporter.config.durations import seconds
from exporter.core.configuration import Configuration
from exporter.core.severity import Severity
from exporter.generate.history import bridge_configs, history_receiver
from exporter.generate.routing import OURS, PREFIX, for_existing
from exporter.generate.routing import configuration as routing
from exporter.generate.secret_files import SecretFiles

OLDEST = (0, 25)
"""The oldest Alertmanager that the generated configuration is valid on."""

HIDDEN = "<secret>"
"""What Alertmanager shows instead of a secret."""

AREA = Area("alertmanager")
_GENERATE = "integration-exporter generate --out DIR, load DIR/alertmanager/alertmanager.yml, then reload"


async def findings(service: MonitoringService, configuration: Configuration | None) -> list[Finding]:
    """Ask Alertmanager; without a configuration its routes are not checked."""
    found: list[Finding] = []
    try:
        status = await service.ask("/api/v2/status")
        found.append(_version(service, str(status["versionInfo"]["version"])))
        if configuration is not None:
            # The text as Alertmanager runs it, not the file: an edit without a reload would go unnoticed.
            theirs = yaml.safe_load(status["config"]["original"])
            found += _routes(theirs, configuration)
        alerts = await service.ask("/api/v2/alerts", filter=f'alertname="{WATCHDOG.name}"')
        found.append(_watchdog(alerts))
    except NoAnswerError as error:
        found.append(AREA.problem(error.what, error.remedy))
    except (AttributeError, KeyError, TypeError, ValueError, yaml.YAMLError):
        remedy = f"say where Alertmanager is by {service.flag}"
        found.append(AREA.problem(f"{service.url} does not answer as Alertmanager does", remedy))
    return found


def _version(service: MonitoringService, text: str) -> Finding:
    what = f"Alertmanager {text or 'of an unknown version'} answers at {service.url}"
    numbers = tuple(int(part) for part in text.split(".")[:2] if part.isdecimal())
    if numbers and numbers < OLDEST:
        remedy = f"run {'.'.join(map(str, OLDEST))} or later: older ones refuse our configuration"
        return AREA.problem(what, remedy)
    return AREA.ok(what)


def _routes(theirs: Any, configuration: Configuration) -> Iterator[Finding]:
    """Compare the active routes with ours, which may be a part of theirs."""
    own, text = routing(*_parts(configuration)), "it runs the generated configuration"
    routes = theirs.get("route", {}).get("routes") or ()
    inside = next((route for route in routes if OURS in (route.get("matchers") or ())), None)
    # into-yours.yml: our routes are one branch of a larger tree.
    if inside is not None:
        own, text = for_existing(*_parts(configuration)), "it runs the generated parts among others"
        # The rest of it is not ours to compare.
        theirs, routes = _select_ours(theirs, inside, own), inside.get("routes") or ()
    del own["templates"]  # Alertmanager shows absolute paths, and does not start without the files
    differ = list(differences(own, theirs))
    if not differ:
        yield AREA.ok(text)
        return
    receivers = {route.get("receiver") for route in routes}
    wanted = {severity: f"{PREFIX if inside else ''}{severity}" for severity in Severity}
    if unrouted := [str(severity) for severity, receiver in wanted.items() if receiver not in receivers]:
        yield AREA.problem(f"it has no route for alerts of severity {', '.join(unrouted)}", _GENERATE)
    else:
        text = f"its configuration is not the generated one, in {len(differ)} places: {some(differ)}"
        yield AREA.note(text, f"{_GENERATE}, unless the differences are intended")


def _parts(configuration: Configuration) -> tuple[Any, ...]:
    """Return what the routes are made of, as `generate` has it; where secrets are is not compared."""
    notifications, generation, secrets = (
        configuration.notifications,
        configuration.generation,
        SecretFiles("/"),
    )
    return (
        *(notifications, secrets, generation.aggregation_labels, configuration.alerts),
        history_receiver(notifications.history, generation, secrets),
        bridge_configs(notifications, generation, secrets),
        configuration.events.alert_labels,
    )


def _select_ours(theirs: Any, inside: Any, own: dict[str, Any]) -> dict[str, Any]:
    """Return our parts of `theirs`: the route, receivers and intervals by name, our inhibitions."""

    def select(key: str) -> list[Any]:
        names = [one["name"] for one in own[key]]
        return sorted(
            (one for one in theirs.get(key) or () if one.get("name") in names),
            key=lambda one: names.index(one["name"]),
        )

    hides = [one for one in theirs.get("inhibit_rules") or () if OURS in (one.get("source_matchers") or ())]
    return {
        "route": {"routes": [inside]},
        "inhibit_rules": hides,
        "receivers": select("receivers"),
        "time_intervals": select("time_intervals"),
    }


def differences(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """Yield the paths where `theirs` differs from `ours`; keys that only they have, as defaults, are ignored.

    No values are given: Alertmanager hides its secrets, and ours must not show.
    """
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            # Files with secrets may have another path on Alertmanager's machine.
            if not str(key).endswith("_file"):
                yield from differences(value, theirs.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        if path.endswith("matchers"):
            ours, theirs = sorted(ours), sorted(theirs)  # Alertmanager sorts them
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(one, other, f"{path}[{_name(one) or index}]")
    elif theirs != HIDDEN and not _same(ours, theirs):
        yield path


def _name(value: Any) -> str:
    return str(value.get("name") or value.get("receiver") or "") if isinstance(value, dict) else ""


def _same(ours: Any, theirs: Any) -> bool:
    """Compare single values: a duration has several forms, and an empty value may be left out."""
    if ours == theirs or (not ours and not theirs):
        return True
    try:
        return seconds(str(ours)) == seconds(str(theirs))
    except ValueError:
        return False


def _watchdog(alerts: list[dict[str, Any]]) -> Finding:
    if alerts:
        return AREA.ok(f"{WATCHDOG.name} arrives: Prometheus reaches it")
    remedy = "see the findings on Prometheus; after its start the first alert takes a minute"
    return AREA.problem(f"{WATCHDOG.name} does not arrive from Prometheus", remedy)
