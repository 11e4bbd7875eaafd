"""A catalogue of made-up providers, and the way tests load a configuration through it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from exporter.config.catalogue import Catalogue
from exporter.config.load import load_file
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError, ConfigIssue
from exporter.core.metric import Metric, Sample
from exporter.core.options import PER_TENANT, Options, TlsOptions
from exporter.core.probe import Allowance, Kit, Probe, Target
from exporter.core.secret import Secret
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

Meta = msgspec.Meta


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    username: str
    password: Secret


class ShopOptions(Options, frozen=True, kw_only=True):
    api_key: Annotated[Secret | None, PER_TENANT] = None
    account: Annotated[str, PER_TENANT] = ""
    size: Annotated[int, PER_TENANT] = 0
    strict: Annotated[bool, PER_TENANT] = False
    window: Annotated[int, Meta(ge=1, le=60, description="Minutes to look back.")] = 10
    dear: bool = False


class WebOptions(Options, frozen=True, kw_only=True):
    url: Annotated[str, Meta(description="What to ask.", min_length=1)]
    method: Annotated[str, Meta(pattern=r"^(GET|POST)$")] = "GET"
    headers: dict[str, Secret] = {}  # noqa: RUF012 -- msgspec copies an empty default
    login: Login | None = None
    gauge: str = ""
    help: str = "A value."
    ratio: float = 1.0
    tls: TlsOptions = TlsOptions()


async def nothing(target: Target, kit: Kit) -> Iterable[Sample]:
    return []


def verify_web(options: WebOptions) -> list[str]:
    if not options.url.startswith(("http://", "https://")):
        return [f"url {options.url} is no web address; write it as https://host/path"]
    return []


def web_metrics(options: WebOptions) -> tuple[Metric, ...]:
    return (Metric(f"integration_web_{options.gauge}", options.help),) if options.gauge else ()


SHOP = Probe(
    "shop",
    "Shop",
    ShopOptions,
    nothing,
    needs=("api_key",),
    interval=300.0,
    allowance=Allowance(10_000, "the vendor's page on limits"),
    credential="api_key",
    environment={"api_key": ("SHOP_KEY", "OLD_SHOP_KEY"), "window": ("SHOP_WINDOW",)},
)
WEB = Probe(
    "web", "Web", WebOptions, nothing, interval=60.0, dynamic=web_metrics, verify=verify_web, generic=True
)
ERRORS = ThresholdFamily(
    "error_ratio", "Share.", {Severity.MEDIUM: 0.05, Severity.HIGH: 0.10}, unit="ratio", maximum=1
)
CERTIFICATE = ThresholdFamily(
    "certificate_life_seconds",
    "Life.",
    {Severity.MEDIUM: 1_814_400, Severity.HIGH: 604_800, Severity.CRITICAL: 0},
    rising=False,
    unit="seconds",
)
CONNECTIONS = ThresholdFamily(
    "connections_ratio",
    "Share.",
    {Severity.MEDIUM: 0.8, Severity.HIGH: 0.9},
    unit="ratio",
    maximum=1,
    environment=((Severity.MEDIUM, "CONNECTION_THRESHOLD"),),
    environment_scale=0.01,
)
CATALOGUE = Catalogue(
    {"shop": SHOP, "web": WEB},
    {family.name: family for family in (ERRORS, CERTIFICATE, CONNECTIONS)},
    event_labels=frozenset({"route", "widget", "release"}),
)


class House:
    """A folder with a configuration in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.main = folder / "main.yml"

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def load(self, text: str | bytes, **environ: str) -> Configuration:
        self.write({"main.yml": text})
        return load_file(str(self.main), CATALOGUE, environ)

    def mistakes(self, text: str | bytes, **environ: str) -> tuple[ConfigIssue, ...]:
        with pytest.raises(ConfigError) as caught:
            self.load(text, **environ)
        return caught.value.mistakes
