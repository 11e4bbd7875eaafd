"""A real Prometheus, on a port of this machine, with rules whose durations can be shortened."""

import asyncio
import re
import shutil
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from exporter.core.alert import EVERY
from exporter.core.durations import seconds
from tests.servers.ports import free_port
from tests.waiting import until

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
    flags = (
        f"--query.lookback-delta={shorten('5m', pace)}",
        f"--rules.alert.resend-delay={shorten('1m', pace)}",
    )
    async with _process(folder, config, port, *flags) as process:
        yield
        assert process.returncode is None, (folder / "prometheus.log").read_text()


@asynccontextmanager
async def stored_prometheus(folder: Path, config: Mapping[str, Any]) -> AsyncIterator[str]:
    """Run it on the blocks in the folder `tsdb` of `folder` until the block ends; yield its address.

    It scrapes nothing; it is ready when it has read the blocks.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    # What fires before it has found Alertmanager is sent with the next round: not a minute later.
    async with _process(folder, config, port, "--rules.alert.resend-delay=1s") as process:
        # promtool has no `check ready` before 2.44, and Debian has 2.42.
        await until(lambda: process.returncode is not None or _answers(f"{url}/-/ready"))
        assert process.returncode is None, (folder / "prometheus.log").read_text()
        yield url


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@asynccontextmanager
async def _process(
    folder: Path, config: Mapping[str, Any], port: int, *flags: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    (folder / "prometheus.yml").write_text(yaml.safe_dump(dict(config)))
    command = [
        shutil.which("prometheus") or "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *flags,
    ]
    with (folder / "prometheus.log").open("a") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            await process.wait()
