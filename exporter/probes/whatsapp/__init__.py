"""Can a tenant's WhatsApp business account send, how good are its numbers, and how long does its token live?

Permission: `whatsapp_business_management`, and the account assigned to the user of a system token.
`whatsapp_business_messaging` is not used here, but the platform cannot send without it: its lack is
reported. Only the numbers are indispensable: where Meta refuses another reading, the probe stays connected,
what depends on it is absent and `integration_whatsapp_reading_refused` says so. The token is inspected
by the app where `app_id` and `app_secret` are given, else by itself; with them a token that expires is
exchanged for a new one in time.

Cost: nothing but calls. Meta allows an app 200 an hour for each account, 5,000 where a number is active
(developers.facebook.com/docs/graph-api/overview/rate-limiting): 144,000 in 30 days. At the default
interval of five minutes:

    numbers            each run      8,640        subscribed apps    1 h            720
    account            15 min        2,880        token              1 h            720
    templates          1 h           1,440 (two pages of 100)

which makes 14,400, and 60 more where the version does not know all fields, as these are tried once a day.
"""

from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Annotated

from msgspec import Meta

from exporter.core.errors import ProbeError
from exporter.core.metric import Sample
from exporter.core.options import PER_TENANT
from exporter.core.probe import DAY, Allowance, Kit, Probe, Target
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.probes._meta_graph import token as tokens
from exporter.probes._meta_graph.graph import Graph, GraphOptions
from exporter.probes._meta_graph.readings import collect, read_optional
from exporter.probes._meta_graph.versions import GRAPH
from exporter.probes._readings import DECISIVE, StoredAnswer, calls_a_month
from exporter.probes.whatsapp import readings
from exporter.probes.whatsapp.alerts import ALERTS
from exporter.probes.whatsapp.metrics import METRICS, OWN
from exporter.probes.whatsapp.panels import PANELS

INTERVAL = 300.0
ACCOUNT_PERIOD = 900.0
HOUR = 3600.0
MANAGE = "whatsapp_business_management"
SCOPES: tokens.Wanted = {MANAGE: (), "whatsapp_business_messaging": ()}


class WhatsappOptions(GraphOptions, frozen=True):
    """The options of a WhatsApp integration."""

    business_account_id: Annotated[
        str,
        PER_TENANT,
        Meta(pattern=r"^[0-9]{0,32}$", description="Id of the WhatsApp business account (WABA)."),
    ] = ""
    pages: Annotated[
        int,
        Meta(ge=1, le=20, description="Most pages of 100 message templates that are read; each is a call."),
    ] = 2


async def check(target: Target, kit: Kit) -> Iterable[Sample]:
    """Ask for the numbers, and for each other reading whose time has come."""
    options: WhatsappOptions = target.options
    token = await tokens.current(options, kit)
    graph = Graph(options, kit, OWN, options.business_account_id, GRAPH, token)
    return await collect(graph, _read(graph, options, token))


async def _read(graph: Graph, options: WhatsappOptions, token: Secret) -> AsyncIterator[Sample]:
    account = options.business_account_id
    numbers = await readings.fetch_numbers(graph, account)
    basic = graph.refused["phone_numbers_fields"]
    for sample in readings.number_samples(numbers, basic=basic):
        yield sample
    found = (
        []
        if basic
        else [trouble for item in numbers.at("data").items() for trouble in readings.troubles(item)]
    )
    kept = await read_optional(
        graph, "account", ACCOUNT_PERIOD, partial(readings.fetch_account, graph, account)
    )
    for sample in readings.account_samples(kept) if kept else ():
        yield sample
    graph.kit.vendor_detail("business_account_id", account)
    graph.kit.vendor_detail("name", (kept or {}).get("name"))
    # Where neither reported its health there is nothing to count; "troubles" is there, if empty, where one
    # did.
    if not basic or (kept and "troubles" in kept):
        for sample in readings.trouble_samples([*found, *(kept or {}).get("troubles", ())]):
            yield sample
    templates = partial(readings.fetch_templates, graph, account, options.pages)
    if (kept := await read_optional(graph, "templates", HOUR, templates)) is not None:
        for sample in readings.template_samples(kept):
            yield sample
    subscribed = partial(readings.fetch_subscribed, graph, account)
    if (kept := await read_optional(graph, "subscribed_apps", HOUR, subscribed)) is not None:
        for sample in readings.subscribed_samples(kept):
            yield sample
    for sample in await _token(graph, token):
        yield sample


async def _token(graph: Graph, token: Secret) -> list[Sample]:
    # A token that serves but may not inspect itself is fine; an app's wrong secret is not.
    decisive = DECISIVE | {Reason.AUTH} if graph.app_token else DECISIVE
    kept: StoredAnswer | None = await read_optional(
        graph, tokens.PLACE, tokens.PERIOD, partial(tokens.inspect, graph, token), decisive
    )
    if kept is None:
        return []
    tokens.tell(graph.kit, token, kept)
    expiry = list(tokens.expiry_samples(kept))
    if tokens.lacks_scope(kept, MANAGE, SCOPES):
        for sample in expiry:
            graph.kit.fact(sample)
        raise ProbeError(Reason.PERMISSION, f"the token lacks the scope {MANAGE}")
    return [*expiry, *tokens.scope_samples(kept, SCOPES, OWN)]


def calls(options: WhatsappOptions, interval: float) -> float:
    """Return the reads in 30 days: a reading is made at most once in its period and once in a run."""
    return calls_a_month(interval, ((1, ACCOUNT_PERIOD), (options.pages + 2, HOUR), (2, DAY)))


PROBE = Probe(
    name="whatsapp",
    title="WhatsApp",
    options=WhatsappOptions,
    check=check,
    metrics=METRICS,
    alerts=ALERTS,
    panels=PANELS,
    needs=("access_token", "business_account_id"),
    interval=INTERVAL,
    calls=calls,
    allowance=Allowance(144_000, "developers.facebook.com/docs/graph-api/overview/rate-limiting"),
    credential="business_account_id",
    grant=tokens.grant_of,
    token_option="access_token",  # noqa: S106 - an option's name
)
