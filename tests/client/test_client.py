import json
import logging
import os
import socket
import ssl
import subprocess
import sys
import threading
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exporter import registry
from exporter.client import Client
from exporter.client.batch import MOST_BYTES, MOST_EVENT_BYTES, encode
from exporter.client.kinds import Kinds
from tests.client.receiver import TOKEN, Receiver, receiving
from tests.servers.authority import Authority
from tests.waiting import PATIENCE, until_true


def test_every_kind_has_a_method_and_its_fields_arrive(client: Client, receiver: Receiver) -> None:
    kinds = registry.events()
    for name, kind in kinds.items():
        getattr(client, name)(**kind.example)
    client.payment("declined", amount=12.5, currency="EUR", decline_code="lost_card", tenant="acme")
    client.api_request("/orders/{id}", "GET", 200, 0.05, trace_id="a" * 32)
    client.audit("ann@example.com", "user.delete", resource="user/7", details={"why": "asked"})
    assert client.flush(PATIENCE)
    methods = {name for name in vars(Kinds) if not name.startswith("_") and name != "event"}
    assert {event["kind"] for event in receiver.events} == methods == set(kinds)
    for name, kind in kinds.items():
        assert kind.example.items() <= receiver.of_kind(name)[0].items()
    payment = receiver.of_kind("payment")[1]
    assert (payment["outcome"], payment["amount"], payment["tenant"]) == ("declined", 12.5, "acme")
    assert "provider" not in payment  # what is not given is not sent
    assert receiver.of_kind("audit")[1]["details"] == {"why": "asked"}
    assert len({event["id"] for event in receiver.events}) == len(kinds) + 3
    assert all(datetime.fromisoformat(event["at"]).tzinfo for event in receiver.events)


def test_id_tenant_and_time_may_be_given(receiver: Receiver) -> None:
    client = Client(receiver.url, TOKEN, tenant="acme")
    at = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
    client.payment("succeeded", id="pay_1", at=at)
    client.payment("succeeded", id="pay_2", at=at.timestamp(), tenant="beta")
    assert client.close(PATIENCE)
    assert [(e["id"], e["at"], e["tenant"]) for e in receiver.events] == [
        ("pay_1", "2026-11-28T12:00:00+00:00", "acme"),
        ("pay_2", "2026-11-28T12:00:00+00:00", "beta"),
    ]


def test_events_go_in_batches_over_one_connection(receiver: Receiver) -> None:
    client = Client(receiver.url, TOKEN, batch=100)
    for number in range(250):
        client.payment("succeeded", id=str(number))
    assert client.close(PATIENCE)
    assert [event["id"] for event in receiver.events] == [str(number) for number in range(250)]
    assert max(receiver.batches) <= 100
    assert len(receiver.connections) == 1
    assert client.statistics.sent == 250


def test_what_is_being_prepared_is_neither_sent_nor_out_of_sight(client: Client, receiver: Receiver) -> None:
    begun, end = threading.Event(), threading.Event()

    class Slow:
        def __str__(self) -> str:
            begun.set()
            end.wait(PATIENCE)
            return "12.50"

    client.event("payment", {"outcome": "succeeded", "amount": Slow()})
    assert begun.wait(PATIENCE)
    assert client.statistics.queued == 1 and not client.flush(0.0)
    end.set()
    assert client.flush(PATIENCE)
    assert (client.statistics.queued, client.statistics.sent) == (0, 1)


def test_a_full_batch_is_sent_before_the_interval_is_over(receiver: Receiver) -> None:
    client = Client(receiver.url, TOKEN, batch=10, interval=3600.0)
    for _ in range(10):
        client.payment("succeeded")
    until_true(lambda: sum(receiver.batches) >= 10)
    client.close()


def test_what_finds_no_room_is_dropped_and_counted_and_nobody_waits() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        client = Client(f"http://127.0.0.1:{closed.getsockname()[1]}", queue=50, batch=10, interval=0.01)
        for _ in range(200):
            client.payment("succeeded")
        found = client.statistics
        # A batch may have left the queue for the thread meanwhile.
        assert 50 <= found.queued <= 60
        assert found.dropped == 200 - found.queued
        until_true(lambda: client.statistics.failing)
        assert not client.close(0.1)


