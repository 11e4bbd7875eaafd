"""`doctor`: checks environment, store, vendors and channels, and says what to fix."""

import argparse
import asyncio
import os
from collections.abc import Iterable

from exporter import registry
from exporter.commands.api_client import build_client, read_token
from exporter.commands.doctor import (
    alertmanager,
    channels,
    machine,
    notifications,
    prometheus,
    running_exporter,
    store,
    variables,
    vendors,
)
from exporter.commands.doctor.configuration import load_configuration
from exporter.commands.doctor.finding import Area, Finding
from exporter.commands.doctor.report import Report
from exporter.commands.doctor.service import MonitoringService, NoAnswerError, origin
from exporter.commands.loading import config_path
from exporter.core.configuration import Configuration
from exporter.core.defaults import ALERTMANAGER_URL, PROMETHEUS_URL, URL_VARIABLE
from exporter.core.secret import Secret
from exporter.net.network import LoopNetwork


def doctor(options: argparse.Namespace) -> int:
    """Check one area after the other and show the findings; return 0 when there is no problem, else 1."""
    # First, because wrong flags must fail before anything is checked.
    exporter = build_client(options)
    report = Report(options)
    path = config_path(options.config_file)
    # Loaded early, shown later: the redaction must know the secrets before the first line is printed.
    configuration, found = load_configuration(path)
    report.redact(configuration.secrets if configuration else ())
    # From the inside out: a problem further down is often the reason for those after it.
    report.add(machine.findings())
    report.add(_environment(path, configuration))
    report.add(found)
    if configuration is not None:
        report.add(store.findings(configuration.store))
    url_given = bool(options.exporter_url or os.environ.get(URL_VARIABLE))
    asyncio.run(_check_services(options, configuration, report, origin(exporter.url) if url_given else None))
    report.add(running_exporter.findings(exporter, configuration, required=url_given))
    if options.send_test_alerts:
        with report.progress("sending test alerts"):
            sent = list(notifications.findings(exporter))
        report.add(sent)
    return report.finish()


def _environment(path: str | None, configuration: Configuration | None) -> Iterable[Finding]:
    if path is None:
        return variables.findings(os.environ, registry.catalogue(), None)
    if configuration is None or configuration.text is None:
        return ()  # which variables a file with mistakes uses is not known
    file = variables.ConfigFile.of(configuration.text, configuration.files)
    return variables.findings(os.environ, registry.catalogue(), file)


async def _check_services(
    options: argparse.Namespace,
    configuration: Configuration | None,
    report: Report,
    exporter: tuple[str, int] | None,
) -> None:
    """Check everything that needs the network, on one event loop."""
    network = LoopNetwork()
    try:
        if configuration is not None and not options.offline:
            with report.progress("asking vendors") as progress:
                found = await vendors.findings(configuration, network, options.sample, progress)
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
        network, "Prometheus", given or PROMETHEUS_URL, flag, token, _ca_file(options, configuration)
    )
    if not given and (absence := await _absence(service, "/api/v1/status/buildinfo", prometheus.AREA)):
        return [absence]
    alertmanager_origin = origin(options.alertmanager_url) if options.alertmanager_url else None
    return await prometheus.findings(service, configuration, exporter, alertmanager_origin)


async def _alertmanager(
    options: argparse.Namespace, network: LoopNetwork, configuration: Configuration | None
) -> list[Finding]:
    given, token = options.alertmanager_url, _token(options.alertmanager_token_file)
    flag = "--alertmanager.url"
    service = MonitoringService(
        network, "Alertmanager", given or ALERTMANAGER_URL, flag, token, _ca_file(options, configuration)
    )
    if not given and (absence := await _absence(service, "/api/v2/status", alertmanager.AREA)):
        return [absence]
    return await alertmanager.findings(service, configuration)


def _ca_file(options: argparse.Namespace, configuration: Configuration | None) -> str:
    return options.ca_file or (configuration.ca_file if configuration else "")


def _token(path: str | None) -> Secret | None:
    return read_token(path) if path else None


async def _absence(service: MonitoringService, path: str, area: Area) -> Finding | None:
    """Return a note where no service answers at a default address, None where one does."""
    try:
        await service.ask(path)
    except NoAnswerError as error:
        return area.note(error.what, error.remedy)
    return None
