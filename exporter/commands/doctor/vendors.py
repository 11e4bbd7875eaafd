"""Vendors: probes a sample of the targets of each integration once, as the exporter would."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence

from exporter.commands.doctor.finding import Area, Finding, some
from exporter.commands.doctor.report import ProgressCallback
from exporter.core.clock import SystemClock
from exporter.core.configuration import Configuration, Integration
from exporter.core.errors import Shortage
from exporter.core.network import Network
from exporter.core.probe import Result, Target, TargetKey
from exporter.core.reason import Reason
from exporter.core.token import RefreshToken
from exporter.engine.run import run

AT_ONCE = 8
"""Probes under way at one time, over all integrations."""

AREA = Area("vendors")

_REMEDIES = {
    Reason.NOT_CONFIGURED: "give what is missing, or remove the target",
    Reason.DNS: "see the host in its options, and this machine's name servers",
    Reason.CONNECT: "see host and port in its options, firewalls on the way, and whether the server runs",
    Reason.TLS: "see the certificate and its authority; options.tls says which one is trusted",
    Reason.TIMEOUT: "check the network and the vendor's status page, or raise the timeout",
    Reason.AUTH: "make a new credential at the vendor and put it in",
    Reason.PERMISSION: "give the credential the permission that its reference page names",
    Reason.ACCOUNT: "see the vendor's dashboard and mail: the account needs its owner",
    Reason.RATE_LIMITED: "set a longer interval, or find out who else uses the credential",
    Reason.QUOTA: "raise the quota or the balance at the vendor, or wait for its reset",
    Reason.NOT_FOUND: "see the ids in its options: they belong to another account, or are gone",
    Reason.VENDOR_ERROR: "see the vendor's status page, and try again",
    Reason.BAD_RESPONSE: "see whether the address in its options is the vendor's, or a proxy answers instead",
    Reason.ASSERTION: "see the service, or what its options expect of it",
    Reason.BUG: "please report it",
}


async def findings(
    configuration: Configuration, network: Network, limit: int, progress: ProgressCallback
) -> list[Finding]:
    """Probe at most `limit` targets of each integration; `progress` is called after each probe."""
    targets_of: dict[str, list[Target]] = defaultdict(list)
    for target in configuration.targets.values():
        if target.configured:
            targets_of[target.integration].append(target)
    samples: dict[str, list[Target]] = {}
    found: list[Finding] = []
    for integration in configuration.integrations:
        targets = targets_of[integration.name]
        if targets and (why := _exclusion(integration, targets[0])):
            found.append(AREA.note(f"{integration.name} is not checked: {why}", _BY_EXPORTER))
        elif targets:
            samples[integration.name] = sample(targets, limit)
    results, short = await _run_all(
        [one for targets in samples.values() for one in targets], network, progress
    )
    for name, targets in samples.items():
        probed = [(one, results[one.key]) for one in targets if one.key in results]
        found += _judge(name, len(targets_of[name]), probed) if probed else ()
    if short:
        remedy = "give this process what it lacks, and run the command again"
        found.append(AREA.problem(f"{len(short)} targets were not probed: {short[0].why}", remedy))
    return found


_BY_EXPORTER = "see the errors of the running exporter: integration-exporter errors"


def _exclusion(integration: Integration, target: Target) -> str:
    """Return why this process must not probe an integration, "" where it may."""
    if integration.tokens.source != "options":
        return "its tokens are kept by the running exporter"
    grant = target.probe.grant(target.options) if target.probe.grant else None
    if target.probe.generic and isinstance(grant, RefreshToken):
        # Many servers revoke a refresh token once it is used, and only the exporter stores the next one.
        return "its refresh token may be good for one use, which is the running exporter's"
    return ""


def sample(targets: Sequence[Target], limit: int) -> list[Target]:
    """Return at most `limit` of `targets`, spread evenly over all of them, the same ones each time."""
    if len(targets) <= limit:
        return list(targets)
    return [targets[index * len(targets) // limit] for index in range(limit)]


async def _run_all(
    targets: list[Target], network: Network, progress: ProgressCallback
) -> tuple[dict[TargetKey, Result], list[Shortage]]:
    clock, done = SystemClock(), 0
    room = asyncio.Semaphore(AT_ONCE)
    # Vendors limit calls at one time; the running exporter may be calling as well.
    lanes = {one.probe.name: asyncio.Semaphore(one.probe.concurrency) for one in targets}
    results: dict[TargetKey, Result] = {}
    short: list[Shortage] = []

    async def one(target: Target) -> None:
        nonlocal done
        async with lanes[target.probe.name], room:
            try:
                results[target.key] = await run(target, network, clock, {})
            except Shortage as shortage:
                short.append(shortage)
        done += 1
        progress(done, len(targets), str(target))

    progress(0, len(targets), "")
    await asyncio.gather(*map(one, targets))
    return results, short


def _judge(name: str, count: int, results: Sequence[tuple[Target, Result]]) -> Iterator[Finding]:
    provider = results[0][0].provider
    share = f"{len(results)} of {count} targets probed, " if count > 1 else ""
    reasons: dict[Reason, list[tuple[Target, Result]]] = defaultdict(list)
    for target, result in results:
        if result.reason is not None:
            reasons[result.reason].append((target, result))
    if not reasons:
        slowest = max(result.duration_seconds for _, result in results)
        yield AREA.ok(f"{name} ({provider}): {share}connected in {slowest * 1000:.0f} ms at most")
    # By reason: a key that expired for forty tenants is one problem.
    for reason, failed in reasons.items():
        target, result = failed[0]
        tenants = [one.tenant for one, _ in failed if one.tenant]
        whom = f" for {some(tenants, 3)}" if tenants else ""
        text = f"{name} ({provider}): {share}{reason}{whom}: {result.detail}"
        tenant = f" --tenant {target.tenant}" if target.tenant else ""
        remedy = f"{_REMEDIES[reason]}; integration-exporter probe {name}{tenant} -v shows the whole run"
        yield (AREA.note if reason is Reason.NOT_CONFIGURED else AREA.problem)(text, remedy)