@pytest.mark.parametrize("status", [401, 403, 404, 408, 425, 429, 500, 502, 503])
def test_events_stay_until_a_passing_refusal_is_over(client: Client, receiver: Receiver, status: int) -> None:
    receiver.answers += [(status, {}, b"")] * 2
    client.payment("succeeded", id="pay_1")
    assert client.flush(PATIENCE)
    assert [event["id"] for event in receiver.events] == ["pay_1"]
    assert client.statistics.rejected == 0


@pytest.mark.parametrize("status", [400, 415, 422])
def test_a_batch_that_is_refused_for_good_is_counted_and_the_next_one_goes(
    client: Client, receiver: Receiver, status: int
) -> None:
    receiver.answers.append((status, {}, b""))
    client.payment("succeeded", id="bad")
    assert client.flush(PATIENCE)
    client.payment("succeeded", id="good")
    assert client.flush(PATIENCE)
    assert [event["id"] for event in receiver.events] == ["good"]
    assert (client.statistics.rejected, client.statistics.sent) == (1, 1)


def test_events_refused_one_by_one_are_counted(client: Client, receiver: Receiver) -> None:
    answer = {"accepted": 1, "rejected": [{"index": 0, "path": "/outcome", "reason": "unknown"}]}
    receiver.answers.append((207, {}, json.dumps(answer).encode()))
    client.payment("nonsense")
    client.payment("succeeded")
    assert client.flush(PATIENCE)
    assert (client.statistics.rejected, client.statistics.sent) == (1, 1)


def test_a_batch_that_is_too_large_goes_in_halves(receiver: Receiver) -> None:
    receiver.most = 30
    client = Client(receiver.url, TOKEN, batch=100)
    for number in range(100):
        client.payment("succeeded", id=str(number))
    assert client.close(PATIENCE)
    assert [event["id"] for event in receiver.events] == [str(number) for number in range(100)]
    assert max(receiver.batches) <= 30


def test_retry_after_is_kept(client: Client, receiver: Receiver) -> None:
    receiver.answers.append((429, {"Retry-After": "120"}, b""))
    client.payment("succeeded")
    until_true(lambda: client.statistics.failing)
    assert client._sender is not None
    assert 60.0 <= client._sender._wait <= 120.0
    assert receiver.events == []


def test_a_kept_connection_that_was_closed_costs_nothing(client: Client, receiver: Receiver) -> None:
    receiver.answers.append((202, {"Connection": "close"}, b""))
    client.payment("succeeded")
    assert client.flush(PATIENCE)
    client.payment("succeeded", id="second")
    assert client.flush(PATIENCE)
    assert [event["id"] for event in receiver.events] == ["second"]
    assert not client.statistics.failing


