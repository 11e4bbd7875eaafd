"""Does the exporter's own process have what it needs, and its store to itself?"""

from exporter.alerts.cases import process as cases
from exporter.core.alert import Alert, Runbook
from exporter.core.counting import increase, risen
from exporter.core.severity import Severity

COMPONENT = {"component": "exporter"}

SHORTAGES = "integration_exporter_shortages_total"

# Client libraries of other programs export these names too; the job says which are ours.
OPEN_FILES = (
    'max by (job, instance) (last_over_time(process_open_fds{job="$job"}[5m]))'
    ' / max by (job, instance) (last_over_time(process_max_fds{job="$job"}[5m]))'
)

SHORTAGE = Alert(
    name="IntegrationExporterShortage",
    summary="The exporter lacks file descriptors, memory or threads.",
    description=(
        "The exporter at {{ $labels.instance }} puts probes off, or soon will: its process or its machine "
        "has no file descriptors, memory or threads to spare."
    ),
    by=("job", "instance"),
    exprs={
        Severity.HIGH: f"sum by (job, instance) (increase({SHORTAGES}[3m])) > 0",
        Severity.MEDIUM: f"{OPEN_FILES} > 0.9",
    },
    hold="5m",
    keep_firing="5m",
    labels=COMPONENT,
    dashboard="integration-exporter",
    cases=cases.SHORTAGE,
    runbook=Runbook(
        meaning=(
            "High: for five minutes runs or token refreshes were put off because the exporter could open "
            f"nothing. `{SHORTAGES}` counts them by `resource`: `descriptors`, `memory` or `threads`. "
            "Medium: more than nine tenths of the files that the process may open are open."
        ),
        impact=(
            "Such a run says nothing of its vendor, so no target counts as failed: it keeps its last state, "
            "and is tried again every ten seconds. What fails meanwhile is not noticed; "
            "`IntegrationProbeStale` says which targets are overdue. At worst Prometheus cannot connect "
            "either, and `IntegrationExporterDown` fires."
        ),
        diagnosis=(
            "1. The exporter's log says once for each episode what is lacking, and the limit.\n"
            "2. `process_open_fds` beside `process_max_fds`: grown slowly, or a limit that was always too "
            "low? `ls -l /proc/PID/fd` shows what is open.\n"
            "3. `integration_exporter_probes_running`: many at one time means slow vendors or a short "
            "interval.\n"
            "4. With `memory` and `threads`, and where the whole machine has no descriptors left, look at "
            "the other processes of the machine."
        ),
        mitigation=(
            "Raise `LimitNOFILE` (systemd), `ulimit -n` or the container's limit, and restart; 65536 is "
            "enough for any load that was measured. For threads raise `TasksMax`, for memory the limit of "
            "the unit or the container. Or shard the targets over several exporters."
        ),
    ),
)

STORE_SHARED = Alert(
    name="IntegrationStoreShared",
    summary="Two exporters write to one SQLite file.",
    description="The exporter at {{ $labels.instance }} writes to a store that another exporter uses.",
    by=("job", "instance"),
    expr="max by (job, instance) (last_over_time(integration_exporter_store_shared[10m])) == 1",
    severities=(Severity.MEDIUM,),
    hold="10m",
    labels=COMPONENT,
    dashboard="integration-exporter",
    cases=cases.STORE_SHARED,
    runbook=Runbook(
        meaning=(
            "Another process on this machine holds the lock on the exporter's SQLite file (`FILE-lock` "
            "beside it). The exporter works on, without the lock."
        ),
        impact=(
            "Both write the state of their targets into the same rows, so a restart brings back what the "
            "other one saw; tokens that rotate may be used by both. Writes wait for one another."
        ),
        diagnosis=(
            "1. The log line `another exporter writes to this store` names the file; `lslocks` or "
            "`fuser FILE-lock` names the process that holds it.\n"
            "2. An old process that did not end, or two instances with the same `store.url`?"
        ),
        mitigation=(
            "Stop the one that should not run, or give each a `store.url` of its own; exporters that shall "
            "share state share PostgreSQL. The lock is taken with the next write once the other is gone, "
            "and the alert resolves."
        ),
    ),
)

