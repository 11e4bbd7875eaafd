"""The first configuration as text, and the steps that remain after it is written."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from exporter.commands.init.questions import PATH, VARIABLE, OptionQuestion
from exporter.core.probe import Probe

HEAD = """\
# yaml-language-server: $schema=config.schema.json
# Written by `integration-exporter init`. docs/configuration.md explains every key,
# docs/reference/providers.md every option of a provider.
# Secrets stay outside: `KEY_file: PATH` reads a file, ${NAME} an environment variable.
integrations:
"""
TAIL = """
# One integration for many customers: a target for each of them, with its own credential.
#   tenants:
#     list:
#       - {id: acme, options: {KEY_file: ./secrets/acme}}

# Who is notified when something breaks; `integration-exporter generate` makes Alertmanager's routes of it.
# notifications:
#   slack: {api_url_file: ./secrets/slack, channel: "#alerts"}
#   email: {to: [oncall@example.com], smarthost: "mail.example.com:587"}

# What is kept over a restart; by default a file in the working directory.
# store: {url: "sqlite:////var/lib/integration-exporter/state.db"}
"""


@dataclass(frozen=True)
class Entry:
    """One integration of the file: its name, its provider, and an answer for each question."""

    name: str
    probe: Probe
    answers: Mapping[OptionQuestion, str]

    def text(self) -> str:
        """Return its YAML."""
        lines = [f"  # {self.probe.title}", f"  - name: {self.name}", f"    provider: {self.probe.name}"]
        lines.append("    # critical: true  # an outage of it wakes somebody")
        if self.answers:
            lines.append("    options:")
        for question, answer in self.answers.items():
            lines += [f"      {line}" for line in question.lines(answer)]
        return "\n".join(lines) + "\n"

    def remaining_steps(self) -> Iterator[str]:
        """Yield what the user has to do before the integration works."""
        for question, answer in self.answers.items():
            if VARIABLE.match(answer):
                yield f"set {answer[2:-1]}: {question.option} of {self.name}"
            elif question.secret and PATH.match(answer):
                yield f"write {question.option} of {self.name} into {answer} (mode 0600)"


def document(entries: Iterable[Entry]) -> str:
    """Return the whole file."""
    return HEAD + "\n".join(entry.text() for entry in entries) + TAIL
