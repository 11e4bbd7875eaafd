"""`check rules`: the rules and routes, judged by Prometheus' and Alertmanager's own tools where they are."""

import argparse
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from exporter.commands.loading import config_path, load
from exporter.core.configuration import Configuration
from exporter.core.own_alert import OwnAlert
from exporter.core.severity import Severity
from exporter.generate import paths
from exporter.generate.bundle import files, user_files
from exporter.generate.routing import team_receiver_name

PACKAGES = {"promtool": "prometheus", "amtool": "prometheus-alertmanager"}
"""What Debian calls the package of each tool."""

LONGEST = 600.0
"""Seconds that one run of a tool may take."""

_FOLDERS = ("prometheus/", "alertmanager/")


@dataclass(frozen=True)
class RuleCheck:
    """One run of a tool in `folder`; with `receivers` its output must be these names.

    Unless `alone` those of teams may come before them.
    """

    title: str
    tool: str
    words: tuple[str, ...]
    folder: Path
    receivers: tuple[str, ...] | None = None
    alone: bool = False


_PASSED = re.compile(r"^(?:Checking|Unit Testing:) .*\n +SUCCESS.*\n+", re.MULTILINE)
"""What promtool says of a file without a mistake."""


def check_rules(options: argparse.Namespace) -> int:
    """Check the shipped files and those of the configuration; return 1 where one fails.

    With `--strict` a tool that is missing is a failure too.
    """
    path = config_path(options.config_file)
    configuration = load(path)
    with tempfile.TemporaryDirectory(prefix="integration-exporter-rules-") as name:
        checks = list(_checks(Path(name), path, configuration))
        failed = sum(not _passes(check) for check in checks if shutil.which(check.tool))
    missing = {check.tool for check in checks if not shutil.which(check.tool)}
    for tool in sorted(missing):
        left = sum(check.tool == tool for check in checks)
        print(f"not run: {left} checks, because {tool} is not installed (Debian's package {PACKAGES[tool]})")
    done = len(checks) - sum(check.tool in missing for check in checks)
    print(f"{done} of {len(checks)} checks run, {failed} failed")
    return 1 if failed or (missing and options.strict) else 0


def _checks(folder: Path, path: str | None, configuration: Configuration) -> Iterator[RuleCheck]:
    shipped = _write(folder / "shipped", files())
    yield from _of_tree("shipped", shipped)
    yield from _routes("shipped", shipped, ())
    if path is None and not configuration.integrations:
        return
    own = _write(folder / "own", user_files(configuration).files)
    title = path or "the environment"
    yield from _of_tree(title, own)
    yield from _routes(title, own, configuration.alerts)


def _write(folder: Path, texts: Mapping[str, str]) -> Path:
    for name, text in texts.items():
        if name.startswith(_FOLDERS):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    return folder


def _of_tree(title: str, tree: Path) -> Iterator[RuleCheck]:
    rules = sorted((tree / paths.RULES).glob("*.yml"))
    words = ("check", "rules", "--lint=all", "--lint-fatal", *(str(file) for file in rules))
    yield RuleCheck(f"{title}: {len(rules)} rule files", "promtool", words, tree)
    config = ("check", "config", "--syntax-only", paths.PROMETHEUS)
    yield RuleCheck(f"{title}: {paths.PROMETHEUS}", "promtool", config, tree)
    for test in sorted((tree / paths.RULE_TESTS).glob("*.yml")):
        words = ("test", "rules", test.name)
        yield RuleCheck(f"{title}: tests of {test.stem}", "promtool", words, test.parent)
    yield RuleCheck(f"{title}: {paths.ALERTMANAGER}", "amtool", ("check-config", paths.ALERTMANAGER), tree)


def _routes(title: str, tree: Path, alerts: Sequence[OwnAlert]) -> Iterator[RuleCheck]:
    for level in Severity:
        # An alert of no integration, tenant or name that a team asks for.
        yield _route(f"{title}: route of {level}", tree, {"severity": level.value}, (level.value,))
    for alert in alerts:
        if alert.recipients:
            labels = {"alertname": alert.name, "severity": alert.severity.value}
            wanted = tuple(map(team_receiver_name, alert.recipients))
            yield replace(_route(f"{title}: recipients of {alert.name}", tree, labels, wanted), alone=True)


def _route(title: str, tree: Path, labels: Mapping[str, str], receivers: tuple[str, ...]) -> RuleCheck:
    words = ("config", "routes", "test", f"--config.file={paths.ALERTMANAGER}")
    return RuleCheck(
        title, "amtool", (*words, *(f"{name}={value}" for name, value in labels.items())), tree, receivers
    )


def _passes(check: RuleCheck) -> bool:
    """Run the tool and print what came of it."""
    try:
        done = subprocess.run(  # noqa: S603 -- the tool by its name, with words of ours and no shell
            (check.tool, *check.words),
            cwd=check.folder,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        output, good = done.stdout + done.stderr, done.returncode == 0
    except (OSError, subprocess.TimeoutExpired) as error:
        output, good = f"{check.tool} did not end well: {type(error).__name__}", False
    if good and check.receivers is not None:
        found = tuple(done.stdout.strip().split(","))
        good = check.receivers == (found if check.alone else found[-len(check.receivers) :])
        output = f"it goes to {done.stdout.strip()}, not to {', '.join(check.receivers)}"
    print(f"{'ok' if good else 'failed'}: {check.title}")
    if not good:
        remark = _PASSED.sub("", output).replace(f"{check.folder}/", "")
        print("".join(f"    {line}\n" for line in remark.splitlines() if line.strip()), end="")
    return good
