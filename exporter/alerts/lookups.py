"""Texts of alerts that Prometheus looks up when it writes them: why probes fail, and how many.

A label for the reason would make another alert of each change; an annotation may differ every time. `$apart`
and `$places` stand for the aggregation labels of an installation, which `generate` fills in.
"""

from exporter.core.common_metrics import CONSECUTIVE_FAILURES, FAILURE_INFO

# %q writes quotes and backslashes of a label as PromQL reads them. The numbers are places in _LABELS.
_INTEGRATION = "integration=%[1]q,provider=%[2]q$apart"
_TARGET = f"{_INTEGRATION},tenant=%[3]q"
_EVERYTHING = "integration!=''$apart"
_LABELS = "$labels.integration $labels.provider $labels.tenant $value$places"

# 1,000 is read at a glance and 1000 is not.
_THOUSANDS = r"printf `%.0f` | reReplaceAll `(\d)(\d{3})$` `${1},${2}`"


def _find(query: str, answer: str) -> str:
    return f"{{{{ with printf `{query}` {_LABELS} | query }}}}{answer}{{{{ end }}}}"


def _reasons(chosen: str) -> str:
    query = (
        f"sort_desc(count by (reason) (max by (reason, integration, tenant) ({FAILURE_INFO}{{{chosen}}})))"
    )
    each = "{{ if $index }}, {{ end }}{{ $one | label `reason` }} {{ $one | value }}"
    return _find(query, f"{{{{ range $index, $one := . }}}}{each}{{{{ end }}}}")


def _count(chosen: str) -> str:
    # A target shows its failures at every scrape for as long as it is there; ten minutes bridge a restart.
    newest = f"last_over_time({CONSECUTIVE_FAILURES}{{{chosen}}}[10m])"
    return f"count(max by (integration, provider, tenant) ({newest}))"


def _number(query: str) -> str:
    return _find(query, f"{{{{ . | first | value | {_THOUSANDS} }}}}")


def _share(chosen: str) -> str:
    return f"{_number(f'round(%[4]f * {_count(chosen)})')} of {_number(_count(chosen))}"


REASON = _find(f"{FAILURE_INFO}{{{_TARGET}}}", "{{ . | first | label `reason` }}")
"""The reason of a target's newest probe."""

REASONS = _reasons(_INTEGRATION)
"""The reasons of an integration's targets, the most frequent one first, each with its count."""

REASONS_OF_ALL = _reasons(_EVERYTHING)
"""The reasons of all targets, the most frequent one first, each with its count."""

ALL_TARGETS = _find(
    _count(_INTEGRATION),
    "{{ if eq (. | first | value) 1.0 }}The only target{{ else }}"
    f"All {{{{ . | first | value | {_THOUSANDS} }}}} targets{{{{ end }}}}{{{{ else }}}}All targets",
)
"""All targets of an integration, with their count: the beginning of a sentence."""

SHARE = _share(_INTEGRATION)
"""How many of an integration's targets the value of the alert, a ratio, speaks of: `812 of 1,000`."""

SHARE_OF_ALL = _share(_EVERYTHING)
"""The same of all targets."""