def test_a_change_of_state_is_logged_once(
    client: Client, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers += [(503, {}, b"")] * 3
    with caplog.at_level(logging.WARNING, "integration_exporter.client"):
        client.payment("succeeded")
        assert client.flush(PATIENCE)
    assert [record.message for record in caplog.records] == [
        "events do not reach the exporter: status 503",
        "events reach the exporter again",
    ]


class Explosive:
    def __str__(self) -> str:
        raise RuntimeError("boom")


@pytest.mark.parametrize("odd", [Explosive(), float("nan"), "x" * MOST_EVENT_BYTES, [[]]])
def test_an_event_that_cannot_be_sent_harms_no_other(client: Client, receiver: Receiver, odd: Any) -> None:
    if odd == [[]]:
        odd[0].append(odd)  # it holds itself
    client.audit("ann", "delete", details={"odd": odd}, id="bad")
    client.payment("succeeded", id="good")
    assert client.flush(PATIENCE)
    assert [event["id"] for event in receiver.events] == ["good"]
    assert (client.statistics.invalid, client.statistics.sent) == (1, 1)


def test_nothing_raises_whatever_is_given(client: Client) -> None:
    client.event("payment", None)  # type: ignore[arg-type]
    client.payment("succeeded", at=object())
    client.payment("succeeded", at=float("inf"))
    assert client.statistics.dropped == 3


def test_what_json_does_not_know_goes_as_text_or_number(client: Client, receiver: Receiver) -> None:
    client.audit(
        "ann", "pay", details={"sum": Decimal("1.5"), "day": datetime(2026, 11, 28, tzinfo=UTC).date()}
    )
    assert client.flush(PATIENCE)
    assert receiver.events[0]["details"] == {"sum": 1.5, "day": "2026-11-28"}


def test_bodies_stay_below_what_the_exporter_takes() -> None:
    events = [{"kind": "audit", "details": "x" * 10_000} for _ in range(200)]
    batches = encode(events)
    assert sum(map(len, batches)) == 200
    assert max(len(batch.body) for batch in batches) <= MOST_BYTES + 20_000


def test_without_an_address_nothing_happens() -> None:
    client = Client()
    client.payment("succeeded")
    assert not client.enabled
    assert client.flush(PATIENCE)
    assert client.statistics.queued == 0


def test_the_address_may_come_from_the_environment(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTEGRATION_EXPORTER_URL", receiver.url + "/")
    monkeypatch.setenv("INTEGRATION_EXPORTER_TOKEN", TOKEN)
    client = Client.from_environment(tenant="acme")
    client.payment("succeeded")
    assert client.close(PATIENCE)
    assert receiver.events[0]["tenant"] == "acme"


@pytest.mark.parametrize("url", ["exporter:10055", "ftp://exporter", "http://"])
def test_an_address_that_is_none_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="http://127"):
        Client(url)


def test_tls_is_verified(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with receiving(authority.server()) as receiver:
        trusting_nobody = Client(receiver.url, TOKEN)
        trusting_nobody.payment("succeeded", id="never")
        assert not trusting_nobody.close(0.5)
        client = Client(receiver.url, TOKEN, context=ssl.create_default_context(cafile=authority.ca_file))
        client.payment("succeeded", id="good")
        assert client.close(PATIENCE)
    assert [event["id"] for event in receiver.events] == ["good"]


PROCESS = """
import os, sys
from exporter.client import Client
client = Client(os.environ["URL"], os.environ["TOKEN"], interval=3600.0)
client.payment("succeeded", id="parent")
{code}
"""


def run(receiver: Receiver, code: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "URL": receiver.url, "TOKEN": TOKEN}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", PROCESS.format(code=code)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("code", ["", "sys.exit(3)", "raise RuntimeError('boom')"])
def test_a_process_that_ends_sends_what_waits(receiver: Receiver, code: str) -> None:
    run(receiver, code)
    assert [event["id"] for event in receiver.events] == ["parent"]


def test_a_forked_process_sends_its_own_events_and_not_those_of_its_parent(receiver: Receiver) -> None:
    code = """
pid = os.fork()
if pid == 0:
    client.payment("succeeded", id="child")
    client.close()
    os._exit(0)
os.waitpid(pid, 0)
"""
    # The thread of the client exists at the fork, as it does in an app: Python 3.12 warns of that.
    done = run(receiver, "import warnings; warnings.simplefilter('ignore')\n" + code)
    assert done.stderr == ""
    assert sorted(event["id"] for event in receiver.events) == ["child", "parent"]


def test_a_process_ends_soon_where_the_exporter_never_answers() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        receiver = Receiver(url=f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert run(receiver, "").returncode == 0


def test_the_client_needs_the_standard_library_alone() -> None:
    code = "import sys; import exporter.client; print(*sorted({n.partition('.')[0] for n in sys.modules}))"
    names = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    foreign = {name for name in names.stdout.split() if name not in sys.stdlib_module_names}
    assert foreign <= {"exporter", "__main__"}


def test_events_of_many_threads_all_arrive(receiver: Receiver) -> None:
    client = Client(receiver.url, TOKEN, interval=0.01)

    def report(thread: int) -> None:
        for number in range(200):
            client.payment("succeeded", id=f"{thread}-{number}")

    threads = [threading.Thread(target=report, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.close(PATIENCE)
    assert len({event["id"] for event in receiver.events}) == 1600
    assert len(receiver.events) == 1600
