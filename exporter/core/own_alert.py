"""Alerts and rule files of the user's own, as every room reads them."""

from dataclasses import dataclass

from exporter.core.metric import Metric
from exporter.core.severity import Severity


@dataclass(frozen=True)
class OwnAlert:
    """One metric of the configuration compared with one number.

    `function` is a PromQL function over `window` (a duration): one of `avg`, `min`, `max`, `last` for what
    rises and falls, `increase` or `rate` for counters. `where` narrows the series by the values that a label
    may have. `hold` and `keep_firing` are the rule's `for` and `keep_firing_for`. `integrations` are name and
    provider of those that export the metric, with one tenant each ("" without tenants). `recipients` are
    names of teams; without any the alert goes where its severity goes.
    """

    name: str
    metric: Metric
    op: str
    value: float
    severity: Severity
    summary: str
    description: str = ""
    runbook_url: str = ""
    function: str = "last"
    window: str = ""
    hold: str = "0s"
    keep_firing: str = ""
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    integrations: tuple[tuple[str, str, str], ...] = ()
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True)
class RuleFileText:
    """A rule file of the user's own: the name of its copy in a bundle, its path, and its text."""

    name: str
    path: str
    text: str
