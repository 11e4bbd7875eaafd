"""How exporter, Prometheus and Alertmanager reach each other: the `generate:` of the configuration."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from exporter.core.defaults import HOST, JOB, PORTS, SECRETS_DIRECTORY

PREFIX_PATTERN = r"^(/[A-Za-z0-9._~-]+)*$"
JOB_PATTERN = r"^[A-Za-z0-9_.:/-]{1,64}$"
LABEL_PATTERN = r"^[a-zA-Z_][a-zA-Z0-9_]{0,63}$"
VERSION_PATTERN = r"^\d+\.\d+(\.\d+)?$"
OWNER_PATTERN = r"^[a-z0-9_][a-z0-9_.-]{0,31}$"

AGGREGATION_LABELS = ("cluster", "environment")
"""Labels that series of several environments differ by, where one Prometheus or ruler has all of them."""

ELSEWHERE = {"elsewhere": True}
"""Mark of a file that another machine reads: it is not looked for here."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class PeerLogin(_Part, frozen=True):
    """A user name, and the file with its password on the machine of the program that calls."""

    username: Annotated[str, Meta(description="User name.", min_length=1)]
    password_file: Annotated[
        str, Meta(description="File with the password, where the calling program reads it.", extra=ELSEWHERE)
    ]


class PeerTls(_Part, frozen=True):
    """TLS as the calling program speaks it; files are those of its machine."""

    ca_file: Annotated[str, Meta(description="PEM file of the authorities to trust.", extra=ELSEWHERE)] = ""
    cert_file: Annotated[str, Meta(description="PEM file of its own certificate.", extra=ELSEWHERE)] = ""
    key_file: Annotated[str, Meta(description="PEM file of the key of `cert_file`.", extra=ELSEWHERE)] = ""
    server_name: Annotated[str, Meta(description="Name to verify instead of the host.")] = ""
    insecure_skip_verify: Annotated[bool, Meta(description="Accept any certificate.")] = False


class Peer(_Part, frozen=True):
    """A program as the others reach it: addresses, scheme, path, and who it lets in."""

    addresses: Annotated[
        tuple[str, ...],
        Meta(description="host:port of each; by default the port 10055, 9090 or 9093 of 127.0.0.1."),
    ] = ()
    scheme: Annotated[Literal["http", "https"], Meta(description="How it is spoken to.")] = "http"
    path_prefix: Annotated[
        str, Meta(pattern=PREFIX_PATTERN, description="Path before its own ones, such as /exporter.")
    ] = ""
    basic_auth: Annotated[PeerLogin | None, Meta(description="User name and password.")] = None
    bearer_token_file: Annotated[
        str,
        Meta(description="File with a bearer token, where the calling program reads it.", extra=ELSEWHERE),
    ] = ""
    tls: Annotated[PeerTls, Meta(description="How its certificate is judged.")] = PeerTls()


class ExporterPeer(Peer, frozen=True):
    """The exporter as Prometheus scrapes it, and as people open it."""

    url: Annotated[
        str,
        Meta(
            description="How people open it in a browser, for links in notifications: to its page, and to its"
            " runbook pages unless `notifications.runbook_url` is set. Empty: its first address."
        ),
    ] = ""


class AlertmanagerPeer(Peer, frozen=True):
    """Alertmanager as Prometheus reaches it, and how new it is."""

    version: Annotated[
        str,
        Meta(
            pattern=VERSION_PATTERN,
            description="Version of Alertmanager, in quotes; 0.25 or later. Native receivers may have what"
            " this one knows.",
        ),
    ] = "0.25"


class SecretFolder(_Part, frozen=True):
    """Where `generate` writes the secrets of channels, for Alertmanager to read."""

    dir: Annotated[str, Meta(description="Folder, outside of any repository.", min_length=1)] = (
        SECRETS_DIRECTORY
    )
    owner: Annotated[
        str,
        Meta(
            pattern=f"{OWNER_PATTERN}|^$",
            description="User that Alertmanager runs as, by name or number; `generate` run as root gives"
            " folder and files to it. Debian's is prometheus.",
        ),
    ] = ""
    group: Annotated[
        str, Meta(pattern=f"{OWNER_PATTERN}|^$", description="Group of the files; empty: that of `owner`.")
    ] = ""


class Generation(_Part, frozen=True):
    """What `generate` writes for Prometheus and Alertmanager; flags of the command go before it."""

    job: Annotated[
        str, Meta(pattern=JOB_PATTERN, description="Name of the scrape job; the rules look for it.")
    ] = JOB
    aggregation_labels: Annotated[
        tuple[Annotated[str, Meta(pattern=LABEL_PATTERN)], ...],
        Meta(
            max_length=8,
            description="Labels that rules keep apart besides those of a target: what differs in one of them"
            " is never taken for a replica, hides nothing of another and has messages of its own.",
        ),
    ] = AGGREGATION_LABELS
    exporter: Annotated[ExporterPeer, Meta(description="The exporter, for the scrape job.")] = ExporterPeer()
    prometheus: Annotated[Peer, Meta(description="Prometheus, which scrapes itself.")] = Peer()
    alertmanager: Annotated[
        AlertmanagerPeer, Meta(description="Alertmanager, which Prometheus sends alerts to and scrapes.")
    ] = AlertmanagerPeer()
    secrets: Annotated[SecretFolder, Meta(description="Where secrets of channels are written.")] = (
        SecretFolder()
    )


def addresses(peer: Peer, role: str) -> tuple[str, ...]:
    """Return the addresses of a peer: its own, or the usual one of its role (a key of PORTS)."""
    return peer.addresses or (f"{HOST}:{PORTS[role]}",)


def exporter_url(generation: Generation) -> str:
    """Return where people open the exporter: its `url`, or else the first address that Prometheus scrapes."""
    peer = generation.exporter
    return peer.url or f"{peer.scheme}://{addresses(peer, 'exporter')[0]}{peer.path_prefix}"
