"""Does a tenant's Google Calendar still answer, with the rights that the platform needs on it?

Permission: any one scope of the Calendar API. The probe asks Google which scopes the token has and makes
the cheapest call that one of them allows, so that a connection with few rights does not look broken.
`integration_google_calendar_call_info` says which. Event data is never asked for.

The credential is one of three: a refresh token with the OAuth client's id and secret, the JSON key of a
service account, or an access token that is used as it is, which another system renews (an hour is all
that Google gives it). The client alone, without any tenant, is tried with a made-up refresh token, which
costs one refused call at each run and shows whether Google knows the client.

Cost: nothing but calls. Google allows 600 a minute for a user and 10,000 for a project
(developers.google.com/workspace/calendar/api/guides/quota), 432,000,000 in 30 days, and has announced that
it will bill above 1,000,000 a day. At the default interval of five minutes:

    calendar     each run     8,640        access token    53 min    810
    tokeninfo    1 h            720

which makes 10,170; 9,360 with a token that is used as it is. Google does not report how much of a quota is
left: only refusals do.

Not verified: the texts of refusals for the client itself, and that Google looks at the client before the
refresh token.
"""

from collections.abc import Iterable, Iterator

from exporter.core.common_metrics import TOKEN_EXPIRY, TOKEN_REFRESHABLE
from exporter.core.document import Document
from exporter.core.errors import ProbeError
from exporter.core.metric import Sample
from exporter.core.probe import Allowance, Kit, Probe, Target
from exporter.core.reason import Reason
from exporter.probes._readings import calls_a_month
from exporter.probes.google_calendar import metrics as m
from exporter.probes.google_calendar.alerts import ALERTS
from exporter.probes.google_calendar.api import KEY, PERIOD, TOKENINFO, Api, StoredAnswer, check_client
from exporter.probes.google_calendar.options import GoogleCalendarOptions, grant_of, mistakes, short
from exporter.probes.google_calendar.panels import PANELS
from exporter.probes.google_calendar.scopes import EVENTS, Call, choose, covers

INTERVAL = 300.0
TOKEN_LIFE = 3200.0
"""Seconds that an access token is used: Google's live for 3,599, and are renewed a tenth of that before."""

PATIENCE = 1 / 3
"""Share of the timeout that the inspection of the token may take: the calendar is what counts."""

ROLES = ("none", "freeBusyReader", "reader", "writer", "owner")
"""Roles on a calendar, each with all rights of those before it."""


async def check(target: Target, kit: Kit) -> Iterable[Sample]:
    """Ask for the calendar by a call that the token may make; without any token for the client alone."""
    options: GoogleCalendarOptions = target.options
    grant = grant_of(options)
    if grant is None and not options.token:
        _check_complete(target, options)
        await check_client(options, kit)
        return ()
    api = Api(options, kit, grant)
    try:
        await api.sign_in()
        info = await api.token_info(target.timeout * PATIENCE)
        return await _read(api, info, options, stands=grant is None)
    except ProbeError:
        if grant is None:
            for sample in _expiry(kit):
                kit.fact(sample)
        raise


def _check_complete(target: Target, options: GoogleCalendarOptions) -> None:
    """Fail where there is neither a token nor a client that could be tried by itself."""
    if options.service_account:
        raise ProbeError(Reason.NOT_CONFIGURED, "service_account is no JSON key of a service account")
    client = [name for name in ("client_id", "client_secret") if not getattr(options, name)]
    # Without a refresh token a tenant lacks its own credential, and not the operator's client.
    if client and (options.refresh_token or not target.tenant):
        why = "for the refresh_token" if options.refresh_token else "and no token"
        raise ProbeError(Reason.NOT_CONFIGURED, f"no {' and no '.join(client)} is configured {why}")
    if target.tenant:
        raise ProbeError(
            Reason.NOT_CONFIGURED, "no refresh_token, no token and no service_account is configured"
        )


async def _read(
    api: Api, info: StoredAnswer | None, options: GoogleCalendarOptions, *, stands: bool
) -> list[Sample]:
    # Facts, so that a missing scope is visible where the call below is refused for want of it.
    for sample in _scopes(info, options):
        api.kit.fact(sample)
    call = _choice(info, options)
    answer = await api.read(call)
    samples = [
        m.CALL_INFO(1, call=call.name),
        m.READING_REFUSED(api.info_refused, reading=TOKENINFO),
    ]
    if call is EVENTS:
        samples += _access(answer, options)
    # The expiry of a token that we renew is exported by the token manager.
    return [*samples, *(_expiry(api.kit) if stands else ())]


def _choice(info: StoredAnswer | None, options: GoogleCalendarOptions) -> Call:
    """Return the call to make; where the scopes are unknown the likeliest one."""
    scopes = info["scopes"] if info else None
    if scopes is None:
        return EVENTS
    call = choose(frozenset(scopes), named=bool(options.calendar_id))
    if call is None:
        raise ProbeError(
            Reason.PERMISSION,
            "the token has no scope of Google Calendar: its user did not grant one, or took it back",
        )
    return call


def _scopes(info: StoredAnswer | None, options: GoogleCalendarOptions) -> Iterator[Sample]:
    if info and info["scopes"] is not None:
        granted = frozenset(info["scopes"])
        for scope in dict.fromkeys(map(short, options.scopes)):
            yield m.SCOPE_MISSING(not covers(granted, scope), scope=scope)


def _access(answer: Document, options: GoogleCalendarOptions) -> Iterator[Sample]:
    role = answer.text("accessRole")
    if role is None:
        return
    yield m.ACCESS_INFO(1, role=role if role in ROLES else "other")
    if options.access_role and role in ROLES:
        yield m.ACCESS_TOO_LOW(ROLES.index(role) < ROLES.index(options.access_role))


def _expiry(kit: Kit) -> Iterator[Sample]:
    """Return when a token that is used as it is expires, as far as that was ever reported.

    All of them live for an hour, and the system that writes them writes the next one in time: that the end
    is near says nothing. Once it is past, the token is reported as one that only a person can renew.
    """
    info: StoredAnswer | None = kit.recall(KEY)
    if info and info["expiry"] is not None:
        yield TOKEN_EXPIRY(info["expiry"], token="access")  # noqa: S106 - a label's value
        if info["expiry"] <= kit.now():
            yield TOKEN_REFRESHABLE(False, token="access")  # noqa: S106 - a label's value


def calls(options: GoogleCalendarOptions, interval: float) -> float:
    """Return the reads in 30 days: a reading is made at most once in its period and once in a run."""
    grant = grant_of(options)
    if grant is None and not options.token:
        return calls_a_month(interval, ())
    return calls_a_month(interval, ((1, PERIOD), (int(grant is not None), TOKEN_LIFE)))


PROBE = Probe(
    name="google_calendar",
    title="Google Calendar",
    asks=("client_id", "client_secret", "refresh_token"),
    options=GoogleCalendarOptions,
    check=check,
    metrics=m.METRICS,
    alerts=ALERTS,
    panels=PANELS,
    interval=INTERVAL,
    calls=calls,
    allowance=Allowance(432_000_000, "developers.google.com/workspace/calendar/api/guides/quota"),
    credential="client_id",
    environment={"client_id": ("GOOGLE_CLIENT_ID",), "client_secret": ("GOOGLE_CLIENT_SECRET",)},
    verify=mistakes,
    grant=grant_of,
    token_option="refresh_token",  # noqa: S106 - an option's name
)
