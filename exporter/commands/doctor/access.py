"""Who may ask the running exporter, as far as a question without any credentials tells."""

from collections.abc import Iterator

from exporter.commands.api_client import ApiClient
from exporter.commands.doctor.finding import Area, Finding
from exporter.core.errors import StartError

AREA = Area("access")

_PROXY = "before any proxy stands in front of it: set --web.config.file"


def findings(exporter: ApiClient) -> Iterator[Finding]:
    """Ask once with nothing in hand, and once with what this user has, for a job that does not exist."""
    if exporter.status("/api/v1/status", alone=True) != 200:
        yield AREA.ok("whoever asks must say who they are")
        return
    yield AREA.note("no access is configured: whoever asks from this machine may read", _PROXY)
    try:
        status = exporter.status("/api/v1/checks/none")
    except StartError as error:
        yield AREA.problem(str(error), "see its log")
        return
    if status == 404:
        yield AREA.ok("changes need its admin token, which is at hand")
    elif status == 403:
        remedy = "give it a place that it can write, by --web.admin-token-file; or set --web.config.file"
        yield AREA.problem("nobody may change anything: it has no admin token; its log says why", remedy)
    else:
        remedy = "run as its user or as root, or give the token by --token-file; its log names the file"
        yield AREA.note("changes need its admin token, which this user does not find", remedy)
