"""The alert on readings without an answer: every provider that has them is judged, and no other."""

import pytest

from exporter import registry
from exporter.alerts.readings import reading_refused


def test_each_provider_with_readings_has_its_branch() -> None:
    (alert,) = registry.sources()["readings"].alerts
    wanted = {metric.name for metric in registry.metrics() if metric.name.endswith("_reading_refused")}
    assert len(wanted) >= 8
    assert {name for name in wanted if f"({name}[" in alert.expr} == wanted
    assert alert.expr.count("\nor\n") == len(wanted) - 1


def test_a_provider_to_come_is_judged_without_an_edit() -> None:
    alert = reading_refused(["integration_new_reading_refused", "integration_new_scope_missing", "other"])
    refused, missing = alert.expr.split(" unless ")
    assert "integration_new_reading_refused[" in refused
    assert "integration_new_scope_missing[" in missing


def test_without_readings_there_is_nothing_to_judge() -> None:
    with pytest.raises(ValueError, match="no provider"):
        reading_refused(["integration_new_up"])
