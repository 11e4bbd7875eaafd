"""Where actors were seen before: from the store, so that a restart, or another replica, knows it too."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from exporter.core.audit import Novelty, SignIn
from exporter.store.chain import place_hash
from exporter.store.subjects.audit_people import PLACE

MOST_PLACES = 50_000
"""Places that a process remembers; others it asks the store for."""

MOST_WHOLE = 10_000
"""Actors with address and country that are known as a whole; then all of these are learned again."""

DAY = 86_400.0
"""Seconds after which it is written again that an actor was seen somewhere: retention goes by that."""

PORTION = 500
"""Values of one statement."""

KINDS = ("address", "country")

_Who = tuple[str, str, str]


class _Sight(NamedTuple):
    """An actor at a place of one kind, as the keyed hash of both."""

    who: _Who
    """Tenant, actor and kind: hashed only where the place is not known."""
    place: bytes
    at: float


class KnownPlaces:
    """Learns places from what succeeded, and says which are new for an actor who has others."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        # By the hash of the place, the time at which the store has it, as far as this process read it.
        self._seen: OrderedDict[bytes, float] = OrderedDict()
        # What the transaction of the moment added: it may be rolled back.
        self._unsure: set[bytes] = set()
        # Who was at which address and in which country, by the time of the older of both in the store.
        self._whole: dict[tuple[str, ...], float] = {}

    def begin(self) -> None:
        """Take notice that the transaction of before has ended."""
        self._unsure.clear()

    def clear(self) -> None:
        """Forget what is remembered; the store has it."""
        self._seen.clear()
        self._whole.clear()

    def learn(self, connection: Connection, secret: bytes, sign_ins: Sequence[SignIn]) -> list[Novelty]:
        """Keep where actors were seen; return of each whether it is new. The head of the chain is locked."""
        # Nearly all are where they were a moment ago: nothing is hashed for these.
        open_ones = [(place, one) for place, one in enumerate(sign_ins) if not self._is_known(one)]
        novelties = [Novelty()] * len(sign_ins)
        if open_ones:
            found = self._learn(connection, secret, [one for _, one in open_ones])
            for (place, _), novelty in zip(open_ones, found, strict=True):
                novelties[place] = novelty
        return novelties

    def _learn(self, connection: Connection, secret: bytes, sign_ins: Sequence[SignIn]) -> list[Novelty]:
        sights = [dict(_sights(secret, one)) for one in sign_ins]
        every = [sight for one in sights for sight in one.values()]
        unknown = [sight for sight in every if not self._is_fresh(sight)]
        if not unknown:
            self._remember(sign_ins, sights)
            return [Novelty()] * len(sign_ins)
        known = self._read(connection, unknown)
        strange = dict.fromkeys(sight.who for sight in unknown if sight.place not in known)
        hashes = {who: place_hash(secret, *who) for who in strange}
        read = _known_actors(connection, list(hashes.values()))
        actors = {who for who, hashed in hashes.items() if hashed in read}
        new: dict[bytes, _Sight] = {}
        found = [self._novelty(one, known, actors, new) for one in sights]
        if new:
            rows = [{"actor": hashes[one.who], "place": one.place, "at": one.at} for one in new.values()]
            connection.execute(insert(PLACE), rows)
            self._unsure.update(new)
        return found

    def forget(self, connection: Connection, secret: bytes, actors: Iterable[tuple[str, str]]) -> None:
        """Delete where actors were seen, given as (tenant, actor)."""
        hashes = [place_hash(secret, *actor, kind) for actor in actors for kind in KINDS]
        connection.execute(delete(PLACE).where(PLACE.c.actor.in_(hashes)))

    def _is_known(self, one: SignIn) -> bool:
        seen = self._whole.get((one.tenant, one.actor, one.address, one.country))
        return seen is not None and one.at - seen < DAY

    def _remember(self, sign_ins: Sequence[SignIn], sights: Sequence[dict[str, _Sight]]) -> None:
        if len(self._whole) >= MOST_WHOLE:
            self._whole.clear()
        for one, of_one in zip(sign_ins, sights, strict=True):
            if of_one:
                seen = min(self._seen[sight.place] for sight in of_one.values())
                self._whole[one.tenant, one.actor, one.address, one.country] = seen

    def _is_fresh(self, sight: _Sight) -> bool:
        seen = self._seen.get(sight.place)
        return seen is not None and sight.at - seen < DAY

    def _novelty(
        self, one: dict[str, _Sight], known: set[bytes], actors: set[_Who], new: dict[bytes, _Sight]
    ) -> Novelty:
        found = {}
        for kind, sight in one.items():
            if sight.place not in known and sight.place not in new and not self._is_fresh(sight):
                # The first place of all is where somebody is at home.
                found[kind] = sight.who in actors
                new[sight.place] = sight
                actors.add(sight.who)
        return Novelty(**found)

    def _read(self, connection: Connection, sights: Sequence[_Sight]) -> set[bytes]:
        """Return which of the places the store has; what it had for more than a day is written again."""
        at = {sight.place: sight.at for sight in sights}
        found: dict[bytes, float] = {}
        for part in _portions(list(at)):
            rows = connection.execute(select(PLACE.c.place, PLACE.c.at).where(PLACE.c.place.in_(part)))
            found.update(rows.all())
        old = [place for place, time in found.items() if at[place] - time >= DAY]
        for part in _portions(old):
            newest = max(at[place] for place in part)
            connection.execute(update(PLACE).where(PLACE.c.place.in_(part)).values(at=newest))
        sure = found.keys() - self._unsure
        self._seen.update((place, max(found[place], at[place])) for place in sure)
        while len(self._seen) > MOST_PLACES:
            self._seen.popitem(last=False)
        return set(found)


def _sights(secret: bytes, one: SignIn) -> Iterator[tuple[str, _Sight]]:
    if one.failed or not one.actor:
        return
    for kind, place in zip(KINDS, (one.address, one.country.upper()), strict=True):
        if place:
            who = (one.tenant, one.actor, kind)
            yield kind, _Sight(who, place_hash(secret, *who, place), one.at)


def _known_actors(connection: Connection, actors: Sequence[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    for part in _portions(actors):
        query = select(PLACE.c.actor).where(PLACE.c.actor.in_(part)).distinct()
        found.update(connection.execute(query).scalars())
    return found


def _portions(values: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for place in range(0, len(values), PORTION):
        yield values[place : place + PORTION]
