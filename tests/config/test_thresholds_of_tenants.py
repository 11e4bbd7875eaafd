"""Thresholds of families that belong to no integration."""

from pathlib import Path

import pytest

from exporter.config.catalogue import Catalogue
from exporter.config.load import load_file
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from exporter.core.metric import Scope
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from tests.config.house import CATALOGUE

REQUESTS = ThresholdFamily(
    "failed_ratio", "Share.", {Severity.HIGH: 0.2}, unit="ratio", maximum=1, scope=Scope.TENANT
)
OPEN = Catalogue(CATALOGUE.probes, {**CATALOGUE.families, REQUESTS.name: REQUESTS})
HEAD = "integrations:\n  - {name: one, provider: web, options: {url: http://a}%s}\n"


def load(folder: Path, text: str) -> Configuration:
    path = folder / "main.yml"
    path.write_text(text)
    return load_file(str(path), OPEN, {})


@pytest.mark.parametrize(
    ("thresholds", "value"), [("", 0.2), ("thresholds: {failed_ratio: {high: 0.4}}\n", 0.4)]
)
def test_the_file_has_one_default_for_all_of_them(tmp_path: Path, thresholds: str, value: float) -> None:
    made = load(tmp_path, HEAD % "" + thresholds)
    found = [one for one in made.thresholds if one.family is REQUESTS]
    assert [(one.labels, one.value) for one in found] == [((("tenant", ""), ("severity", "high")), value)]
    others = [one.labels for one in made.thresholds if one.family is not REQUESTS]
    assert len(others) == 7
    assert all(labels[0] == ("integration", "one") for labels in others)


@pytest.mark.parametrize(
    "place",
    [
        ", thresholds: {failed_ratio: {high: 0.4}}",
        ", tenants: {list: [{id: acme, thresholds: {failed_ratio: {high: 0.4}}}]}",
    ],
)
def test_an_integration_and_its_tenants_have_none_of_their_own(tmp_path: Path, place: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, HEAD % place)
    (mistake,) = caught.value.mistakes
    assert "is no threshold of integrations" in mistake.what
    assert "thresholds at the top of the file" in mistake.remedy
