"""What sources and endpoints have in common: names, secrets, limits."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from exporter.config import durations, rates
from exporter.config.document.context import Path, Public
from exporter.config.document.convert import Converter
from exporter.config.document.credentials import hidden_texts
from exporter.config.document.values import is_missing
from exporter.config.draft import Draft
from exporter.config.layout_webhooks import LimitsPart, RetryPart, WebhookEndpointPart, WebhookSourcePart
from exporter.config.public import SURE
from exporter.config.sections.webhooks.checks import DAY, WebhookIssue, between
from exporter.core.delivery import EndpointLimits, RetryPolicy
from exporter.core.quoting import has_credential_form, is_plain_key
from exporter.core.secret import Secret

LONGEST_TIMEOUT = 120.0
LONGEST_RETRY = 30 * DAY
SECRET_KEYS = ("secret", "secret_file", "secrets", "secrets_files")


class PartReader:
    """Reads the elements of one list below `webhooks`; `key` is that of the list."""

    key = ""

    def __init__(self, draft: Draft) -> None:
        """Add mistakes to `draft`."""
        self.draft = draft
        self.ca_file: str = draft.values["defaults"].tls.ca_file
        self._names: dict[str, Path] = {}

    def path(self, index: int) -> Path:
        """Return the path of an element, from the top of the file."""
        return ("webhooks", self.key, index)

    def converter(self, path: Path) -> Converter:
        """Return what fits the values at `path`."""
        return Converter(self.draft.context, self.draft.source, prefix=path)

    def add_all(self, path: Path, issues: Iterable[WebhookIssue]) -> None:
        """Add mistakes below `path`."""
        for below, what, remedy in issues:
            self.draft.add_error((*path, *below), what, remedy)

    def check_name(self, name: str, path: Path) -> None:
        """Refuse a name that is taken, and remember that everybody sees it."""
        here = (*path, "name")
        self.show(name, "the name of a webhook", here)
        first = self._names.setdefault(name, path)
        if first != path:
            line = self.draft.source.place((*first, "name"))[1]
            shown = f"the name {name}" if is_plain_key(name) else "the name"
            self.draft.add_error(here, f"{shown} is taken by line {line}", "choose another name")
        elif "\n" in name:  # the pattern's $ lets a trailing line break through
            self.draft.add_error(here, "the name has a line break", "write it on one line")

    def show(self, text: str, what: str, path: Path) -> None:
        """Remember that `text` is public: it may hold no credential."""
        if len(text) >= SURE:
            place = partial(self.draft.source.place, path)
            self.draft.context.public.append(Public(text, what, place))

    def hide(self, url: str) -> None:
        """Keep the parts of a receiver's URL out of logs where they look like a credential."""
        if has_credential_form(url):
            self.draft.context.hidden.update(hidden_texts(url, sure=False))

    def secrets(
        self, part: WebhookSourcePart | WebhookEndpointPart, raw: Mapping[str, Any], path: Path
    ) -> tuple[Secret, ...] | None:
        """Return the secrets, None where one was written that could not be had; an empty one is a mistake."""
        if part.secret is not None and part.secrets:
            remedy = "keep one of them: secrets holds several"
            self.draft.add_error((*path, "secret"), "both secret and secrets are given", remedy)
        own = (part.secret,) if part.secret is not None else ()
        found = (*own, *part.secrets)
        if any(map(is_missing, found)) or (not found and any(raw.get(key) for key in SECRET_KEYS)):
            return None
        if not all(found):
            self.draft.add_error(path, "a secret is empty", "set it, or remove it from the list")
            return None
        return tuple(dict.fromkeys(found))

    def limits(
        self, part: LimitsPart, retry: RetryPart, timeout: str, path: Path, disable_after: str = "0"
    ) -> EndpointLimits:
        """Return what a receiver may be asked; `path` is that of `part`, without its mistakes."""
        count, per = self._rate(part, path)
        policy = RetryPolicy(
            retry.attempts, durations.seconds(retry.max_age.strip()), durations.seconds(timeout.strip())
        )
        self.add_all(path, between(retry.max_age, 1.0, LONGEST_RETRY, ("retry", "max_age")))
        return EndpointLimits(
            concurrency=1 if part.ordered else part.concurrency,
            rate=count,
            per=per,
            ordered=part.ordered,
            retry=policy,
            disable_after=durations.seconds(disable_after.strip()),
        )

    def _rate(self, part: LimitsPart, path: Path) -> tuple[int, float]:
        if part.rate is None:
            return 0, 1.0
        try:
            return rates.rate(part.rate.strip())
        except ValueError as error:
            what, _, remedy = str(error).partition("; ")
            self.draft.add_error((*path, "rate"), what, remedy)
            return 0, 1.0