_LIMITS = "integration_exporter_ratelimit_storage"
_FAILED = increase(f'{_LIMITS}_failures{{job="$job"}}', "15m")

RATE_LIMIT_STORAGE = Alert(
    name="IntegrationRateLimitStorageFailing",
    summary="The exporter cannot count requests, because the Redis of rate limits fails.",
    description=(
        "The storage of rate limits of the exporter at {{ $labels.instance }} does not answer. Requests are "
        "allowed or blocked as `ratelimits.when_storage_fails` says."
    ),
    by=("job", "instance"),
    expr=(
        f'max by (job, instance) (max_over_time({_LIMITS}_healthy{{job="$job"}}[5m])) == 0\nor\n'
        f"max by (job, instance) ({_FAILED}) > 60"
    ),
    severities=(Severity.MEDIUM,),
    keep_firing="5m",
    labels=COMPONENT,
    dashboard="integration-exporter",
    cases=cases.RATE_LIMIT_STORAGE,
    runbook=Runbook(
        meaning=(
            "For five minutes Redis, where `ratelimits.storage` counts requests, has not answered within a "
            "tenth of a second, or more than 60 calls failed within a quarter of an hour."
        ),
        impact=(
            "No request waits for it and none fails. With `when_storage_fails: allow` nobody meets a limit; "
            "with `block` everybody whom a policy is about gets 429. Blocks that were known hold on; none "
            "can be made or ended by hand."
        ),
        diagnosis=(
            "1. The exporter's log says once for each episode which error it was: no connection, a timeout, "
            "a wrong password, a full or read-only Redis.\n"
            f"2. `{_LIMITS}_failures`: all the time, or now and then? Now and then is a slow Redis, or a "
            "network between.\n"
            "3. Do other programs reach this Redis?"
        ),
        mitigation=(
            "Bring Redis back, or correct `ratelimits.storage` and reload. `storage: memory` counts in each "
            "process alone meanwhile. The exporter tries once a second, and the alert resolves."
        ),
    ),
)

_FAILURES = "integration_exporter_task_failures_total"

TASK_FAILED = Alert(
    name="IntegrationExporterTaskFailed",
    summary="A task of the exporter died and was begun again.",
    description="The task {{ $labels.task }} of the exporter at {{ $labels.instance }} died.",
    by=("job", "instance", "task"),
    expr=f"sum by (job, instance, task) ({risen(_FAILURES, '15m')}) > 0",
    severities=(Severity.MEDIUM,),
    keep_firing="5m",
    labels=COMPONENT,
    dashboard="integration-exporter",
    cases=cases.TASK_FAILED,
    runbook=Runbook(
        meaning=(
            "One of the tasks that must run for ever, such as the watch over files or the writer of the "
            f"store, ended by an error within the last 15 minutes. `{_FAILURES}` counts by `task`; `other` "
            "are errors that no task took."
        ),
        impact=(
            "The task is begun again by itself; `/-/ready` is 503 until then. What it does is late. A task "
            "that dies again and again does nothing: probes, tokens or notices may have stopped."
        ),
        diagnosis=(
            "1. The exporter's log names the task and the error, with the place in the code.\n"
            "2. Once, or again and again? Look at the counter over a day.\n"
            "3. `IntegrationExporterShortage` or a store that cannot be written may be the cause."
        ),
        mitigation=(
            "It is a mistake of the exporter: report it with the log's lines. Restart the exporter where the "
            "task does not come back, or take back the change of the configuration that it began with."
        ),
    ),
)

PROCESS = (SHORTAGE, STORE_SHARED, TASK_FAILED, RATE_LIMIT_STORAGE)
