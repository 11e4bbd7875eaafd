"""What attempts say of an endpoint, added up: also what another replica saw."""

from dataclasses import replace

from exporter.core.action import EndpointReport
from exporter.core.endpoint import EndpointFacts
from exporter.endpoints.entry import EndpointEntry

DAY = 86_400.0


def absorb(facts: EndpointFacts, report: EndpointReport) -> EndpointFacts:
    """Return `facts` after an attempt."""
    expiry = report.certificate_expiry if report.certificate_expiry is not None else facts.certificate_expiry
    if not report.reason:
        return EndpointFacts(
            facts.endpoint,
            last_success=report.at,
            last_failure=facts.last_failure,
            certificate_expiry=expiry,
        )
    since = facts.failing_since if facts.failing_since is not None else report.at
    return replace(
        facts,
        last_failure=report.at,
        failing_since=since,
        reason=report.reason,
        certificate_expiry=expiry,
    )


def join(mine: EndpointFacts | None, stored: EndpointFacts) -> EndpointFacts:
    """Return what is known by this process and by the store, which another replica may have written."""
    if mine is None or mine == stored:
        return stored
    newest = max(mine, stored, key=lambda one: max(one.last_success or 0.0, one.last_failure or 0.0))
    success = max((one.last_success or 0.0 for one in (mine, stored)), default=0.0) or None
    since = newest.failing_since
    # A success that the other one saw ends what this one took for nothing but failures.
    if since is not None and success is not None and success > since:
        since = newest.last_failure if (newest.last_failure or 0.0) > success else None
    return replace(newest, last_success=success, failing_since=since, reason=newest.reason if since else "")


def overdue(entry: EndpointEntry, now: float) -> str:
    """Return why an endpoint that only fails is to be disabled at `now`, "" while it is not."""
    limit, facts = entry.endpoint.limits.disable_after, entry.facts
    if not limit or facts is None or facts.failing_since is None or now - facts.failing_since < limit:
        return ""
    return f"nothing but failures for {(now - facts.failing_since) / DAY:.1f} days, at last: {facts.reason}"
