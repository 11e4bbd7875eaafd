# generated, do not edit; make generate
"""One method for each kind of event, with its fields; which are required the signature says."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any


class Kinds(ABC):
    """What may be reported; durations in seconds, money in major units.

    Each method takes `tenant`, `integration`, `id` and `at` too, all optional: whose event it is, which
    integration it is about, what makes it unique, and when it was.
    """

    @abstractmethod
    def event(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Report an event of `kind`."""

    def ai_usage(
        self,
        endpoint: str,
        status: str,
        *,
        duration: float | None = None,
        cost: float | None = None,
        request_id: str | None = None,
        error: str | None = None,
        **common: Any,
    ) -> None:
        """Report an event of the kind ai_usage.

        A call; `status` is ok, or what went wrong (error, timeout, rate_limited); `cost` in USD.
        """
        self.event(
            "ai_usage",
            {
                "endpoint": endpoint,
                "status": status,
                "duration": duration,
                "cost": cost,
                "request_id": request_id,
                "error": error,
                **common,
            },
        )

    def api_request(
        self,
        route: str,
        method: str,
        status: int,
        duration: float,
        *,
        trace_id: str | None = None,
        user: str | None = None,
        address: str | None = None,
        **common: Any,
    ) -> None:
        """Report an event of the kind api_request.

        A request; `route` is its template, `status` 0 without an answer. `user` is never a label.
        """
        self.event(
            "api_request",
            {
                "route": route,
                "method": method,
                "status": status,
                "duration": duration,
                "trace_id": trace_id,
                "user": user,
                "address": address,
                **common,
            },
        )

    def audit(
        self,
        actor: str,
        action: str,
        *,
        resource: str | None = None,
        outcome: str | None = None,
        address: str | None = None,
        country: str | None = None,
        user_agent: str | None = None,
        details: Mapping[str, Any] | None = None,
        **common: Any,
    ) -> None:
        """Report an event of the kind audit.

        An action; `action` is such as user.delete, and what the app adds is in `details`.
        """
        self.event(
            "audit",
            {
                "actor": actor,
                "action": action,
                "resource": resource,
                "outcome": outcome,
                "address": address,
                "country": country,
                "user_agent": user_agent,
                "details": details,
                **common,
            },
        )

    def auth(
        self,
        outcome: str,
        *,
        method: str | None = None,
        country: str | None = None,
        address: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
        **common: Any,
    ) -> None:
        """Report an event of the kind auth.

        An attempt to sign in; address and actor are stored, never a label.

        `outcome`: failure, success.
        """
        self.event(
            "auth",
            {
                "outcome": outcome,
                "method": method,
                "country": country,
                "address": address,
                "actor": actor,
                "reason": reason,
                **common,
            },
        )

    def metric(
        self,
        name: str,
        value: float,
        *,
        labels: Mapping[str, str] | None = None,
        **common: Any,
    ) -> None:
        """Report an event of the kind metric.

        A value: what a gauge is now, or by how much a counter rises.
        """
        self.event(
            "metric",
            {
                "name": name,
                "value": value,
                "labels": labels,
                **common,
            },
        )

    def payment(
        self,
        outcome: str,
        *,
        amount: float | None = None,
        currency: str | None = None,
        provider: str | None = None,
        decline_code: str | None = None,
        payment_id: str | None = None,
        **common: Any,
    ) -> None:
        """Report an event of the kind payment.

        A payment; `amount` in major units, `currency` by ISO 4217.

        `outcome`: declined, disputed, failed, fraud_warning, succeeded, timeout.
        """
        self.event(
            "payment",
            {
                "outcome": outcome,
                "amount": amount,
                "currency": currency,
                "provider": provider,
                "decline_code": decline_code,
                "payment_id": payment_id,
                **common,
            },
        )

    def rate_limit(
        self,
        policy: str,
        endpoint: str,
        outcome: str,
        *,
        identifier: str | None = None,
        **common: Any,
    ) -> None:
        """Report an event of the kind rate_limit.

        A request that a rate limit judged; `identifier` is stored, never a label.

        `outcome`: allowed, blocked.
        """
        self.event(
            "rate_limit",
            {
                "policy": policy,
                "endpoint": endpoint,
                "outcome": outcome,
                "identifier": identifier,
                **common,
            },
        )

    def traffic(
        self,
        route: str,
        client: str,
        *,
        country: str | None = None,
        views: int | None = None,
        **common: Any,
    ) -> None:
        """Report an event of the kind traffic.

        Page views of one route; `country` by ISO 3166-1 alpha-2.

        `client`: bot, human, suspicious.
        """
        self.event(
            "traffic",
            {
                "route": route,
                "client": client,
                "country": country,
                "views": views,
                **common,
            },
        )

    def webhook(
        self,
        source: str,
        outcome: str,
        *,
        direction: str | None = None,
        type: str | None = None,
        duration: float | None = None,
        attempt: int | None = None,
        event_id: str | None = None,
        error: str | None = None,
        **common: Any,
    ) -> None:
        """Report an event of the kind webhook.

        A webhook: `processed` (inbound), `delivered` (outbound), or what went wrong.

        `outcome`: delivered, failed, processed, refused, timeout.

        `direction`: inbound, outbound.
        """
        self.event(
            "webhook",
            {
                "source": source,
                "outcome": outcome,
                "direction": direction,
                "type": type,
                "duration": duration,
                "attempt": attempt,
                "event_id": event_id,
                "error": error,
                **common,
            },
        )

    def widget(
        self,
        widget: str,
        outcome: str,
        *,
        route: str | None = None,
        release: str | None = None,
        duration: float | None = None,
        error: str | None = None,
        **common: Any,
    ) -> None:
        """Report an event of the kind widget.

        What became of a widget; `error` is the name of the error, without what the customer
        entered.

        `outcome`: load_error, loaded, render_failure, script_error, timeout.
        """
        self.event(
            "widget",
            {
                "widget": widget,
                "outcome": outcome,
                "route": route,
                "release": release,
                "duration": duration,
                "error": error,
                **common,
            },
        )
