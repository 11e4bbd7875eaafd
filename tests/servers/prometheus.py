"""A real Prometheus, on a port of this machine, with rules whose durations can be shortened."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from exporter.core.alert import EVERY
from exporter.generate.rule_text import seconds
from tests.servers.raw import free_port

_RANGE = re.compile(r"\[(\d+[smhdw])\]|offset (\d+[smhdw])")
_PACE = ("group_wait", "group_interval", "repeat_interval")


def shorten(duration: str, pace: float) -> str:
    """Return a duration as Prometheus writes it, `pace` times shorter."""
    return f"{max(1, round(seconds(duration) * 1000 / pace))}ms"


def _shorten_text(expression: str, pace: float) -> str:
    short = _RANGE.sub(lambda found: _shorten_part(found[0], found[1] or found[2], pace), expression)
    # The one number in the rules that is a time of ours, not of a vendor.
    return short.replace("> 300", f"> {300 / pace:g}")


def _shorten_part(text: str, duration: str, pace: float) -> str:
    return text.replace(duration, shorten(duration, pace))


def shorten_rules(content: Mapping[str, Any], pace: float) -> dict[str, Any]:
    """Return the content of a rule file in which everything takes `pace` times less time."""
    return {
        "groups": [
            {
                **group,
                "interval": shorten(group["interval"], pace),
                "rules": [_shorten_rule(rule, pace) for rule in group["rules"]],
            }
            for group in content["groups"]
        ]
    }


def _shorten_rule(rule: Mapping[str, Any], pace: float) -> dict[str, Any]:
    holds = {key: shorten(rule[key], pace) for key in ("for", "keep_firing_for") if key in rule}
    return {**rule, "expr": _shorten_text(rule["expr"], pace), **holds}


def shorten_route(route: Mapping[str, Any], pace: float) -> dict[str, Any]:
    """Return a route of Alertmanager and those below it in which everything takes `pace` times less time."""
    short = {key: shorten(route[key], pace) for key in _PACE if seconds(route.get(key, ""))}
    below = {"routes": [shorten_route(one, pace) for one in route["routes"]]} if "routes" in route else {}
    return {**route, **short, **below}


@asynccontextmanager
async def prometheus(
    folder: Path,
    rules: Mapping[str, Mapping[str, Any]],
    targets: list[dict[str, Any]],
    alertmanager: str,
    pace: float,
) -> AsyncIterator[None]:
    """Run it at `pace` until the block ends: it scrapes `targets` and sends alerts to `alertmanager`."""
    port, every = free_port(), shorten(EVERY, pace)
    for name, content in rules.items():
        (folder / f"{name}.rules.yml").write_text(yaml.safe_dump(shorten_rules(content, pace)))
    peers = [{"static_configs": [{"targets": [alertmanager]}]}]
    config = {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": ["*.rules.yml"],
        "alerting": {"alertmanagers": peers},
        "scrape_configs": [{"job_name": "integration-exporter", "static_configs": targets}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [
        shutil.which("prometheus") or "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--query.lookback-delta={shorten('5m', pace)}",
        f"--rules.alert.resend-delay={shorten('1m', pace)}",
    ]
    with (folder / "prometheus.log").open("w") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        try:
            yield
            assert process.returncode is None, (folder / "prometheus.log").read_text()
        finally:
            process.terminate()
            await process.wait()
