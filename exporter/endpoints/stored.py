"""Endpoints in the store, with what is secret encrypted; every method blocks: call it off the loop."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from exporter.core.endpoint import EndpointFacts, ModeChange
from exporter.core.errors import StoreError
from exporter.core.secret import Secret
from exporter.endpoints.body import EndpointBody, parse, split
from exporter.endpoints.entry import SigningSecret
from exporter.store.database import Database
from exporter.store.encryption import Seals
from exporter.store.subjects import webhook_endpoints as subject
from exporter.store.subjects.webhook_endpoints import EndpointRow

MOST_SECRETS = 4
"""Secrets that sign at one time; each adds 50 bytes to every delivery."""


@dataclass(frozen=True)
class StoredEndpoint:
    """An endpoint that was made by API; times are Unix seconds."""

    body: EndpointBody
    secrets: tuple[SigningSecret, ...]
    created: float
    changed: float


@dataclass(frozen=True)
class StoreView:
    """What the store has of endpoints; `unreadable` are names that no key opens."""

    endpoints: tuple[StoredEndpoint, ...]
    modes: dict[str, ModeChange]
    facts: dict[str, EndpointFacts]
    unreadable: tuple[str, ...] = ()


class EndpointStore:
    """Keeps endpoints in `database`, encrypted by `seals`; raises StoreError."""

    def __init__(self, database: Database, seals: Seals) -> None:
        """Prepare it; nothing is opened yet."""
        self._database = database
        self._seals = seals
        self._opened: dict[str, tuple[float, StoredEndpoint]] = {}

    @property
    def keeps_secrets(self) -> bool:
        """Whether endpoints can be kept at all."""
        return bool(self._seals)

    def exchange_keys(self, seals: Seals) -> None:
        """Encrypt by other keys from now on."""
        self._seals = seals
        self._opened = {}

    def load(self) -> StoreView:
        """Return everything; what was read before and has not changed is not decrypted again."""
        with self._database.attach() as connection:
            found = subject.load(connection)
        known, opened = self._opened, {}
        unreadable: list[str] = []
        for row in found.rows:
            before = known.get(row.name)
            try:
                endpoint = before[1] if before and before[0] == row.changed else self._open(row)
            except (StoreError, ValueError, KeyError):
                unreadable.append(row.name)
            else:
                opened[row.name] = (row.changed, endpoint)
        self._opened = opened
        endpoints = tuple(endpoint for _, endpoint in opened.values())
        return StoreView(endpoints, found.modes, found.facts, tuple(unreadable))

    def create(self, endpoint: StoredEndpoint) -> bool:
        """Add an endpoint; return whether its name was free."""
        row = self._seal(endpoint)
        with self._database.attach(writes=True) as connection:
            return subject.create(connection, row)

    def change(self, endpoint: StoredEndpoint, known: float) -> bool:
        """Write an endpoint over the one that was changed at `known`; return whether that is still there."""
        row = self._seal(endpoint)
        with self._database.attach(writes=True) as connection:
            return subject.change(connection, row, known)

    def remove(self, name: str) -> bool:
        """Delete an endpoint; return whether it was there."""
        with self._database.attach(writes=True) as connection:
            return subject.remove(connection, name)

    def write_mode(self, changed: ModeChange) -> None:
        """Keep what was decided about an endpoint."""
        with self._database.attach(writes=True) as connection:
            subject.write_mode(connection, changed)

    def encrypt_again(self) -> int:
        """Encrypt by the first key what an older one encrypted; return how many rows that were."""
        if not self._seals:
            return 0
        with self._database.attach(writes=True) as connection:
            return subject.encrypt_again(connection, self._seals.renew)

    def _seal(self, endpoint: StoredEndpoint) -> EndpointRow:
        settings, hidden = split(endpoint.body)
        hidden["secrets"] = [[one.value.reveal(), one.until] for one in endpoint.secrets]
        return EndpointRow(
            name=endpoint.body.name,
            tenant=endpoint.body.tenant,
            settings=json.dumps(settings),
            sealed=self._seals.encrypt(json.dumps(hidden).encode()),
            created=endpoint.created,
            changed=endpoint.changed,
        )

    def _open(self, row: EndpointRow) -> StoredEndpoint:
        hidden: dict[str, Any] = json.loads(self._seals.decrypt(row.sealed))
        secrets = tuple(SigningSecret(Secret(text), until) for text, until in hidden.pop("secrets"))
        values = json.loads(row.settings) | hidden | {"name": row.name, "tenant": row.tenant}
        return StoredEndpoint(parse(values), secrets, row.created, row.changed)


def rotate(
    secrets: Sequence[SigningSecret], new: Secret, now: float, overlap: float
) -> tuple[SigningSecret, ...]:
    """Return `secrets` with `new` in front; others sign for `overlap` seconds more."""
    end = now + overlap
    old = (
        SigningSecret(one.value, end if one.until is None else min(end, one.until))
        for one in secrets
        if one.value != new and (one.until is None or one.until > now)
    )
    return (SigningSecret(new), *(one for one in old if overlap > 0))[:MOST_SECRETS]
