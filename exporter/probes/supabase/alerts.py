"""When an operator must look after a Supabase project; its database has alerts that all databases share."""

from exporter.core.alert import BY, WHO, Alert, Runbook
from exporter.core.metric import Metric
from exporter.core.severity import Severity
from exporter.probes.supabase import cases
from exporter.probes.supabase import metrics as m


def _last(metric: Metric, matchers: str = "") -> str:
    return f"max by ({BY}) (last_over_time({metric}{matchers}[$lookback]))"


DATABASE_DOWN = Alert(
    name="IntegrationSupabaseDatabaseDown",
    summary="The database of a Supabase project is down.",
    description=f"The project of {WHO} answers, but says itself that its database does not.",
    expr=_last(m.SERVICE_UP, '{service="database"}') + " == 0",
    severities=(Severity.HIGH,),
    dashboard="integration-supabase",
    cases=cases.DATABASE_DOWN,
    runbook=Runbook(
        meaning=(
            "`pg_up` among the project's own metrics is 0: the agent beside the database cannot reach it. "
            "It is looked at with each probe."
        ),
        impact="Everything that reads or writes data fails, though signing in may still seem to work.",
        diagnosis=(
            f"1. `{m.SERVICE_UP}` shows which other services of the project are affected.\n"
            "2. Is the project being restarted, resized or restored? Supabase's dashboard says so.\n"
            "3. Reports in the dashboard: disk full, memory used up, or no connection left "
            "(IntegrationDatabaseConnectionsHigh)?"
        ),
        mitigation=(
            "Wait for a restart that is under way. For a full disk or a compute size that is too small, "
            "raise it in the project's settings. Restart the database there where it hangs, and ask "
            "Supabase's support."
        ),
    ),
)

LEGACY_KEY = Alert(
    name="IntegrationSupabaseLegacyKey",
    summary="A Supabase project is called with a key that will be removed.",
    description=f"{WHO} uses a legacy service_role key; Supabase removes them by the end of 2026.",
    expr=f"{_last(m.LEGACY_KEY)} == 1",
    severities=(Severity.MEDIUM,),
    dashboard="integration-supabase",
    cases=cases.LEGACY_KEY,
    runbook=Runbook(
        meaning=(
            "The key of the integration is a JWT, the old kind of Supabase's keys, and the project is a "
            "hosted one. Supabase has announced that they stop working by the end of 2026; new ones begin "
            "with `sb_secret_`."
        ),
        impact="On that day every call with the old key is refused, of the exporter and of the platform.",
        diagnosis=(
            "1. The platform's own code most likely uses the same key, and the public `anon` key of the same "
            "kind in browsers and apps.\n"
            "2. Project settings, API keys: were new ones made, and when was the old one last used?"
        ),
        mitigation=(
            "Make a secret and a publishable key in the project's settings, put them where the platform and "
            "the exporter read them, and disable the legacy keys once nothing uses them any more. New keys "
            "go into the header `apikey` alone, not into `Authorization`."
        ),
    ),
)

ALERTS = (DATABASE_DOWN, LEGACY_KEY)
