"""The running exporter: its version, whether it is ready and on time, and whether it drops data."""

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from exporter import __version__
from exporter.commands.api_client import ApiClient
from exporter.commands.doctor import access
from exporter.commands.doctor.finding import Area, Finding
from exporter.core.configuration import Configuration
from exporter.core.errors import StartError

OWN = "integration_exporter_"
LATE = 5.0
"""Seconds after its time that a probe may start; a bucket of `integration_exporter_probe_lag_seconds`."""

LATE_SHARE = 0.01
"""Share of late probes beyond which the schedule does not hold."""

AREA = Area("exporter")

Values = Mapping[str, float]
"""Own metrics by name; labels are left out, and values of one name are summed."""


def findings(
    exporter: ApiClient, configuration: Configuration | None, *, required: bool
) -> Iterator[Finding]:
    """Ask the exporter; a missing one is a problem where it is `required`: its address was given."""
    try:
        exporter.text("/-/ready")
    except StartError as error:
        report = AREA.problem if required else AREA.note
        sentence, _, remedy = str(error).partition("; ")
        yield report(sentence, remedy or "see its log; --exporter.url says which exporter is meant")
        return
    try:
        metrics = exporter.text("/metrics")
        yield from _version(metrics, exporter.url)
        yield from _health(_values(metrics))
        yield _status(exporter.get("/api/v1/status"))
        yield from access.findings(exporter)
        # /config needs a role that the token may lack; that is not a fault of the exporter.
        if configuration is not None and exporter.status("/config") != 401:
            yield from _configuration(exporter.text("/config"), configuration)
    except StartError as error:
        sentence, _, remedy = str(error).partition("; ")
        yield AREA.problem(sentence, remedy or "see its log")
    except (AttributeError, KeyError, TypeError, ValueError):
        remedy = "say where the exporter is by --exporter.url"
        yield AREA.problem(f"{exporter.url} does not answer as an integration-exporter does", remedy)


def _own_lines(metrics: str) -> str:
    """Return the lines of its own metrics: parsing those of 10,000 targets takes long."""
    return "".join(f"{line}\n" for line in metrics.splitlines() if line.startswith(OWN))


def _values(metrics: str) -> Values:
    values: dict[str, float] = {}
    for family in text_string_to_metric_families(_own_lines(metrics)):
        for sample in family.samples:
            # Buckets differ by their bound alone; `_lag` looks for one in the same form.
            edge = sample.labels.get("le", "")
            name = f"{sample.name.removeprefix(OWN)}{f' {float(edge):g}' if edge else ''}"
            values[name] = values.get(name, 0.0) + sample.value
    return values


def _version(metrics: str, url: str) -> Iterator[Finding]:
    families = text_string_to_metric_families(_own_lines(metrics))
    versions = [
        sample.labels.get("version", "")
        for family in families
        for sample in family.samples
        if sample.name == f"{OWN}build_info"
    ]
    if not versions:
        remedy = "say where the exporter is by --exporter.url"
        yield AREA.problem(f"{url} is ready, but reports no version of an integration-exporter", remedy)
    elif versions[0] != __version__:
        text = f"version {versions[0]} runs at {url}, and this is {__version__}"
        yield AREA.note(text, "restart it after an update, and generate the rules again")
    else:
        yield AREA.ok(f"version {versions[0]} runs at {url} and is ready")


def _health(values: Values) -> Iterator[Finding]:
    if values.get("config_last_reload_successful") == 0:
        remedy = "integration-exporter check lists every mistake; fix them, then reload"
        yield AREA.problem("its last reload failed: it runs an older configuration", remedy)
    else:
        yield AREA.ok("its last reload succeeded")
    yield _lag(values)
    if values.get("store_healthy") == 0:
        yield AREA.problem("its last write to the store failed", "see its log, and the store above")
    if dropped := values.get("store_dropped", 0):
        remedy = "fix the store; dropped rows are missing in lists and statistics"
        yield AREA.problem(
            f"{dropped:,.0f} rows were dropped, because the store failed for a long time", remedy
        )
    if doubled := values.get("series_duplicates", 0):
        remedy = "give extracted values labels that differ"
        yield AREA.note(f"{doubled:,.0f} series are left out, because another target has them", remedy)
    if deferred := values.get("probes_deferred_total", 0):
        remedy = "set longer intervals where a vendor's allowance is spent too early"
        yield AREA.note(f"{deferred:,.0f} probes were put off since its start to spare a budget", remedy)


def _lag(values: Values) -> Finding:
    runs = values.get("probe_lag_seconds_count", 0)
    late = runs - values.get(f"probe_lag_seconds_bucket {LATE:g}", runs)
    text = f"{late:,.0f} of {runs:,.0f} probes began more than {LATE:g} s late"
    if runs and late / runs > LATE_SHARE:
        remedy = "give it more CPU, set longer intervals, or split it into shards; or a vendor is slow"
        return AREA.note(text, remedy)
    return AREA.ok(text)


def _status(status: Mapping[str, Any]) -> Finding:
    failing = [name for name, one in status["integrations"].items() if one["status"] == "error"]
    text = f"it says of all integrations: {status['overall_status']}"
    if failing:
        return AREA.note(f"{text}; {len(failing)} fail", "integration-exporter errors says why")
    return AREA.ok(text)


def _configuration(text: str, configuration: Configuration) -> Iterator[Finding]:
    if _without_comments(text) != _without_comments(configuration.redacted_text):
        remedy = "reload it, or name the file that it runs with by --config.file"
        yield AREA.note("it runs another configuration than the one that was read here", remedy)


def _without_comments(text: str) -> list[str]:
    """Return the lines that are not comments: these depend on the environment of each process."""
    return [line for line in text.splitlines() if not line.startswith("#")]
