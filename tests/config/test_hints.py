"""Nobody monitors nothing without a word: files and variables that were meant are noticed."""

from pathlib import Path

import pytest

from exporter import registry
from exporter.config.load import load_file
from exporter.core.configuration import Configuration
from exporter.core.defaults import CONFIG_FILE
from tests.config.house import CATALOGUE

REGISTERED = registry.catalogue()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(**environ: str) -> Configuration:
    return load_file(None, CATALOGUE, environ)


@pytest.mark.parametrize(
    "name",
    [
        "integration-exporter.yaml",
        "integration_exporter.yml",
        "Integration-Exporter.yml",
        "integration-exporter.yml.txt",
        "integration-exporter.json",
        "integrationexporter.yaml",
        "integration-exporter-prod.yml",
    ],
)
def test_a_file_with_a_slightly_wrong_name_is_noticed(folder: Path, name: str) -> None:
    (folder / name).write_text("integrations: []")
    made = loaded(SHOP_KEY="key")
    assert made.notes == (
        f"{name} is here and is not read: without --config.file only {CONFIG_FILE} is;"
        " rename it, or name it by --config.file",
    )
    assert name in made.redacted_text


def test_a_second_file_beside_the_right_one_is_noticed_too(folder: Path) -> None:
    (folder / CONFIG_FILE).write_text("integrations: []")
    (folder / "integration-exporter.yaml").write_text("integrations: []")
    (note,) = load_file(None, CATALOGUE, {}).notes
    assert note.startswith(f"integration-exporter.yaml is here and is not read, because {CONFIG_FILE} is; ")


@pytest.mark.parametrize(
    "name", ["prometheus.yml", "integration-exporter.db", "integration-exporter", "x.yaml"]
)
def test_other_files_are_none_of_our_business(folder: Path, name: str) -> None:
    (folder / name).write_text("x")
    assert loaded(SHOP_KEY="key").notes == ()


def test_a_file_that_is_named_needs_no_hint(folder: Path) -> None:
    (folder / "integration-exporter.yaml").write_text("integrations: []")
    assert load_file("integration-exporter.yaml", CATALOGUE, {}).notes == ()


def test_it_is_said_that_nothing_is_monitored() -> None:
    (note,) = loaded().notes
    assert note.startswith("nothing is monitored: ")
    assert "SHOP_KEY" in note


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("STRIPE_API_KEY", "STRIPE_SECRET_KEY"),
        ("STRIPE_SECRETKEY", "STRIPE_SECRET_KEY"),
        ("FAL_API_KEY", "FAL_KEY"),
        ("TWILIO_SID", "TWILIO_ACCOUNT_SID"),
        ("TWILIO_TOKEN", "TWILIO_AUTH_TOKEN"),
        ("RESEND_KEY", "RESEND_API_KEY"),
        ("SUPABASE_KEY", "SUPABASE_SERVICE_ROLE_KEY"),
        ("SMTP_PASSWORD", "SMTP_PASS"),
        ("SLACK_URL", "SLACK_WEBHOOK_URL"),
    ],
)
def test_a_variable_that_was_meant_is_noticed_and_its_value_is_not_reported(name: str, meant: str) -> None:
    notes = load_file(None, REGISTERED, {name: "sk_planted"}).notes
    assert f"{name} is set and is not read; did you mean {meant}?" in notes
    assert "planted" not in str(notes)


def test_variables_of_other_programs_are_not_spoken_of() -> None:
    others = {"STRIPE_CLI_TELEMETRY_OPTOUT": "1", "GOOGLE_APPLICATION_CREDENTIALS": "/x", "PATH": "/bin"}
    assert not [note for note in load_file(None, REGISTERED, others).notes if "is not read" in note]


def test_a_provider_that_stays_grey_is_named_with_its_variables() -> None:
    notes = load_file(None, REGISTERED, {"FAL_KEY": "k"}).notes
    (note,) = [note for note in notes if "stay not_configured" in note]
    assert "stripe (STRIPE_SECRET_KEY)" in note
    assert "google_calendar (GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET)" in note
    assert "fal (" not in note


def test_a_provider_that_variables_alone_cannot_configure_says_so() -> None:
    notes = load_file(None, REGISTERED, {"GOOGLE_CLIENT_ID": "a", "GOOGLE_CLIENT_SECRET": "b"}).notes
    assert "google_calendar needs a refresh_token, which no variable sets: write a file for it" in notes


def test_what_is_missing_is_named_with_its_variable() -> None:
    made = load_file(None, REGISTERED, {})
    absences = {name: made.targets[name, ""].absence for name in ("stripe", "twilio")}
    assert absences == {
        "stripe": "no secret_key is configured (without a file: STRIPE_SECRET_KEY)",
        "twilio": "no account_sid and no auth_token is configured"
        " (without a file: TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN)",
    }
