"""The way of alerts to people, where somebody asks for it: test alerts through the real Alertmanager."""

from collections.abc import Iterator

from exporter.commands.alert_test import describe_counts, run_test
from exporter.commands.api_client import ApiClient
from exporter.commands.doctor.finding import Area, Finding
from exporter.core.errors import StartError

AREA = Area("notifications")
_REMEDY = "see docs/alerts.md#test-the-way"


def findings(exporter: ApiClient) -> Iterator[Finding]:
    """Send a test alert of each severity by the running exporter, and yield where each led."""
    try:
        drill = run_test(exporter, {})
    except StartError as error:
        sentence, _, remedy = str(error).partition("; ")
        yield AREA.problem(sentence, remedy or _REMEDY)
        return
    for one in drill["alerts"]:
        receivers, channels = (", ".join(one[name]) for name in ("receivers", "channels"))
        yield AREA.ok(f"{one['severity']} leads to {receivers or 'nobody'}: {channels or 'no channel'}")
    for line in describe_counts(drill):
        yield AREA.ok(line) if drill["sent"] is not None else AREA.note(line, _REMEDY)
    for problem in drill["problems"]:
        yield AREA.problem(problem, _REMEDY)
