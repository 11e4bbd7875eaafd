"""Any order of what replicas do: nothing accepted is lost, nothing is owned by two, nothing ends twice."""

import tempfile
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from exporter.core.breaker import AttemptReport
from exporter.core.delivery import Attempt, Delivery, DeliveryState
from exporter.store import claims, outcomes
from exporter.store.claims import Claim, Turn
from exporter.store.database import Database
from exporter.store.outcomes import Outcome
from exporter.store.retries import RetryChoice, RetryPortion, numbers_of, retry
from tests.outbox.parcels import KIND, NOW, parcel, put, rows

OWNERS = st.sampled_from("ab")
STATES = st.sampled_from(DeliveryState)


class Replicas(RuleBasedStateMachine):
    """Two replicas on one store; `held` is what each believes it has, `ended` what came of deliveries."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = Database(f"sqlite:///{self.folder.name}/state.db")
        self.store.open()
        self.held: dict[str, dict[str, Delivery]] = {"a": {}, "b": {}}
        self.frozen: dict[str, dict[str, Delivery]] = {"a": {}, "b": {}}
        self.accepted: set[str] = set()
        self.ended: dict[str, DeliveryState] = {}
        self.now = NOW

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(
        number=st.integers(0, 12), endpoint=st.sampled_from(("crm", "mail")), owner=st.sampled_from(("", "a"))
    )
    def accept(self, number: int, endpoint: str, owner: str) -> None:
        made = parcel(f"{number}", endpoint)
        (new,) = put(self.store, [made], owner)
        assert new == (made.id not in self.accepted)
        self.accepted.add(made.id)
        if new and owner:
            self.held[owner][made.id] = made

    @rule(owner=OWNERS)
    def claim(self, owner: str) -> None:
        with self.store.writing() as connection:
            self._take(owner, claims.claim(connection, Claim(KIND, owner, self.now, 3)))

    @rule(owner=OWNERS, ordered=st.booleans())
    def take_turn(self, owner: str, ordered: bool) -> None:  # hypothesis hands it over
        with self.store.writing() as connection:
            for name in claims.lanes_in_turn(connection, KIND, self.now):
                turn = Turn((KIND, name), owner, self.now, 2, ordered=ordered)
                self._take(owner, claims.take_turn(connection, turn))

    def _take(self, owner: str, found: Iterable[Delivery]) -> None:
        for one in found:
            assert not any(one.id in held for held in self.held.values()), "owned by two"
            assert one.id not in self.ended
            self.held[owner][one.id] = one

    @precondition(lambda self: any(self.held.values()))
    @rule(owner=OWNERS, state=STATES, works=st.booleans(), data=st.data())
    def settle(self, owner: str, state: DeliveryState, works: bool, data: st.DataObject) -> None:  # as above
        if not self.held[owner]:
            return
        one = self.held[owner].pop(data.draw(st.sampled_from(sorted(self.held[owner]))))
        assert self._record(one, owner, state, works=works)
        if state is not DeliveryState.WAITING:
            self.ended[one.id] = state

    @rule(owner=OWNERS)
    def freeze(self, owner: str) -> None:
        """Its lease expires: others may have what it carried, and it does not know."""
        with self.store.writing() as connection:
            while claims.free(connection, owner):
                pass
        self.frozen[owner] |= self.held[owner]
        self.held[owner] = {}

    @rule(owner=OWNERS, state=STATES)
    def thaw(self, owner: str, state: DeliveryState) -> None:
        """It reports what it had under way, by the name that its lease had."""
        for one in self.frozen[owner].values():
            if one.id not in self.held[owner]:
                assert not self._record(one, owner, state, works=True)
        self.frozen[owner] = {}

    def _record(self, one: Delivery, owner: str, state: DeliveryState, *, works: bool) -> bool:
        done = replace(one, state=state, attempts=one.attempts + 1)
        made = Attempt(one.id, done.attempts, self.now, 0.1)
        report = AttemptReport(self.now, works, in_turn=True)
        with self.store.writing() as connection:
            (found,) = outcomes.record(connection, [Outcome(done, owner, made, report)])
        return found.owned

    @rule(seconds=st.floats(1.0, 400.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        with self.store.writing() as connection:
            claims.expire(connection, self.now)
        for name in rows(self.store, "delivery", "delivery WHERE reason = 'expired' AND state = 'dead'"):
            self.ended[name] = DeliveryState.DEAD

    @rule()
    def retry_all(self) -> None:
        with self.store.writing() as connection:
            numbers = tuple(numbers_of(connection, RetryChoice(kinds=frozenset({KIND}))))
            retry(connection, [RetryPortion(numbers, "ann", self.now)])
        self.ended = {name: state for name, state in self.ended.items() if state is not DeliveryState.DEAD}

    @rule(seconds=st.floats(0.0, 1000.0))
    def retain(self, seconds: float) -> None:
        self.store.retain({"webhooks": seconds}, self.now)
        left = set(rows(self.store, "delivery"))
        assert self.accepted - left <= self.ended.keys(), "only what is finished is deleted"
        self.accepted &= left
        self.ended = {name: state for name, state in self.ended.items() if name in left}

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        found = {name: (state, owner) for name, state, owner in rows(self.store, "delivery, state, owner")}
        assert found.keys() == self.accepted
        owners = {name: owner for owner, held in self.held.items() for name in held}
        for name, (state, owner) in found.items():
            assert state == self.ended.get(name, DeliveryState.WAITING).value
            assert owner == owners.get(name, "")


TestReplicas = Replicas.TestCase
TestReplicas.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
