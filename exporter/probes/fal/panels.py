"""What a dashboard shows of a fal account, besides its costs and its money."""

from functools import partial

from exporter.core.panel import Panel
from exporter.probes._panels import panel_query
from exporter.probes.fal import metrics as m

_query = partial(panel_query, provider="fal")

PANELS = (
    Panel(
        "fal: Requests of the last hour",
        "By outcome: failed lies with fal, user_error with what was asked for.",
        _query(m.REQUESTS, "outcome", matchers='period="hour"'),
        legend="{{integration}} {{tenant}} {{outcome}}",
    ),
    Panel(
        "fal: Permissions the key lacks",
        "What depends on these permissions is unknown.",
        f"{_query(m.PERMISSION_MISSING, 'permission')} == 1",
        kind="table",
        legend="{{integration}} {{tenant}} {{permission}}",
    ),
)
