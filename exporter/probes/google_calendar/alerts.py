"""When an operator must look after a Google Calendar connection that still answers."""

from exporter.core.alert import BY, WHO, Alert, Runbook
from exporter.core.severity import Severity
from exporter.probes.google_calendar import cases
from exporter.probes.google_calendar import metrics as m

SCOPE_MISSING = Alert(
    name="IntegrationGoogleCalendarScopeMissing",
    summary="The token lacks a scope that the platform needs.",
    description=f"The token of {WHO} lacks {{{{ $value }}}} of the scopes it needs.",
    expr=f"sum by ({BY}) (max by ({BY}, scope) (last_over_time({m.SCOPE_MISSING}[$lookback]))) > 0",
    severities=(Severity.HIGH,),
    dashboard="integration-google_calendar",
    cases=cases.SCOPE_MISSING,
    runbook=Runbook(
        meaning=(
            "Google was asked which scopes the token has, and one of those in the option `scopes` is not "
            f"among them: `{m.SCOPE_MISSING}` is 1 for it. It is looked at every hour."
        ),
        impact=(
            "Calls that need the scope are refused with 403: bookings do not reach the calendar, or its "
            "events are not seen, while other calls still work."
        ),
        diagnosis=(
            "1. On Google's consent page each scope has a box of its own: did the user leave one empty?\n"
            "2. Did a release ask for fewer scopes? Then it concerns every tenant that connected since.\n"
            "3. For a service account, is the scope in the administrator's list of domain-wide delegation?"
        ),
        mitigation=(
            "Let the tenant connect again and grant the scope (`prompt=consent` shows the page again), or "
            "let the administrator add it. A scope that is no longer needed belongs out of `scopes`."
        ),
    ),
)

ACCESS_LOW = Alert(
    name="IntegrationGoogleCalendarAccessLow",
    summary="The user's role on the calendar is too low.",
    description=f"The user of {WHO} may do less with the calendar than the platform needs.",
    expr=f"max by ({BY}) (last_over_time({m.ACCESS_TOO_LOW}[$lookback])) > 0",
    severities=(Severity.HIGH,),
    dashboard="integration-google_calendar",
    cases=cases.ACCESS_LOW,
    runbook=Runbook(
        meaning=(
            "The role that Google reports of the user on the calendar is below the one in the option "
            "`access_role`. It is looked at with each probe."
        ),
        impact="With `reader` no event can be written; with `freeBusyReader` none can be read either.",
        diagnosis=(
            f"1. `{m.ACCESS_INFO}` shows the role.\n"
            "2. Is the calendar another person's who shared it with fewer rights, or an administrator's "
            "policy for sharing?\n"
            "3. Is `calendar_id` the right calendar? Calendars of holidays and birthdays can only be read."
        ),
        mitigation=(
            "The owner of the calendar shares it again with the right to change events, or the tenant "
            "chooses another calendar."
        ),
    ),
)

ALERTS = (SCOPE_MISSING, ACCESS_LOW)
