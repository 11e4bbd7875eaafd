"""Does a vendor say on its own status page that it has trouble?

It asks one public document, `GET <page>/api/v2/summary.json`, which pages of Atlassian Statuspage serve and
pages of incident.io serve in the same form. Permission: none, and no credential. Cost: one call per
probe, which the pages serve from caches; every two minutes is within what their operators ask for.

It is a signal apart from the vendor's own integration: success means only that the page answered. A vendor
in trouble keeps this probe connected and shows in `integration_statuspage_component_status` and
`integration_statuspage_incidents`; a page that cannot be read leaves them unknown and says nothing of the
vendor. So "the vendor is down" and "our credential is broken" can be distinguished.

The page's own words become labels, so they are bounded: `components` chooses which components are shown,
`max_components` caps how many. Headings that only group other components are left out. The page's overall
indicator may be "none" while incidents are open, so indicator, components and incidents are all read. When
the page was last changed says nothing of its health, so that is not exported.

Not verified: whether pages that moved to incident.io list all their components.
Sources: confluence.status.atlassian.com/api; mongodb.com/docs/api/doc/cloud-status.
"""

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta

from exporter.core.errors import ProbeError
from exporter.core.metric import Sample
from exporter.core.network import Request
from exporter.core.options import Options, TlsOptions
from exporter.core.probe import Kit, Probe, Target
from exporter.core.reason import Reason
from exporter.net.reasons import check_status
from exporter.probes.statuspage.alerts import ALERTS
from exporter.probes.statuspage.metrics import METRICS
from exporter.probes.statuspage.panels import PANELS
from exporter.probes.statuspage.reading import Watched, read

PATH = "/api/v2/summary.json"
OTHER_FORMAT = "this is no page in Statuspage's format, give the address of one that is"
REDIRECTS = 3
"""Pages move to a domain of their own, and the old one leads there."""
MAX_BODY = 4 << 20
"""Bytes of a summary: the pages of the largest vendors have hundreds of components."""


class StatuspageOptions(Options, frozen=True):
    """Which page is read, and what of it matters."""

    url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^/\s?#@]+(/[^\s?#]*)?)?$",
            description="The status page, such as https://status.twilio.com.",
        ),
    ] = ""
    components: Annotated[
        tuple[str, ...],
        Meta(
            max_length=200,
            description="Names or ids of the components that matter to us; all where it is empty.",
        ),
    ] = ()
    max_components: Annotated[
        int, Meta(ge=1, le=200, description="Most components that are shown, in the order of the page.")
    ] = 30
    tls: Annotated[TlsOptions, Meta(description="How the certificate of `url` is judged.")] = TlsOptions()


async def check(target: Target, kit: Kit) -> Iterable[Sample]:
    """Read the page's summary."""
    options: StatuspageOptions = target.options
    url = f"{options.url.rstrip('/')}{PATH}"
    answer = await kit.call(Request(url, redirects=REDIRECTS, tls=options.tls, max_body=MAX_BODY))
    if answer.status in (404, 410):
        raise ProbeError(Reason.NOT_FOUND, f"{PATH} answered HTTP {answer.status}; {OTHER_FORMAT}")
    check_status(answer, kit.now())
    # Other sites answer unknown paths with 200 and a page of their own.
    if "html" in answer.headers.get("content-type", ""):
        raise ProbeError(Reason.BAD_RESPONSE, f"{PATH} answered a page for people; {OTHER_FORMAT}")
    summary = kit.document(answer)
    if not isinstance(summary.at("status").value, dict):
        raise ProbeError(Reason.BAD_RESPONSE, f"{PATH} answered without a status object; {OTHER_FORMAT}")
    return tuple(read(summary, Watched(options.components, options.max_components)))


PROBE = Probe(
    name="statuspage",
    title="Status page",
    options=StatuspageOptions,
    check=check,
    metrics=METRICS,
    alerts=ALERTS,
    panels=PANELS,
    needs=("url",),
    interval=120.0,
    timeout=10.0,
    generic=True,
)
