"""From `alerts:` of the configuration to a rule file of their own, and the test that proves each of them."""

from collections.abc import Iterable
from typing import Any

from exporter.core.alert import EVERY
from exporter.core.durations import seconds
from exporter.core.metric import Scope
from exporter.core.own_alert import OwnAlert
from exporter.generate.rule_tests import STEP
from exporter.generate.rule_text import TextValues
from exporter.generate.rules import Links, PrometheusRule

GROUP = "integration-own"
FILE = "own"
"""Name of the rule file and of its test, without suffix."""

SHORT = 600
"""Seconds of a window below which a restart could empty it."""

BRIDGE = "5m"
LONGEST_TEST = 1800
"""Seconds of a window that a test fills: what does not change has the same mean at any length."""

BOARD = "integration-overview"
COUNTERS = ("increase", "rate")


def rule_file(alerts: Iterable[OwnAlert], filling: TextValues, links: Links, replicas: int) -> dict[str, Any]:
    """Return the rule file; with several `replicas` a series counts only where all of them agree."""
    rules = [_rule(alert, filling, links, replicas) for alert in alerts]
    return {"groups": [{"name": GROUP, "interval": EVERY, "rules": rules}]}


def test_file(alerts: Iterable[OwnAlert], path: str) -> dict[str, Any]:
    """Return a test file over the rule file at `path`: each fires, is quiet, and bears missing data."""
    return {
        "rule_files": [path],
        "evaluation_interval": STEP,
        "tests": [test for alert in alerts for test in _tests(alert)],
    }


def condition(alert: OwnAlert, filling: TextValues, replicas: int = 1) -> str:
    """Return the condition in PromQL, with the labels of the metric and those that rules keep apart."""
    compared = f"{alert.op} {alert.value:.15g}"
    kept = ", ".join(dict.fromkeys((*alert.metric.label_names, *filling.labels)))
    values = _values(alert, filling.lookback)
    if alert.function in COUNTERS and replicas == 1:
        # One exporter, or shards, each of which counts its own targets.
        return f"sum by ({kept}) ({values}) {compared}"
    lowest, highest = (f"{which} by ({kept}) ({values})" for which in ("min", "max"))
    # A replica that is cut off must not raise an alert that the others deny.
    sides = {">": (lowest,), ">=": (lowest,), "<": (highest,), "<=": (highest,)}
    return "\nand\n".join(f"{side} {compared}" for side in sides.get(alert.op, (lowest, highest)))


def _values(alert: OwnAlert, lookback: str) -> str:
    selector = f"{alert.metric}{_matchers(alert)}"
    if alert.function in COUNTERS:
        return f"{alert.function}({selector}[{alert.window}])"
    return f"{alert.function}_over_time({selector}[{alert.window or lookback}])"


def _matchers(alert: OwnAlert) -> str:
    parts = [
        f'{label}="{_quoted(values[0])}"' if len(values) == 1 else f'{label}=~"{_one_of(values)}"'
        for label, values in alert.where
    ]
    return f"{{{', '.join(parts)}}}" if parts else ""


def _one_of(values: Iterable[str]) -> str:
    special = set("\\.+*?()|[]{}^$")
    literal = ("".join(f"\\{sign}" if sign in special else sign for sign in value) for value in values)
    return _quoted("|".join(literal))


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _rule(alert: OwnAlert, filling: TextValues, links: Links, replicas: int) -> PrometheusRule:
    rule: PrometheusRule = {"alert": alert.name, "expr": condition(alert, filling, replicas)}
    if alert.hold != "0s":
        rule["for"] = alert.hold
    if keep := alert.keep_firing or (BRIDGE if alert.window and seconds(alert.window) < SHORT else ""):
        rule["keep_firing_for"] = keep
    rule["labels"] = _labels(alert)
    rule["annotations"] = {
        "summary": _literal(alert.summary),
        "description": alert.description or _description(alert),
        **({"runbook_url": alert.runbook_url} if alert.runbook_url else {}),
        **({"dashboard_url": links.board(BOARD, alert.metric.label_names)} if links.grafana else {}),
    }
    return rule


def _labels(alert: OwnAlert) -> dict[str, str]:
    scope = {Scope.TARGET: "tenant", Scope.TENANT: "tenant", Scope.INTEGRATION: "integration"}
    return {"severity": alert.severity.value, "scope": scope.get(alert.metric.scope, "exporter")}


