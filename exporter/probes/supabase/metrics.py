"""What is exported of a Supabase project, besides what all databases have."""

from exporter.core.common_metrics import SCHEDULE, TOKEN_EXPIRY, TOKEN_REFRESHABLE
from exporter.core.metric import Metric
from exporter.probes._database import SUPABASE


def _gauge(name: str, text: str, *, labels: tuple[str, ...] = (), dated: bool = False) -> Metric:
    return Metric(f"integration_supabase_{name}", text + SCHEDULE, labels=labels, dated=dated)


SERVICE_UP = _gauge(
    "service_up",
    "Whether a service of the project works (1) or not (0): auth, rest, storage, and database as its own"
    " metrics tell it.",
    labels=("service",),
    dated=True,  # it says which of them made the probe fail
)
POOL_WAITING = _gauge(
    "pool_waiting",
    "Clients that wait for a connection of a pool: pgbouncer, postgrest.",
    labels=("pool",),
)
READING_REFUSED = _gauge(
    "reading_refused",
    "Whether Supabase does not give a reading (1), so that what depends on it is absent, or gives it (0).",
    labels=("reading",),
)
LEGACY_KEY = _gauge(
    "legacy_key",
    "Whether a hosted project is called with a key of the kind that Supabase is removing (1), or not (0).",
)

METRICS = (
    SERVICE_UP,
    *SUPABASE.all,
    POOL_WAITING,
    READING_REFUSED,
    LEGACY_KEY,
    TOKEN_EXPIRY,
    TOKEN_REFRESHABLE,
)
