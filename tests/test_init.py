"""`init`: the questions of every provider at a terminal, flags for scripts, a file without a mistake."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from exporter import registry
from exporter.cli import main
from exporter.commands.init.questions import OptionQuestion, questions
from exporter.sandbox.vendor import Endpoint

ENDPOINT = Endpoint("127.0.0.1", 9, 9, "")
USUAL = {
    "host": "127.0.0.1",
    "port": "9",
    "name": "example.com",
    "url": "https://localhost/health",
    "postgres.url": "postgresql://me@127.0.0.1/app",
}
"""Answers where no simulated vendor has one."""


def value(provider: str, question: OptionQuestion) -> str:
    vendor = registry.sandbox_vendors().get(provider)
    known = vendor.options(ENDPOINT) if vendor else {}
    own = USUAL.get(f"{provider}.{question.option}") or known.get(question.option)
    return str(own or USUAL.get(question.option) or ("planted_sk_4242" if question.secret else "7"))


def at_terminal(typed: str, folder: Path, *words: str) -> tuple[int, str]:
    """Run `init` at a terminal, type, and return exit code and everything that was seen."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "exporter", "init", *words]
    with subprocess.Popen(command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        seen = b""
        try:
            while data := os.read(ours, 65_536):
                seen += data
        except OSError:
            pass  # how a terminal says that nobody is at the other end
        os.close(ours)
    return process.returncode, seen.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("provider", registry.probes())
def test_the_questions_of_every_provider_lead_to_a_file_without_a_mistake(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = questions(registry.probes()[provider])
    assert asked, "without a question the integration would never be configured"
    (tmp_path / "secrets").mkdir()
    answers = []
    for question in asked:
        text = value(provider, question)
        if question.secret:
            (tmp_path / "secrets" / question.option).write_text(text)
        answers.append(f"./secrets/{question.option}" if question.secret else text)
    code, seen = at_terminal("\n".join([provider, "mine", *answers]) + "\n", tmp_path)
    assert code == 0, seen
    assert all(question.meaning in seen for question in asked)
    for following in ("check", "probe mine -v", "run", "generate --out bundle"):
        assert f"integration-exporter {following}" in seen
    written = (tmp_path / "integration-exporter.yml").read_text()
    assert written.startswith("# yaml-language-server: $schema=")
    assert not any(value(provider, question) in written for question in asked if question.secret)
    monkeypatch.chdir(tmp_path)
    assert main(["check"]) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    assert "1 integrations, 1 targets" in said and "not configured" not in said


def test_by_flags_it_asks_nothing_and_leaves_secrets_to_variables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "mine.yml"
    words = ["--provider=stripe", "--provider=http=https://a.example/health", "--provider=tcp=[::1]:80"]
    assert main(["init", *words, "--provider=http=https://b.example/", "--yes", f"--out={out}"]) == 0
    said = capsys.readouterr().out
    assert "set STRIPE_SECRET_KEY: secret_key of stripe" in said
    assert f"check --config.file={out}" in said
    text = out.read_text()
    for line in ('secret_key: "${STRIPE_SECRET_KEY}"', 'host: "::1"', "port: 80", "name: http-2"):
        assert line in text
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_x")
    assert main(["check", f"--config.file={out}"]) == 0
    assert "4 integrations, 4 targets" in capsys.readouterr().out


def test_a_file_that_is_there_is_never_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.yml"
    out.write_text("mine")
    assert main(["init", "--provider=stripe", "--yes", f"--out={out}"]) == 1
    assert "exists and stays as it is" in capsys.readouterr().err
    assert out.read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say what you use by --provider NAME"),
        (("--provider=strip",), "there is no provider 'strip'; did you mean stripe?"),
        (("--provider=http",), "http needs url: give --set http.url=VALUE"),
        (
            ("--provider=stripe", "--set=stripe.secret_key=sk_live_planted"),
            "the secret itself does not belong",
        ),
        (("--provider=http=https://u:planted@h/",), "it holds a credential"),
        (("--provider=tcp=h:nine",), "give a whole number"),
        (("--provider=stripe=x",), "its options are secrets"),
        (("--provider=stripe", "--set=stripe.key=x"), "stripe is asked for secret_key"),
        (("--provider=stripe", "--set=http.url=https://x"), "--set names http, which no --provider does"),
        (("--provider=stripe", "--set=secret_key"), "--set takes PROVIDER.OPTION=VALUE"),
    ],
)
def test_what_will_not_do_is_said_and_nothing_is_written(
    words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.yml"
    assert main(["init", "--yes", *words, f"--out={out}"]) == 1
    message = capsys.readouterr().err
    assert said in message and "planted" not in message
    assert not out.exists()


def test_a_secret_that_is_typed_is_refused_and_asked_for_again(tmp_path: Path) -> None:
    typed = "strip\nstripe\n\nsk_live_planted\n/run/secrets/stripe\n"
    code, seen = at_terminal(typed, tmp_path)
    assert code == 0, seen
    assert "did you mean stripe?" in seen and "the secret itself does not belong in the file" in seen
    text = (tmp_path / "integration-exporter.yml").read_text()
    assert 'secret_key_file: "/run/secrets/stripe"' in text and "planted" not in text


def test_an_end_of_the_answers_writes_nothing(tmp_path: Path) -> None:
    code, seen = at_terminal("stripe\n\x04", tmp_path)
    assert code == 1 and "nothing was written" in seen
    assert list(tmp_path.iterdir()) == []
