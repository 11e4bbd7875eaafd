"""Which thresholds can the series of a provider's targets ever be compared with?"""

import re
from collections.abc import Iterable, Mapping

from exporter.core.alert import Alert
from exporter.core.common_metrics import CERTIFICATE_SERIES, RENEWAL_SERIES, SHARED_SERIES
from exporter.core.metric import Metric, Scope
from exporter.core.probe import Probe
from exporter.core.threshold import ThresholdFamily, ThresholdReach

# Without colons: the name of a recorded series has that of the metric behind it between two of them.
_WORD = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def reach_of(probes: Iterable[Probe], alerts: Iterable[Alert]) -> dict[str, ThresholdReach]:
    """Return what each provider reaches, by its name.

    A family is reached by the targets that can show one of the metrics that its rules compare, and by all
    targets where those are series that every one has.
    """
    providers, known = tuple(probes), tuple(alerts)
    # What some targets show and others do not; the rest of what rules read says nothing of a provider.
    special = _names((*SHARED_SERIES, *(metric for probe in providers for metric in probe.metrics)))
    families = {alert.family.name: alert.family for alert in known if alert.family}
    read = {alert: _words(alert.expressions) for alert in known}
    compared = {
        name: _compared(family, read) & special
        for name, family in families.items()
        if family.scope is Scope.TARGET
    }
    return {probe.name: _reach(probe, compared) for probe in providers}


def _reach(probe: Probe, compared: Mapping[str, frozenset[str]]) -> ThresholdReach:
    own = _names((*probe.metrics, *(CERTIFICATE_SERIES if probe.encrypts else ())))
    renewals = _names(RENEWAL_SERIES if probe.grant else ())
    if probe.token_option:  # its targets all have a token to renew
        own |= renewals
    always = frozenset(name for name, metrics in compared.items() if not metrics or metrics & own)
    renewed = frozenset(name for name, metrics in compared.items() if metrics & renewals)
    return ThresholdReach(always, renewed - always)


def _compared(family: ThresholdFamily, read: Mapping[Alert, frozenset[str]]) -> frozenset[str]:
    """Return the words of all expressions that are compared with `family`, or that read its records."""
    found: set[str] = set()
    for alert, words in read.items():
        if alert.family is not None and alert.family.name == family.name:
            found |= _words((alert.observed, *alert.records.values()))
        elif family.metric.name in words:
            found |= words
    return frozenset(found)


def _words(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(word for text in texts for word in _WORD.findall(text))


def _names(metrics: Iterable[Metric]) -> frozenset[str]:
    return frozenset(metric.name for metric in metrics)
