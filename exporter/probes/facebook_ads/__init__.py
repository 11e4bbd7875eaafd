"""Can a tenant's ad account run ads, how near is it to its spend cap, and how long does its token live?

Permission: `ads_read` or `ads_management` on the ad account. The app's id and secret are needed too: they
prove each call and let the token be inspected. With them alone, and no tenants, the probe asks whether
the app's own credentials are good, and nothing else.

Cost: nothing but calls. Each probe reads the ad account once, one point of the Marketing API's budget of
60 in five minutes, or more with full access; and it is one of the 300 calls an hour, or more, of the ad
account (developers.facebook.com/docs/graph-api/overview/rate-limiting): 216,000 in 30 days. The
inspection of the token is not an ads call. At the default interval of five minutes:

    ad account         each run      8,640        token              1 h            720

which makes 9,360, and 30 more where the version does not know all fields, as these are tried once a day.
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
from exporter.probes._meta_graph.versions import MARKETING
from exporter.probes._readings import DECISIVE, calls_a_month
from exporter.probes.facebook_ads.account import ACCOUNT, account_samples
from exporter.probes.facebook_ads.alerts import ALERTS
from exporter.probes.facebook_ads.metrics import METRICS, OWN
from exporter.probes.facebook_ads.panels import PANELS

INTERVAL = 300.0
# The API wants it before the id; operators copy the id with or without.
PREFIX = "act_"
SCOPES: tokens.Wanted = {"ads_read": ("ads_management",)}


class FacebookAdsOptions(GraphOptions, frozen=True):
    """The options of a Facebook Ads integration."""

    ad_account_id: Annotated[
        str,
        PER_TENANT,
        Meta(pattern=r"^((act_)?[0-9]{1,32})?$", description="Id of the ad account, with or without act_."),
    ] = ""


async def check(target: Target, kit: Kit) -> Iterable[Sample]:
    """Ask for the ad account, and for the token once an hour; without both for the app alone."""
    options: FacebookAdsOptions = target.options
    account = options.ad_account_id.removeprefix(PREFIX)
    if options.access_token and account:
        token = await tokens.current(options, kit)
        graph = Graph(options, kit, OWN, account, MARKETING, token)
        return await collect(graph, _read(graph, account, token))
    # A tenant without an account must not be taken for the app alone, which would look healthy.
    if target.tenant or options.access_token or account:
        absent = "ad_account_id" if options.access_token else "access_token"
        raise ProbeError(Reason.NOT_CONFIGURED, f"no {absent} is configured")
    graph = Graph(options, kit, OWN, account, MARKETING)
    return await collect(graph, _app_alone(graph))


async def _read(graph: Graph, account: str, token: Secret) -> AsyncIterator[Sample]:
    answer = await graph.get_fields(f"/{PREFIX}{account}", ACCOUNT)
    for sample in account_samples(answer, basic=graph.refused["account_fields"]):
        yield sample
    # A token of another app, or an app that is wrong itself, is not a failure of this reading alone.
    decisive = DECISIVE | {Reason.AUTH}
    kept = await read_optional(
        graph, tokens.PLACE, tokens.PERIOD, partial(tokens.inspect, graph, token), decisive
    )
    if kept is not None:
        tokens.tell(graph.kit, token, kept)
        for sample in (*tokens.expiry_samples(kept), *tokens.scope_samples(kept, SCOPES, OWN)):
            yield sample


async def _app_alone(graph: Graph) -> AsyncIterator[Sample]:
    """Yield nothing that is measured, but fail where the app's own token is refused."""
    kept = await tokens.inspect(graph, graph.app_token or Secret(""))
    for sample in tokens.expiry_samples(kept):
        yield sample


def calls(options: FacebookAdsOptions, interval: float) -> float:
    """Return the reads in 30 days: a reading is made at most once in its period and once in a run."""
    if not options.access_token:
        return calls_a_month(interval, ())
    return calls_a_month(interval, ((1, tokens.PERIOD), (1, DAY)))


PROBE = Probe(
    name="facebook_ads",
    title="Facebook Ads",
    asks=("access_token", "ad_account_id"),
    options=FacebookAdsOptions,
    check=check,
    metrics=METRICS,
    alerts=ALERTS,
    panels=PANELS,
    needs=("app_id", "app_secret"),
    interval=INTERVAL,
    calls=calls,
    allowance=Allowance(216_000, "developers.facebook.com/docs/graph-api/overview/rate-limiting"),
    credential="ad_account_id",
    grant=tokens.grant_of,
    token_option="access_token",  # noqa: S106 - an option's name
    environment={"app_id": ("FACEBOOK_APP_ID",), "app_secret": ("FACEBOOK_APP_SECRET",)},
)
