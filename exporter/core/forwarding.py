"""What of a webhook goes on to the app, and what we add: both ends of the way agree here."""

from exporter.core.delivery import HeaderLines

FORWARD = "forward"
"""Kind of the deliveries that bring a webhook to the operator's app."""

RECEIVED = "received"
"""Kind of the webhooks of a source without `forward`: they are stored, and go nowhere."""

OWN_HEADERS = "x-integration-exporter-"
SOURCE_HEADER = "X-Integration-Exporter-Source"
EVENT_HEADER = "X-Integration-Exporter-Event"
RECEIVED_HEADER = "X-Integration-Exporter-Received"
URL_HEADER = "X-Integration-Exporter-Url"
ATTEMPT_HEADER = "X-Integration-Exporter-Attempt"
TRACE_HEADER = "traceparent"

HOP_BY_HOP = frozenset(
    (
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"),
        *("te", "trailer", "transfer-encoding", "upgrade", "host", "content-length", "expect"),
    )
)
"""Headers of the connection and of the message's frame, which are ours to write (RFC 9110, section 7.6.1)."""


def end_to_end(headers: HeaderLines) -> HeaderLines:
    """Return the lines that go on: all but those of the connection, and those that pose as ours."""
    lower = [name.lower() for name, _ in headers]
    dropped: frozenset[str] | set[str] = HOP_BY_HOP
    if "connection" in lower:
        lines = [value for name, (_, value) in zip(lower, headers, strict=True) if name == "connection"]
        dropped = HOP_BY_HOP | {word.strip().lower() for value in lines for word in value.split(",")}
    return tuple(
        [
            line
            for name, line in zip(lower, headers, strict=True)
            if name not in dropped and not name.startswith(OWN_HEADERS)
        ]
    )


def added_headers(
    source: str, event_id: str, received: float, url: str, trace_id: str, given: HeaderLines
) -> HeaderLines:
    """Return what we add to the lines `given`; a `traceparent` of the sender's stays the only one.

    `url` is the whole one that the sender called: some sign it, and the app may want to verify again.
    """
    added = [
        (SOURCE_HEADER, source),
        (EVENT_HEADER, event_id),
        (RECEIVED_HEADER, f"{received:.3f}"),
        (URL_HEADER, url),
    ]
    if not any(name.lower() == TRACE_HEADER for name, _ in given):
        # Version, trace, span and flags (www.w3.org/TR/trace-context): the span is the begin of the trace.
        added.append((TRACE_HEADER, f"00-{trace_id}-{trace_id[:16]}-01"))
    return tuple(added)
