"""Facts that the command line shares with the rooms behind it; imports nothing, so that --help is quick."""

from exporter import __version__

HOST = "127.0.0.1"
"""Where everything listens, and is looked for, unless an address is given."""

LOOPBACK_HOSTS = ("localhost", HOST, "::1")
"""Names of this machine as its programs call it."""

PORTS = {"exporter": 10055, "prometheus": 9090, "alertmanager": 9093}
"""The port of each program on this machine, where no address is given."""

EXPORTER_ADDRESS = f"{HOST}:{PORTS['exporter']}"
EXPORTER_URL = f"http://{EXPORTER_ADDRESS}"
PROMETHEUS_URL = f"http://{HOST}:{PORTS['prometheus']}"
ALERTMANAGER_URL = f"http://{HOST}:{PORTS['alertmanager']}"

SANDBOX_PORT = 10070
"""The controls of the simulated vendors, which take the ports behind it."""

SANDBOX_ADDRESS = f"{HOST}:{SANDBOX_PORT}"

CONFIG_FILE = "integration-exporter.yml"
"""The configuration that is read where none is named, from the current directory."""

JOB = "integration-exporter"
"""The name of the exporter's scrape job where the configuration gives none."""

SECRETS_DIRECTORY = "/etc/integration-exporter/alertmanager-secrets"
"""Where the secrets of channels are written where neither the configuration nor a flag says it."""

SHUTDOWN_TIMEOUT = 10
"""Seconds that open requests and probes get at the end."""

LOG_LEVELS = ("debug", "info", "warn", "error")
LOG_LEVEL = "info"
LOG_FORMATS = ("logfmt", "json")
LOG_FORMAT = "logfmt"

STATS_WINDOWS = {"1h": 1, "24h": 24, "7d": 7 * 24, "30d": 30 * 24, "90d": 90 * 24}
"""Hours of each window of statistics, by its name."""

STATS_WINDOW = "24h"

STATS_SUBJECTS = {
    "target": ("integration", "tenant"),
    "integration": ("integration",),
    "tenant": ("tenant",),
}
"""What a row of statistics may be about, and the columns that name it."""

HEALTH_WINDOWS = {"1h": 1, "24h": 24, "7d": 7 * 24, "30d": 30 * 24}
"""Hours of each window of the health of webhooks and of what apps report, by its name."""

COST_SUBJECTS = ("endpoint", "day", "month")
"""What a row of costs may be about."""

NOISE_WINDOWS = {"1h": 3600, "24h": 86_400, "7d": 7 * 86_400, "30d": 30 * 86_400}
"""Seconds of each window of the noise of alerts, by its name."""

RATE_LIMIT_WINDOWS = {name: NOISE_WINDOWS[name] for name in ("1h", "24h", "7d")}
"""Seconds of each window of what rate limits allowed and blocked, by its name."""

NOISE_SUBJECTS = {
    "alert": ("alert",),
    "integration": ("alert", "integration"),
    "tenant": ("alert", "integration", "tenant"),
}
"""What a row of noise may be about, and the columns that name it."""

USER_AGENT = f"integration-exporter/{__version__}"

URL_VARIABLE = "INTEGRATION_EXPORTER_URL"
TOKEN_VARIABLE = "INTEGRATION_EXPORTER_TOKEN"  # noqa: S105  # the name of a variable
TOKEN_FILE_VARIABLE = "INTEGRATION_EXPORTER_TOKEN_FILE"  # noqa: S105  # the name of a variable

CHANGE_HEADER = "X-Integration-Exporter"
"""The header, with the value 1, that a request needs to change anything: no form of another site sends it."""
