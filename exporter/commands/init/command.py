"""`init`: asks which providers are used, or takes them from flags, and writes a first configuration."""

import argparse
import re
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from exporter import registry
from exporter.commands.init.file import Entry, document
from exporter.commands.init.questions import OptionQuestion, questions
from exporter.config.layout_parts import NAME_PATTERN
from exporter.core.defaults import CONFIG_FILE, EXPORTER_URL
from exporter.core.errors import StartError
from exporter.core.probe import Probe

NAME = re.compile(NAME_PATTERN)


def init(options: argparse.Namespace) -> int:
    """Write the file and print the next steps; StartError where it exists: it is never overwritten."""
    out = Path(options.out)
    if out.exists():
        raise StartError(f"{out} exists and stays as it is; choose another file by --out")
    # Scripts and containers have no terminal; waiting for an answer there would hang for ever.
    interactive = sys.stdin.isatty() and not options.yes
    if not options.provider and not interactive:
        raise StartError("say what you use by --provider NAME, or run init at a terminal, which asks")
    try:
        entries = _entries(options, interactive=interactive)
    except EOFError:
        raise StartError("the questions were not answered; nothing was written") from None
    try:
        # "x" fails where another process has written the file since the check above.
        with out.open("x", encoding="utf-8") as file:
            file.write(document(entries))
    except OSError as error:
        raise StartError(f"{out} cannot be written: {error.strerror}; choose another file by --out") from None
    _print_next_steps(out, entries)
    return 0


def _entries(options: argparse.Namespace, *, interactive: bool) -> list[Entry]:
    given = [one.partition("=")[::2] for one in options.provider or _ask_providers()]
    settings = _settings(options.set or [])
    entries: list[Entry] = []
    for provider, value in given:
        probe = _probe(provider)
        name = _choose_name(probe.name, {one.name for one in entries}, interactive=interactive)
        # Popped: what is left after the loop belongs to no --provider, and is reported.
        answers = _from_value(probe, value) | settings.pop(provider, {})
        entries.append(Entry(name, probe, _answers(probe, name, answers, interactive=interactive)))
    if settings:
        raise StartError(f"--set names {', '.join(settings)}, which no --provider does")
    return entries


def _ask_providers() -> list[str]:
    """Ask which providers are used, until each name is known."""
    probes = registry.probes()
    print("This writes a first configuration. There are these providers:\n")
    for name, probe in probes.items():
        print(f"  {name:<{max(map(len, probes))}}  {probe.title}")
    while True:
        names = re.split(r"[\s,]+", input("\nWhich do you use, separated by blanks? ").strip())
        try:
            return [_probe(name).name for name in dict.fromkeys(names)]
        except StartError as error:
            print(error)


def _probe(name: str) -> Probe:
    probes = registry.probes()
    if name in probes:
        return probes[name]
    close = get_close_matches(name, probes, n=1)
    raise StartError(
        f"there is no provider {name!r}; "
        + (f"did you mean {close[0]}?" if close else f"there are {', '.join(probes)}")
    )


def _settings(pairs: list[str]) -> dict[str, dict[str, str]]:
    """Return the answers of `--set PROVIDER.OPTION=VALUE` by provider and option."""
    found: dict[str, dict[str, str]] = {}
    for pair in pairs:
        place, sign, value = pair.partition("=")
        provider, dot, option = place.partition(".")
        if not (sign and dot):
            raise StartError("--set takes PROVIDER.OPTION=VALUE, such as stripe.secret_key=./secrets/stripe")
        known = [one.option for one in questions(_probe(provider))]
        if option not in known:
            raise StartError(f"--set: {provider} is asked for {', '.join(known)}, not for {option!r}")
        found.setdefault(provider, {})[option] = value
    return found


def _from_value(probe: Probe, value: str) -> dict[str, str]:
    """Return the answers in `--provider NAME=VALUE`: the first option, or host and port."""
    if not value:
        return {}
    plain = [one.option for one in questions(probe) if not one.secret]
    if not plain:
        raise StartError(f"{probe.name} takes no value: its options are secrets, see --set")
    # From the right: an IPv6 address has colons of its own.
    if {"host", "port"} <= set(plain) and ":" in value:
        host, _, port = value.rpartition(":")
        return {"host": host.strip("[]"), "port": port}
    return {plain[0]: value}


def _choose_name(default: str, names: set[str], *, interactive: bool) -> str:
    number = 1
    while (name := default if number == 1 else f"{default}-{number}") in names:
        number += 1
    while interactive:
        answer = input(f"\n{default}: name of the integration [{name}] ").strip() or name
        if NAME.match(answer) and answer not in names:
            return answer
        print("take another one: letters, digits, ., - and _, each name once")
    return name


def _answers(
    probe: Probe, name: str, given: Mapping[str, str], *, interactive: bool
) -> dict[OptionQuestion, str]:
    found = {}
    for question in questions(probe):
        answer = given.get(question.option, "")
        if answer and (complaint := question.complaint(answer)):
            raise StartError(f"{probe.name}, {question.option}: {complaint}")
        found[question] = answer or (_ask if interactive else _take_default)(question, name)
    return found


def _take_default(question: OptionQuestion, name: str) -> str:
    if default := question.default(name):
        return default
    raise StartError(f"{name} needs {question.option}: give --set {name}.{question.option}=VALUE")


def _ask(question: OptionQuestion, name: str) -> str:
    default = question.default(name)
    print(f"  {question.meaning}")
    what = "a file or ${VARIABLE} that holds it, never itself" if question.secret else "its value"
    while True:
        answer = input(f"  {question.option}: {what}{f' [{default}]' if default else ''} ").strip() or default
        if not (complaint := question.complaint(answer)):
            return answer
        print(f"  {complaint}")


def _print_next_steps(out: Path, entries: list[Entry]) -> None:
    print(f"{out} is written.")
    if steps := [step for entry in entries for step in entry.remaining_steps()]:
        print("\nBefore it works:")
        print("\n".join(f"  {step}" for step in steps))
    flag = "" if str(out) == CONFIG_FILE else f" --config.file={out}"
    print("\nThen:")
    for command, what in (
        (f"check{flag}", "every mistake: file, line, remedy"),
        (f"probe {entries[0].name} -v{flag}", "one probe, explained"),
        (f"run{flag}", f"the exporter: {EXPORTER_URL}/"),
        (f"generate --out bundle{flag}", "rules, routes and dashboards for Prometheus and Alertmanager"),
    ):
        print(f"  integration-exporter {command:<{len(flag) + 30}} # {what}")
