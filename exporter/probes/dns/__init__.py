"""Asks a name server one question and judges the answer: does the name resolve, and to what it should?

It needs no permission and costs one query. Without `server` it asks those of /etc/resolv.conf in turn, as the
system does: the next one where the one before is silent, unreachable or in trouble. UDP is repeated each
second; an answer that does not fit into a datagram is asked for again over TCP. Answers with another id or
another question are not ours and are ignored. A failure of the server is vendor_error (SERVFAIL), permission
(REFUSED) or not_found (NXDOMAIN); an answer that is not as expected is an assertion. The reason dns is kept
for names that this machine cannot resolve, such as that of `server` itself.
"""

from collections.abc import Iterable

from exporter.core.common_metrics import SCHEDULE
from exporter.core.errors import ProbeError
from exporter.core.metric import Metric, Sample
from exporter.core.panel import Panel
from exporter.core.probe import Kit, Probe, Target, never
from exporter.core.reason import Reason
from exporter.probes._host import host_mistakes
from exporter.probes._panels import MATCHERS
from exporter.probes.dns.expect import mistakes
from exporter.probes.dns.options import DnsOptions

__all__ = ["PROBE", "check"]

ANSWERS = Metric("integration_dns_answers", "Records of the asked type in the answer." + SCHEDULE)
TTL = Metric(
    "integration_dns_ttl_seconds",
    "Shortest time that the records may be kept; a resolver counts it down. Absent without records."
    + SCHEDULE,
    unit="seconds",
)
SERIAL = Metric("integration_dns_soa_serial", "Serial number of the zone, where SOA is asked for." + SCHEDULE)
RESPONSE = Metric(
    "integration_dns_response_info",
    "Result code of the answer and how it came (udp, tcp); always 1." + SCHEDULE,
    labels=("rcode", "transport"),
)
AUTHORITATIVE = Metric(
    "integration_dns_authoritative",
    "Whether the server owns the zone (1) or repeats what it learned (0)." + SCHEDULE,
)


async def check(target: Target, kit: Kit) -> Iterable[Sample]:
    """Ask, judge the answer, and return its facts."""
    # Here, because dnspython takes longer to load than --help may.
    from exporter.probes.dns import asking

    options: DnsOptions = target.options
    if problem := asking.name_problem(options.name):
        raise ProbeError(Reason.NOT_CONFIGURED, f"name: {problem}")
    found = await asking.ask(options, kit, target.timeout)
    options.expect.judge(found)
    samples = [
        ANSWERS(len(found.values)),
        RESPONSE(1, rcode=found.rcode, transport=found.transport),
        AUTHORITATIVE(found.authoritative),
    ]
    if found.ttl is not None:
        samples.append(TTL(found.ttl))
    if found.serial is not None:
        samples.append(SERIAL(found.serial))
    return samples


def _mistakes(options: DnsOptions) -> list[str]:
    # Here, because dnspython takes longer to load than --help may.
    from exporter.probes.dns import asking

    found = mistakes(options.expect)
    if problem := asking.name_problem(options.name):
        found.append(f"name: {problem}")
    return [*found, *(host_mistakes(options.server, "server") if options.server else ())]


PROBE = Probe(
    name="dns",
    title="DNS",
    options=DnsOptions,
    check=check,
    metrics=(ANSWERS, TTL, SERIAL, RESPONSE, AUTHORITATIVE),
    panels=(
        Panel(
            "DNS records",
            "Records of the asked type in the last answer.",
            f"max by (integration, tenant) ({ANSWERS}{{{MATCHERS}}})",
        ),
        Panel(
            "Zone serial",
            "Serial number of the zone; it rises with each change.",
            f"max by (integration, tenant) ({SERIAL}{{{MATCHERS}}})",
            kind="stat",
        ),
    ),
    needs=("name",),
    interval=60.0,
    timeout=10.0,
    generic=True,
    drifts=never,
    encrypts=False,
    verify=_mistakes,
)
