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
        """Report a payment: succeeded, failed, declined, timeout, disputed or fraud_warning."""
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
        """Report that a webhook was processed (inbound) or delivered (outbound)."""
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
        """Report a request that the app answered, or, with `integration`, a call that it made to a vendor.

        `route` is the template, such as /orders/{id}.
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
        """Report a call to an AI service, with its cost in USD."""
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
        """Report a widget: loaded, load_error, render_failure, script_error or timeout."""
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

    def metric(
        self, name: str, value: float, *, labels: Mapping[str, str] | None = None, **common: Any
    ) -> None:
        """Report a value of a metric that the exporter's configuration declares."""
        self.event("metric", {"name": name, "value": value, "labels": labels, **common})

    def traffic(
        self, route: str, client: str, *, country: str | None = None, views: int | None = None, **common: Any
    ) -> None:
        """Report page views; `client` is human, bot or suspicious."""
        self.event(
            "traffic", {"route": route, "client": client, "country": country, "views": views, **common}
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
        """Report a sign-in: success or failure."""
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

    def rate_limit(
        self, policy: str, endpoint: str, outcome: str, *, identifier: str | None = None, **common: Any
    ) -> None:
        """Report a request that a rate limit allowed or blocked."""
        self.event(
            "rate_limit",
            {"policy": policy, "endpoint": endpoint, "outcome": outcome, "identifier": identifier, **common},
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
        """Report who did what to which resource."""
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
