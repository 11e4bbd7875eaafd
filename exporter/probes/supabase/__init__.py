"""Do a Supabase project's services answer, and how is the database behind them?

Permission: the project's secret key (`sb_secret_...`) or its legacy `service_role` key. It may do anything
with the project's data; the probe reads none of it: the health of auth and storage, the head of the data
API's description, and the database's metrics, which only hosted projects have (in beta). Without the
metrics the probe stays connected, and `integration_supabase_reading_refused` says so.

Cost: each probe makes one call for each of `services`, three by default, and one for the metrics: 34,560 in
30 days at the default interval of five minutes. Supabase documents no allowance for them. The metrics are
some hundred kilobytes before they are packed, which count as egress; they are renewed once a minute.

Increases are measured over ten minutes; after a start, or when the statistics were reset, the window starts
again and is absent at first.

Not verified: whether every plan gives the metrics.
"""

import asyncio
from collections.abc import Iterable, Iterator

from exporter.core.common_metrics import TOKEN_EXPIRY, TOKEN_REFRESHABLE
from exporter.core.errors import ProbeError
from exporter.core.metric import Sample
from exporter.core.probe import MONTH, Kit, Probe, Target
from exporter.core.reason import NETWORK, Reason
from exporter.core.secret import Secret
from exporter.probes.supabase import metrics as m
from exporter.probes.supabase.alerts import ALERTS
from exporter.probes.supabase.api import (
    PROJECT,
    SERVICES,
    Api,
    SupabaseOptions,
    expiry_of,
    is_legacy,
)
from exporter.probes.supabase.panels import PANELS
from exporter.probes.supabase.readings import read

INTERVAL = 300.0
METRICS = "metrics"
PATIENCE = 1 / 2
"""Share of the timeout that the metrics may take: the services are what counts."""

_OF_ONE_SERVICE = frozenset({Reason.VENDOR_ERROR, Reason.BAD_RESPONSE, Reason.NOT_FOUND})
"""Failures of one service alone: the others are still asked. Any other failure would be theirs too."""


async def check(target: Target, kit: Kit) -> Iterable[Sample]:
    """Ask each service, then for the database's metrics."""
    options: SupabaseOptions = target.options
    key = options.service_role_key or Secret("")
    api = Api(options, kit)
    for sample in _key_expiry(key):
        kit.fact(sample)
    await _ask_services(api, options.services)
    if not options.metrics:
        return ()
    status = kit.trace.http_status
    samples = await _metrics(api, target.timeout * PATIENCE)
    # The services speak for the integration, not the refusal of a reading that it can do without.
    kit.trace.http_status = status or kit.trace.http_status
    # More than one sample: there are metrics, so the project is hosted. Others have legacy keys only.
    hosted = [m.LEGACY_KEY(is_legacy(key))] if len(samples) > 1 else []
    return [*samples, *hosted]


async def _ask_services(api: Api, names: Iterable[str]) -> None:
    """Fail, once all were asked, where one of the services does not work; each one's state is a fact."""
    kit = api.kit
    failures: list[tuple[str, ProbeError, int | None]] = []
    for name in dict.fromkeys(names):
        try:
            await api.ask(SERVICES[name])
        except ProbeError as error:
            failures.append((name, error, kit.trace.http_status))
            # A refused key says nothing of the service behind the gateway.
            if error.reason in _OF_ONE_SERVICE | NETWORK:
                kit.fact(m.SERVICE_UP(False, service=name))
            # The next service would fail for the same cause.
            if error.reason not in _OF_ONE_SERVICE:
                break
        else:
            kit.fact(m.SERVICE_UP(True, service=name))
    if failures:
        _, first, kit.trace.http_status = failures[0]
        others = ", ".join(name for name, *_ in failures[1:])
        detail = f"{first.detail}; also failing: {others}" if others else first.detail
        raise ProbeError(first.reason, detail, retry_after=first.retry_after)


async def _metrics(api: Api, patience: float) -> list[Sample]:
    """Return the samples of the metrics, if they come within `patience` seconds."""
    try:
        async with asyncio.timeout(patience):
            text = await api.metrics()
        return [m.READING_REFUSED(False, reading=METRICS), *read(text, api.kit)]
    except ProbeError as error:
        why = error.detail
    except TimeoutError:
        why = f"the metrics did not come within {patience:g} s"
    # A self-hosted project has no metrics, and those of hosted ones are in beta.
    api.kit.log(why)
    return [m.READING_REFUSED(True, reading=METRICS)]


def _key_expiry(key: Secret) -> Iterator[Sample]:
    """Return when a legacy key expires; new ones do not say."""
    if is_legacy(key) and (end := expiry_of(key)) is not None:
        yield TOKEN_EXPIRY(end, token="service_role")  # noqa: S106 - a label's value
        yield TOKEN_REFRESHABLE(False, token="service_role")  # noqa: S106 - a label's value


def calls(options: SupabaseOptions, interval: float) -> float:
    """Return the reads in 30 days."""
    return (len(set(options.services)) + options.metrics) * MONTH / interval


def mistakes(options: SupabaseOptions) -> list[str]:
    """Return what is wrong with options that each have the right type."""
    found = []
    if not options.services or set(options.services) - SERVICES.keys():
        found.append(f"services must be some of {', '.join(SERVICES)}; write such as [auth, rest]")
    if options.project and PROJECT not in options.url:
        found.append(f"project has no place in the url; write it there as {PROJECT}, or leave it out")
    return found


PROBE = Probe(
    name="supabase",
    title="Supabase",
    asks=("project",),
    options=SupabaseOptions,
    check=check,
    metrics=m.METRICS,
    alerts=ALERTS,
    panels=PANELS,
    needs=("service_role_key",),
    interval=INTERVAL,
    calls=calls,
    credential="service_role_key",
    environment={
        "url": ("SUPABASE_URL", "NEXT_PUBLIC_SUPABASE_URL"),
        "service_role_key": ("SUPABASE_SERVICE_ROLE_KEY",),
    },
    verify=mistakes,
)
