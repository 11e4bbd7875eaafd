"""`doctor`: looks at everything that has to work together, and says what to do."""

import argparse
import asyncio
import os
from collections.abc import Iterable

from exporter import registry
from exporter.commands.api_client import exporter_of, token_of
from exporter.commands.doctor import (
    alertmanager,
    channels,
    configured,
    machine,
    prometheus,
    running,
    stored,
    variables,
    vendors,
)
from exporter.commands.doctor.finding import Area, Finding
from exporter.commands.doctor.report import Report
from exporter.commands.doctor.service import MonitoringService, NoAnswerError, origin
from exporter.commands.loading import chosen_file
from exporter.core.configuration import Configuration
from exporter.core.defaults import ALERTMANAGER_URL, PROMETHEUS_URL, URL_VARIABLE
from exporter.core.secret import Secret
from exporter.net.network import LoopNetwork


def doctor(options: argparse.Namespace) -> int:
    """Look at one area after the other and show what was found; return 0 when there is no problem, else 1."""
    exporter = exporter_of(options)
    report = Report(options)
    path = chosen_file(options.config_file)
    configuration, found = configured.loaded(path)
    report.hide(configuration.secrets if configuration else ())
    report.add(machine.findings())
    report.add(_environment(path, configuration))
    report.add(found)
    if configuration is not None:
        report.add(stored.findings(configuration.store))
    asked_for = bool(options.exporter_url or os.environ.get(URL_VARIABLE))
    asyncio.run(_outside(options, configuration, report, origin(exporter.url) if asked_for else None))
    report.add(running.findings(exporter, configuration, asked_for=asked_for))
    return report.end()


def _environment(path: str | None, configuration: Configuration | None) -> Iterable[Finding]:
    if path is None:
        return variables.findings(os.environ, registry.catalogue(), None)
    if configuration is None or configuration.text is None:
        return ()  # what a file with mistakes uses is not known
    file = variables.File.of(configuration.text, configuration.files)
    return variables.findings(os.environ, registry.catalogue(), file)


async def _outside(
    options: argparse.Namespace,
    configuration: Configuration | None,
    report: Report,
    exporter: tuple[str, int] | None,
) -> None:
    """Ask everything that is asked on one loop."""
    network = LoopNetwork()
    try:
        if configuration is not None and not options.offline:
            with report.progress("asking vendors") as told:
                found = await vendors.findings(configuration, network, options.sample, told)
            report.add(found)
            report.add(await channels.findings(configuration.notifications, network))
        report.add(await _prometheus(options, network, configuration, exporter))
        report.add(await _alertmanager(options, network, configuration))
    finally:
        await network.close()


async def _prometheus(
    options: argparse.Namespace,
    network: LoopNetwork,
    configuration: Configuration | None,
    exporter: tuple[str, int] | None,
) -> list[Finding]:
    given, token = options.prometheus_url, _token(options.prometheus_token_file)
    flag = "--prometheus.url"
    service = MonitoringService(
        network, "Prometheus", given or PROMETHEUS_URL, flag, token, _authorities(options, configuration)
    )
    if not given and (absent := await _absent(service, "/api/v1/status/buildinfo", prometheus.AREA)):
        return [absent]
    told = options.alertmanager_url
    return await prometheus.findings(service, configuration, exporter, origin(told) if told else None)


async def _alertmanager(
    options: argparse.Namespace, network: LoopNetwork, configuration: Configuration | None
) -> list[Finding]:
    given, token = options.alertmanager_url, _token(options.alertmanager_token_file)
    flag = "--alertmanager.url"
    service = MonitoringService(
        network, "Alertmanager", given or ALERTMANAGER_URL, flag, token, _authorities(options, configuration)
    )
    if not given and (absent := await _absent(service, "/api/v2/status", alertmanager.AREA)):
        return [absent]
    return await alertmanager.findings(service, configuration)


def _authorities(options: argparse.Namespace, configuration: Configuration | None) -> str:
    return options.ca_file or (configuration.ca_file if configuration else "")


def _token(path: str | None) -> Secret | None:
    return token_of(path) if path else None


async def _absent(service: MonitoringService, path: str, area: Area) -> Finding | None:
    """Return a note where nobody answers at an address that nobody gave."""
    try:
        await service.ask(path)
    except NoAnswerError as error:
        return area.note(error.what, error.remedy)
    return None
