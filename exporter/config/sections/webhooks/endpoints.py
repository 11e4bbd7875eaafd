"""Reads the elements of `webhooks.endpoints`."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from exporter.config.document.context import Path
from exporter.config.document.schema import part_schema
from exporter.config.document.section import convert_section
from exporter.config.document.validate import Validator
from exporter.config.layout_webhooks import WebhookEndpointPart
from exporter.config.sections.webhooks.checks import DAY, between, globs, headers, receiver_address
from exporter.config.sections.webhooks.reader import LONGEST_TIMEOUT, PartReader
from exporter.core.options import trusting
from exporter.core.secret import Secret
from exporter.core.standard_secret import secret_problem
from exporter.core.webhook import WebhookEndpoint


class EndpointReader(PartReader):
    """Reads endpoints."""

    key = "endpoints"

    def read_all(self, parts: tuple[Any, ...]) -> tuple[WebhookEndpoint, ...]:
        """Return the endpoints that are sound enough to be built."""
        found = (self._read(raw, self.path(index)) for index, raw in enumerate(parts))
        return tuple(endpoint for endpoint in found if endpoint is not None)

    def _read(self, raw: Any, path: Path) -> WebhookEndpoint | None:
        converter = self.converter(path)
        instead = {"name": f"endpoint-{path[-1]}", "url": "https://endpoint.invalid/"}
        part, _ = convert_section(
            converter, raw, WebhookEndpointPart, self._validator, instead=instead, depth=2
        )
        if part is None:
            return None
        self._check(part, path)
        secrets = self._secrets(part, raw, path)
        limits = self.limits(part, part.retry, part.retry.timeout, path, part.disable_after)
        return WebhookEndpoint(
            name=part.name,
            tenant=part.tenant,
            url=part.url,
            secrets=secrets,
            fallback_url=part.fallback_url,
            types=part.types,
            headers=tuple(part.headers.items()),
            limits=limits,
            tls=trusting(part, self.ca_file).tls if self.ca_file else part.tls,
            enabled=part.enabled,
            private=part.allow_private,
        )

    def _check(self, part: WebhookEndpointPart, path: Path) -> None:
        self.check_name(part.name, path)
        self.show(part.tenant, "the tenant of an endpoint", (*path, "tenant"))
        for key in ("url", "fallback_url"):
            if text := getattr(part, key):
                self.add_all(path, receiver_address(text, (key,)))
                self.hide(text)
        self.add_all(path, globs(part.types, ("types",)))
        self.add_all(path, headers(part.headers, ("headers",)))
        self.add_all(path, between(part.retry.timeout, 0.1, LONGEST_TIMEOUT, ("retry", "timeout")))
        self.add_all(path, between(part.disable_after, 0.0, 365 * DAY, ("disable_after",)))

    def _secrets(self, part: WebhookEndpointPart, raw: Mapping[str, Any], path: Path) -> tuple[Secret, ...]:
        secrets = self.secrets(part, raw, path)
        if secrets is None:
            return ()
        if not secrets:
            what = "the endpoint has no secret, so its receiver cannot tell our webhooks from others"
            self.draft.add_error(path, what, "add secret_file: or secrets_files:")
        for problem in filter(None, (secret_problem(secret.reveal()) for secret in secrets)):
            what, _, remedy = problem.partition("; ")
            self.draft.add_error(path, what, remedy)
        return secrets

    @cached_property
    def _validator(self) -> Validator:
        return Validator(part_schema(WebhookEndpointPart))
