"""Does the database let us in, has it connections left, and are its statements well?

Permission: a role with pg_monitor alone, and USAGE on the schema of pg_stat_statements where that is not
public (Supabase: `extensions`):

    CREATE ROLE monitor LOGIN PASSWORD '...' CONNECTION LIMIT 5;
    GRANT pg_monitor TO monitor;

Without pg_monitor it stays connected, but what others do is absent and
`integration_postgres_permission_missing` says so; without pg_stat_statements the times of statements are
absent.

Cost: each probe opens two connections and closes them: one that is closed before signing in, which gives
the phases and the certificate, and one session. It reads statistics only, in read-only transactions whose
statements the server stops at the probe's timeout, and works through poolers too. Phases: resolve, connect,
tls, processing (the session, from signing in to the last row). Increases are measured over ten minutes;
after a start, or when the server's statistics were reset, the window starts again and is absent at first.
"""

import time
from collections.abc import Iterable

from exporter.core.errors import ProbeError
from exporter.core.metric import Sample
from exporter.core.probe import Kit, Probe, Target, never
from exporter.core.reason import Reason
from exporter.probes.postgres.alerts import ALERTS
from exporter.probes.postgres.metrics import METRICS
from exporter.probes.postgres.options import PostgresOptions, ascii_hosts
from exporter.probes.postgres.panels import PANELS

__all__ = ["PROBE", "check"]


async def check(target: Target, kit: Kit) -> Iterable[Sample]:
    """Sign in, read the statistics, and disconnect."""
    # Here, because psycopg takes longer to load than --help may.
    from exporter.probes.postgres import readings
    from exporter.probes.postgres.session import session

    options: PostgresOptions = target.options
    if not options.url and not options.host:
        raise ProbeError(Reason.NOT_CONFIGURED, "no url and no host is configured")
    began = time.perf_counter()
    async with session(options, kit, target.timeout) as open_session:
        samples = await readings.read(open_session, kit)
    # The phases so far are of the first connection; the rest of the time is that of the session.
    passed = sum(kit.trace.phases.get(name, 0.0) for name in ("resolve", "connect", "tls", "processing"))
    kit.trace.phase("processing", max(0.0, time.perf_counter() - began - passed))
    return samples


def _mistakes(options: PostgresOptions) -> list[str]:
    try:
        ascii_hosts(options.host)
    except ValueError as error:
        return [f"host: {error}"]
    if not options.url:
        return []
    # Here, because psycopg takes longer to load than --help may.
    from exporter.probes.postgres.session import parameters

    try:
        parameters(options)
    except ValueError as error:
        return [str(error)]
    return []


PROBE = Probe(
    name="postgres",
    title="PostgreSQL",
    asks=("url",),
    options=PostgresOptions,
    check=check,
    metrics=METRICS,
    alerts=ALERTS,
    panels=PANELS,
    interval=60.0,
    timeout=10.0,
    generic=True,
    drifts=never,
    verify=_mistakes,
)
