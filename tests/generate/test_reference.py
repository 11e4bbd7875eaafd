"""The reference pages: every key has a meaning, every link a section, severities their order."""

import re

import pytest

from exporter import registry
from exporter.core.common_metrics import EXPLAINED, INFO, SCHEDULE
from exporter.core.severity import Severity
from exporter.generate import bundle

PAGES = {path: text for path, text in bundle.files().items() if path.startswith("docs/reference/")}
CONFIGURATION = PAGES["docs/reference/configuration.md"]
KEYS = [
    (path.rpartition("/")[2], title, row)
    for path in (
        "docs/reference/configuration.md",
        "docs/reference/providers.md",
        "docs/reference/webhook-schemes.md",
    )
    for title, table in re.findall(r"^(?:#+ (.*)\n)?(?:(?!^[#|]).*\n)*((?:\|.*\n)+)", PAGES[path], re.M)
    for row in table.splitlines()[2:]
]


def test_the_tables_are_found() -> None:
    assert len(KEYS) > 250


@pytest.mark.parametrize(("page", "title", "row"), KEYS, ids=lambda value: str(value)[:40])
def test_a_public_key_has_a_meaning(page: str, title: str, row: str) -> None:
    cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
    assert cells[0].startswith("`")
    assert cells[-1], f"{page}, {title}: {cells[0]} has no description"
    assert not cells[-1].endswith(" ")


def test_the_name_of_a_part_leads_to_its_section() -> None:
    titles = [title.lower() for title in re.findall(r"^## (\w+)$", CONFIGURATION, re.M)]
    links = re.findall(r"\[(\w+)\]\(#(\w+)\)", CONFIGURATION)
    assert {"Defaults", "Notifications", "Generation", "StorePart"} <= {name for name, _ in links}
    assert {anchor for _, anchor in links} <= set(titles)
    assert len(titles) == len(set(titles))


def test_severities_stand_in_the_order_of_their_urgency() -> None:
    expected = ", ".join(f"`{severity}`" for severity in Severity)
    assert expected == "`critical`, `high`, `medium`, `low`"
    (found,) = re.findall(r"## Severity\n\n.*highest first.*\n\n(.*)\n", CONFIGURATION)
    assert found == expected


CONFIGURED = ("integration_threshold_", "integration_critical", "integration_slo_")
"""Beginnings of the names of series that the configuration sets, not a probe."""

OWN = "integration_exporter_"
OTHERS = ("webhooks", "events", "audit")
"""Sources of series that are neither a probe nor a kind of event."""


def test_every_help_says_that_probes_are_scheduled_and_one_says_what_that_means() -> None:
    assert INFO.help.endswith(EXPLAINED)
    # What others bring, and what the exporter says of itself, has no schedule.
    reported = {
        metric
        for name, signals in registry.sources().items()
        if name in OTHERS or name in registry.event_sources()
        for metric in signals.metrics
    }
    probed = [
        metric
        for metric in registry.metrics()
        if metric is not INFO and metric not in reported and not metric.name.startswith((*CONFIGURED, OWN))
    ]
    for metric in probed:
        assert metric.help.endswith(SCHEDULE), metric.name
    assert f"{SCHEDULE}" not in PAGES["docs/reference/metrics.md"]
    assert len(SCHEDULE) * 59 < 1_000
