"""Reads the elements of `webhooks.sources`."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from exporter.config import durations
from exporter.config.document.context import Path
from exporter.config.document.schema import part_schema
from exporter.config.document.section import add_error, convert_section
from exporter.config.document.validate import Validator, suggestion
from exporter.config.draft import Draft
from exporter.config.layout_webhooks import ForwardPart, WebhookSourcePart
from exporter.config.schema import source_schema
from exporter.config.sections.webhooks.checks import DAY, between, globs, receiver_address
from exporter.config.sections.webhooks.reader import LONGEST_TIMEOUT, PartReader
from exporter.core.options import Options, trusting
from exporter.core.secret import Secret
from exporter.core.signature import Scheme
from exporter.core.webhook import Forward, WebhookSource


class SourceReader(PartReader):
    """Reads sources; `is_public` says that `webhooks.public_url` was written."""

    key = "sources"

    def __init__(self, draft: Draft, *, is_public: bool) -> None:
        """Take the names of integrations from `draft`."""
        super().__init__(draft)
        self._is_public = is_public
        integrations = draft.values["integrations"]
        self._known: frozenset[str] = integrations.names
        self._providers = {one.integration.name: one.integration.probe.name for one in integrations.built}

    def read_all(self, parts: tuple[Any, ...]) -> tuple[WebhookSource, ...]:
        """Return the sources that are sound enough to be built."""
        found = (self._read(raw, self.path(index)) for index, raw in enumerate(parts))
        return tuple(source for source in found if source is not None)

    def _read(self, raw: Any, path: Path) -> WebhookSource | None:
        converter = self.converter(path)
        instead = {"name": f"source-{path[-1]}", "scheme": ""}
        part, sound = convert_section(
            converter, raw, WebhookSourcePart, self._validator, instead=instead, depth=2
        )
        if part is None:
            return None
        scheme = self.draft.context.catalogue.schemes.get(part.scheme)
        if scheme is None and sound:
            # reached when the schema was not asked: the types alone accept every text
            add_error(converter, self._validator.faults({"name": "name", "scheme": part.scheme}))
        self._check(part, path)
        forward = self._forward(part.forward, (*path, "forward")) if part.forward else None
        if scheme is None:
            return None
        secrets = self._secrets(part, raw, scheme, path)
        options = self._options(part, scheme, (*path, "options"))
        if options is None:
            return None
        self._check_scheme(part.name, scheme, options, secrets, path)
        return self._source(part, secrets, options, forward)

    def _source(
        self, part: WebhookSourcePart, secrets: tuple[Secret, ...], options: Options, forward: Forward | None
    ) -> WebhookSource:
        return WebhookSource(
            name=part.name,
            scheme=part.scheme,
            secrets=secrets,
            integration=part.integration,
            provider=self._providers.get(part.integration, ""),
            tenant=part.tenant,
            tolerance=durations.seconds(part.tolerance.strip()),
            types=part.types,
            forward=forward,
            silence=durations.seconds(part.silence.strip()) if part.silence else 0.0,
            verify_token=part.verify_token or None,
            options=options,
            max_body_bytes=part.max_body_bytes,
        )

    def _check(self, part: WebhookSourcePart, path: Path) -> None:
        self.check_name(part.name, path)
        self.show(part.tenant, "the tenant of a source", (*path, "tenant"))
        self.add_all(path, globs(part.types, ("types",)))
        self.add_all(path, between(part.tolerance, 10.0, DAY, ("tolerance",)))
        if part.silence is not None:
            self.add_all(path, between(part.silence, 60.0, 365 * DAY, ("silence",)))
        if part.integration and part.integration not in self._known:
            what = "a source names an integration that is not in this file"
            self.draft.add_error((*path, "integration"), what, suggestion(part.integration, self._known))

    def _secrets(
        self, part: WebhookSourcePart, raw: Mapping[str, Any], scheme: Scheme, path: Path
    ) -> tuple[Secret, ...]:
        secrets = self.secrets(part, raw, path)
        self._check_public(scheme, path)
        if part.verify_token is not None and scheme.challenge is None:
            what = f"the scheme {scheme.name} asks no verify_token"
            self.draft.add_error((*path, "verify_token"), what, "remove it")
        if secrets is None:
            return ()
        if scheme.needs_secret and not secrets:
            what = "the source has no secret, so anybody could send to it"
            self.draft.add_error(path, what, "add secrets: [...] or secrets_files: [...]")
        elif secrets and not scheme.needs_secret:
            what = f"the scheme {scheme.name} takes no secret: the sender publishes its keys"
            self.draft.add_error(path, what, "remove secret and secrets")
        return secrets

    def _check_public(self, scheme: Scheme, path: Path) -> None:
        if scheme.signs_url and not self._is_public:
            what = f"the scheme {scheme.name} signs the URL that it calls, and webhooks.public_url is missing"
            self.draft.add_error((*path, "scheme"), what, "add public_url: https://hooks.example.com")

    def _options(self, part: WebhookSourcePart, scheme: Scheme, path: Path) -> Options | None:
        validator = Validator(part_schema(scheme.options))
        raw = dict(part.options)
        found, _ = convert_section(self.converter(path), raw, scheme.options, validator, instead={})
        return found

    def _check_scheme(
        self, name: str, scheme: Scheme, options: Options, secrets: tuple[Secret, ...], path: Path
    ) -> None:
        for problem in scheme.problems(options, [secret.reveal() for secret in secrets]):
            what, _, remedy = problem.partition("; ")
            self.draft.add_error(path, what, remedy)
        if advice := scheme.advice(options):
            self.draft.context.notes.append(f"the webhook source {name} {advice}")

    def _forward(self, part: ForwardPart, path: Path) -> Forward:
        self.add_all(path, receiver_address(part.url, ("url",)))
        self.add_all(path, between(part.timeout, 0.1, LONGEST_TIMEOUT, ("timeout",)))
        limits = self.limits(part, part.retry, part.timeout, path)
        tls = trusting(part, self.ca_file).tls if self.ca_file else part.tls
        return Forward(part.url, limits.retry.timeout, limits, tls)

    @cached_property
    def _validator(self) -> Validator:
        return Validator(source_schema(self.draft.context.catalogue))
