"""Access to the running exporter: what a caller without credentials may do, and this user."""

from collections.abc import Iterator

from exporter.commands.api_client import ApiClient
from exporter.commands.doctor.finding import Area, Finding
from exporter.core.errors import StartError

AREA = Area("access")

_PROXY = "before a proxy is put in front of it, set --web.config.file"


def findings(exporter: ApiClient) -> Iterator[Finding]:
    """Ask once without credentials, and once with those of this user for a job that does not exist."""
    # Without a token: whatever this answers, any other process on this machine gets as well.
    if exporter.status("/api/v1/status", anonymous=True) != 200:
        yield AREA.ok("callers must give credentials")
        return
    yield AREA.note("no access is configured: every caller on this machine may read", _PROXY)
    try:
        status = exporter.status("/api/v1/checks/none")
    except StartError as error:
        yield AREA.problem(str(error), "see its log")
        return
    # Access is checked before the job is looked up: 404 means that this user may change things.
    if status == 404:
        yield AREA.ok("changes need its admin token, which this user can read")
    elif status == 403:
        remedy = "name a file that it can write by --web.admin-token-file, or set --web.config.file"
        yield AREA.problem("nobody may change anything: it has no admin token; its log says why", remedy)
    else:
        remedy = "run as its user or as root, or give the token by --token-file; its log names the file"
        yield AREA.note("changes need its admin token, which this user does not find", remedy)