def _description(alert: OwnAlert) -> str:
    looked = {"last": "", "increase": "The increase of ", "rate": "The rate by second of "}
    what = looked.get(alert.function, f"The {alert.function} of ")
    when = f" over {alert.window}" if alert.window else ""
    who = [
        f"{{{{ if $labels.{label} }}}}, {label} {{{{ $labels.{label} }}}}{{{{ end }}}}"
        for label in _who(alert)
    ]
    return (
        f"{what}{alert.metric}{when} is {{{{ $value | humanize }}}} ({alert.op} {alert.value:.15g})"
        f"{''.join(who)}."
    )


def _who(alert: OwnAlert) -> list[str]:
    return [label for label in alert.metric.label_names if label != "provider"]


def _literal(text: str) -> str:
    """Return a text that Prometheus, which reads annotations as templates, shows as it is."""
    return text.replace("{{", '{{ "{{" }}')


def _tests(alert: OwnAlert) -> list[dict[str, Any]]:
    above, below = _sides(alert)
    hold, window = seconds(alert.hold), seconds(alert.window or "0s")
    filled = 600 + min(window, LONGEST_TEST)
    moment = _minutes(filled + hold)
    long = (filled + hold) // 60 + 30
    cases = (
        ("fires", _steady(alert, above, long), True),
        ("quiet", _steady(alert, below, long), False),
        ("missing", f"_x{long}", False),
    )
    tests = [_test(alert, kind, text, moment, fires=fires) for kind, text, fires in cases]
    if alert.function not in COUNTERS:
        before = (filled + hold) // 60
        text = f"{above:.15g}x{before} stale _x1 {above:.15g}x30"
        tests.append(_test(alert, "restart", text, _minutes(filled + hold + 60), fires=True))
    return tests


def _sides(alert: OwnAlert) -> tuple[float, float]:
    """Return a value that meets the condition, and one that does not."""
    step = max(1.0, abs(alert.value) / 2)
    higher, lower, same = alert.value + step, alert.value - step, alert.value
    met, unmet = {
        ">": (higher, lower),
        ">=": (higher, lower),
        "<": (lower, higher),
        "<=": (lower, higher),
        "==": (same, higher),
        "!=": (higher, same),
    }[alert.op]
    return (_reachable(alert, met), _reachable(alert, unmet))


def _reachable(alert: OwnAlert, value: float) -> float:
    # A counter never falls: half of the number, or none at all, is the least that it can rise by.
    return max(0.0, alert.value / 2) if alert.function in COUNTERS and value < 0 else value


def _steady(alert: OwnAlert, value: float, steps: int) -> str:
    """Return the values of a series whose function over the window is `value` all the time."""
    if alert.function not in COUNTERS:
        return f"{value:.15g}x{steps}"
    window = seconds(alert.window)
    increase = value * window if alert.function == "rate" else value
    slope = increase * 60 / min(window, LONGEST_TEST)
    return f"0+{slope:.15g}x{steps}"


def _test(alert: OwnAlert, kind: str, values: str, moment: str, *, fires: bool) -> dict[str, Any]:
    name = f"{alert.name}, {kind}"
    labels = _place(alert)
    wanted = {label: value for label, value in labels.items() if value} | _labels(alert)
    samples = {"labels": _alerts_series(alert.name, wanted), "value": 1}
    return {
        "name": name,
        "interval": STEP,
        "input_series": [{"series": _series(alert, labels), "values": values}],
        "promql_expr_test": [
            {
                "expr": f'ALERTS{{alertname="{alert.name}",alertstate="firing"}} # {name}',
                "eval_time": moment,
                "exp_samples": [samples] if fires else [],
            }
        ],
    }


def _place(alert: OwnAlert) -> dict[str, str]:
    """Return labels of a series that the alert looks at."""
    integration, provider, tenant = (alert.integrations or (("example", "http", ""),))[0]
    known = {"integration": integration, "provider": provider, "tenant": tenant}
    given = {label: values[0] for label, values in alert.where}
    return {label: given.get(label, known.get(label, "x")) for label in alert.metric.label_names}


def _series(alert: OwnAlert, labels: dict[str, str]) -> str:
    inside = ",".join(f'{label}="{_quoted(value)}"' for label, value in labels.items())
    return f"{alert.metric}{{{inside}}}"


def _alerts_series(name: str, labels: dict[str, str]) -> str:
    everything = {"alertname": name, "alertstate": "firing", **labels}
    return "ALERTS{" + ", ".join(f'{one}="{_quoted(everything[one])}"' for one in sorted(everything)) + "}"


def _minutes(amount: float) -> str:
    return f"{int(amount) // 60 + 1}m"
