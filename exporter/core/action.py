"""What an action is made of, and what it reports of the endpoint that it has asked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from exporter.core.delivery import Action
from exporter.core.network import Network
from exporter.core.text_message import TextMessages
from exporter.core.webhook import WebhookEndpoint, WebhookSource


@dataclass(frozen=True)
class EndpointReport:
    """What one attempt shows of an endpoint at `at` (Unix seconds).

    `reason` is "" where the delivery was accepted. `certificate_expiry` is the first one of the
    server's chain in Unix seconds, None without TLS. `gone`: it has answered 410 and wants no more webhooks.
    """

    endpoint: str
    at: float
    reason: str = ""
    certificate_expiry: float | None = None
    gone: bool = False


def _ignore(_report: EndpointReport) -> None:
    """Forget it."""


def _no_texts() -> None:
    """Return None: nothing sends text messages."""


@dataclass(frozen=True)
class ActionKit:
    """What actions may use.

    `endpoint` and `source` return what is configured now, None for a name that is not. `now` is the time in
    Unix seconds, `report` takes what is learned of an endpoint. `texts` returns what text messages are sent
    by, None where none are.
    """

    network: Network
    endpoint: Callable[[str], WebhookEndpoint | None]
    source: Callable[[str], WebhookSource | None]
    now: Callable[[], float]
    report: Callable[[EndpointReport], None] = _ignore
    texts: Callable[[], TextMessages | None] = _no_texts


class ActionFactory(Protocol):
    """Makes the action of one kind, which is the name of its file; the module has it as ACTION."""

    def __call__(self, kit: ActionKit, /) -> Action:
        """Return the action."""
