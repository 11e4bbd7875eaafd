"""Series as `promtool test rules` reads them: a name with labels, and values in expanding notation."""

from exporter.core.metric import Metric
from exporter.core.monitoring_series import STARTED
from exporter.core.threshold import ThresholdFamily

# `0x5` is six samples of 0 and `3+1x5` rises from 3 by 1, but `_x5` is five scrapes without the series.
# `stale` is the marker by which Prometheus ends a series that left the scrape.


def series(
    metric: Metric | str,
    integration: str = "payments",
    provider: str = "stripe",
    tenant: str = "acme",
    **labels: str,
) -> str:
    """Return the text of a target's series, such as `name{integration="payments",...}`."""
    return text(metric, integration=integration, provider=provider, tenant=tenant, **labels)


def text(metric: Metric | str, **labels: str) -> str:
    """Return the text of a series with exactly `labels`."""
    inside = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{metric}{{{inside}}}"


def scraped(times: str = "{}x120", **process: str) -> dict[str, str]:
    """Return the series of a process that began more than a day ago and is scraped at `times`.

    `process` are its labels, `job` and `instance`.
    """
    values = {"up": 1, STARTED: -90_000}
    return {text(name, **process): times.replace("{}", str(value)) for name, value in values.items()}


def threshold(
    family: ThresholdFamily,
    severity: str,
    integration: str = "payments",
    provider: str = "stripe",
    tenant: str = "",
) -> str:
    """Return the text of a threshold series: the default of an integration, or a tenant's override."""
    return series(family.metric, integration, provider, tenant, severity=severity)


def target(integration: str = "payments", provider: str = "stripe", tenant: str = "acme") -> dict[str, str]:
    """Return the labels of a target, as an alert carries them."""
    return {"integration": integration, "provider": provider, "tenant": tenant}


def whole(integration: str = "payments", provider: str = "stripe") -> dict[str, str]:
    """Return the labels of an integration, as an alert carries them."""
    return {"integration": integration, "provider": provider}
