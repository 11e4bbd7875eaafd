"""A webhook is believed by its signature, stored once, and only then answered with 200."""

import hashlib
from dataclasses import replace

import pytest

from exporter.core import webhook_metrics as m
from exporter.core.delivery import Attempt, Delivery, DeliveryState
from exporter.core.forwarding import FORWARD, RECEIVED
from exporter.core.signature import Refusal, SignatureError
from exporter.core.webhook import Webhooks
from exporter.ingest.senders import MOST_ADDRESSES, MOST_REFUSALS, WINDOW, RefusedSenders
from exporter.ingest.webhooks import WebhookIntake
from tests.ingest.intake import (
    NOW,
    SECRET,
    Stand,
    forged,
    github,
    github_request,
    stripe,
    stripe_request,
)

CODE = ("code", "http", "", "github")


async def test_a_genuine_webhook_is_stored_to_be_forwarded_as_it_came() -> None:
    stand = Stand(github(types=("push",)))
    request = github_request(more=(("X-Note", "\xe9"), ("x-note", "again"), ("Connection", "close, X-Hop")))
    request = replace(request, headers=(*request.headers, ("X-Hop", "1")))
    assert await stand.send(request) == 200
    found = stand.only
    number = f"sha256:{hashlib.sha256(request.body).hexdigest()}"
    assert (found.kind, found.endpoint, found.message_id, found.type) == (FORWARD, "github", number, "push")
    assert (found.body, found.state, found.due) == (request.body, DeliveryState.WAITING, NOW)
    ours = [line for line in found.headers if line[0].startswith("X-Integration-Exporter-")]
    assert dict(ours) == {
        "X-Integration-Exporter-Source": "github",
        "X-Integration-Exporter-Event": number,
        "X-Integration-Exporter-Received": "1795000000.000",
        "X-Integration-Exporter-Url": "https://hooks.example.com/webhooks/github",
    }
    kept = [line for line in found.headers if line not in ours and line[0] != "traceparent"]
    assert kept == [
        line for line in request.headers if line[0].lower() not in ("host", "connection", "x-hop")
    ]


async def test_a_trace_of_the_sender_is_the_only_one_and_ours_has_the_right_form() -> None:
    stand = Stand(github())
    theirs = ("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    await stand.send(github_request(delivery="a", more=(theirs,)))
    await stand.send(github_request(delivery="b"))
    first, second = stand.store.deliveries.values()
    traces = [[line for line in one.headers if line[0].lower() == "traceparent"] for one in (first, second)]
    assert traces[0] == [theirs]
    ((_, ours),) = traces[1]
    version, trace, span, flags = ours.split("-")
    assert (version, len(trace), len(span), flags) == ("00", 32, 16, "01")


async def test_a_header_that_poses_as_ours_does_not_go_on() -> None:
    stand = Stand(github())
    await stand.send(github_request(more=(("x-integration-exporter-source", "stripe"),)))
    sources = [v for k, v in stand.only.headers if k.lower() == "x-integration-exporter-source"]
    assert sources == ["github"]


async def test_without_forward_it_is_stored_as_received() -> None:
    stand = Stand(github(forward=None))
    assert await stand.send(github_request()) == 200
    assert (stand.only.kind, stand.only.state) == (RECEIVED, DeliveryState.DELIVERED)
    assert stand.value(m.EVENTS, *CODE, "inbound") == 1.0
    assert stand.value(m.CONSECUTIVE_FAILURES, *CODE, "inbound") == 0.0


async def test_a_duplicate_is_answered_200_and_stored_once() -> None:
    stand = Stand(github(types=("push",)))
    assert [await stand.send(github_request()) for _ in range(3)] == [200] * 3
    assert len(stand.store.deliveries) == 1
    assert stand.value(m.DUPLICATES, *CODE) == 2.0
    assert stand.value(m.RECEIVED, *CODE, "push") == 1.0
    assert len(stand.hastened) == 1


async def test_without_an_id_equal_bodies_are_one_webhook() -> None:
    stand = Stand(github())
    for body in (b"one", b"one", b"two"):
        assert await stand.send(github_request(body, delivery="")) == 200
    ids = {one.message_id for one in stand.store.deliveries.values()}
    assert ids == {f"sha256:{hashlib.sha256(body).hexdigest()}" for body in (b"one", b"two")}


async def test_the_id_that_the_sender_signs_is_what_duplicates_are_known_by() -> None:
    stand = Stand(stripe())
    for kind in ("charge.failed", "charge.succeeded"):
        assert await stand.send(stripe_request(kind), "stripe") == 200
    assert stand.only.message_id == "evt_1" and stand.only.type == "charge.failed"


@pytest.mark.parametrize("number", ["a" * 201, "h\xe9"])
async def test_an_odd_id_goes_by_its_hash(number: str) -> None:
    stand = Stand(stripe())
    assert await stand.send(stripe_request("charge.failed", number), "stripe") == 200
    assert stand.only.message_id.startswith("id-sha256:")


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"no json", b"a=1&b=2", b"[" * 5000])
async def test_a_body_that_is_not_json_is_stored_all_the_same(body: bytes) -> None:
    stand = Stand(github())
    assert await stand.send(github_request(body)) == 200
    assert stand.only.body == body


async def test_what_cannot_be_stored_is_answered_503_and_counts_as_nothing() -> None:
    stand = Stand(github(types=("push",)))
    stand.store.broken = True
    source = stand.intake.source("github")
    assert source is not None
    answer = await stand.intake.receive(source, github_request())
    assert answer.status == 503 and answer.retry_after
    assert stand.value(m.RECEIVED, *CODE, "push") is None and stand.hastened == []
    stand.store.broken = False
    assert await stand.send(github_request()) == 200
    assert stand.value(m.DUPLICATES, *CODE) == 0.0


async def test_types_that_no_list_names_are_one_label() -> None:
    stand = Stand(github(types=("pull_*",)))
    for number, event in enumerate(("pull_request", "pull_request_review", "push", "x" * 300)):
        await stand.send(github_request(delivery=str(number), event=event))
    assert stand.value(m.RECEIVED, *CODE, "pull_request") == 1.0
    assert stand.value(m.RECEIVED, *CODE, "pull_request_review") == 1.0
    assert stand.value(m.RECEIVED, *CODE, m.OTHER) == 2.0


async def test_a_forged_webhook_is_refused_counted_and_in_the_audit() -> None:
    stand = Stand(github())
    assert await stand.send(forged()) == 401
    assert stand.store.deliveries == {} and stand.hastened == []
    assert stand.value(m.SIGNATURE_FAILURES, *CODE, "mismatch") == 1.0
    (entry,) = stand.entries
    assert (entry.action, entry.resource, entry.outcome) == ("webhook.refused", "source:github", "refused")
    assert (entry.address, entry.details["reason"]) == ("192.0.2.66", "mismatch")
    assert entry.user_agent == "GitHub-Hookshot/044aadd"
    assert SECRET not in str(entry) and "sha256=" not in str(entry)


async def test_genuine_webhooks_are_in_the_audit_too_and_a_burst_is_one_entry_with_its_number() -> None:
    stand = Stand(github())
    for number in (1, 2, 3, 4, 5, 5):
        await stand.send(github_request(delivery=f"d-{number}"))
    stand.audit.sweep(everything=True)
    found = [(one.actor, one.action, one.outcome, one.count, one.details["new"]) for one in stand.entries]
    assert found == [
        ("source:github", "webhook.verified", "success", 1, True),
        ("source:github", "webhook.verified", "success", 1, False),
        ("source:github", "webhook.verified", "success", 4, True),
    ]
    assert stand.entries[0].integration == "code" and stand.entries[0].address


async def test_a_request_without_a_signature_is_a_bad_request() -> None:
    stand = Stand(github())
    good = github_request()
    bare = replace(good, headers=tuple(line for line in good.headers if "Signature" not in line[0]))
    assert await stand.send(bare) == 400
    assert stand.value(m.SIGNATURE_FAILURES, *CODE, "missing") == 1.0


async def test_an_old_signature_is_refused() -> None:
    stand = Stand(stripe())
    assert await stand.send(stripe_request("charge.failed", at=NOW - 301), "stripe") == 401
    assert stand.value(m.SIGNATURE_FAILURES, "payments", "stripe", "", "stripe", "stale") == 1.0


async def test_a_key_that_cannot_be_had_is_our_trouble_and_counts_against_nobody() -> None:
    stand = Stand(github())

    async def verify(_request: object, _trust: object) -> None:
        raise SignatureError(Refusal.KEY_UNAVAILABLE, "the keys are not there")

    schemes = dict(stand.intake._schemes)
    schemes["github"] = replace(schemes["github"], verify=verify)  # type: ignore[arg-type]  # it only raises
    stand.intake = WebhookIntake(stand.store, schemes, stand.intake._fetch, stand.series, stand.audit)
    stand.intake.apply(Webhooks("", (github(),)))
    assert [await stand.send(github_request()) for _ in range(2 * MOST_REFUSALS)] == [503] * 40


async def test_a_flood_of_forged_ones_meets_429_and_a_genuine_one_of_that_address_does_not() -> None:
    stand = Stand(github())
    answers = [await stand.send(forged()) for _ in range(MOST_REFUSALS + 5)]
    assert answers == [401] * MOST_REFUSALS + [429] * 5
    assert await stand.send(github_request(address="192.0.2.66")) == 200
    assert await stand.send(forged("192.0.2.67")) == 401
    actions = [entry.action for entry in stand.entries]
    assert actions.count("webhook.address_limited") == 1 and actions.count("webhook.refused") == 2
    stand.now += WINDOW
    assert await stand.send(forged()) == 401


async def test_a_burst_of_a_vendor_never_meets_429() -> None:
    stand = Stand(github())
    assert {await stand.send(github_request(delivery=str(n))) for n in range(500)} == {200}


def test_addresses_are_remembered_in_bounded_number_and_by_their_network() -> None:
    senders = RefusedSenders()
    for number in range(2 * MOST_ADDRESSES):
        senders.count(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
    assert len(senders) == MOST_ADDRESSES
    counts = [senders.count(f"2001:db8:1:2:{number:x}::1", 0.0) for number in range(3)]
    assert counts == [1, 2, 3]


async def test_a_verified_event_of_an_integration_is_passed_on_to_its_probe() -> None:
    stand = Stand(stripe(tenant="acme"))
    await stand.send(stripe_request("charge.dispute.created"), "stripe")
    assert stand.hastened == [("payments", "acme", "charge.dispute.created")]


def forwarded(stand: Stand, reason: str, at: float = NOW, seconds: float = 0.2) -> None:
    delivery = Delivery("webhook/github/d-1", FORWARD, "github", b"", NOW, NOW + 9)
    stand.series.attempt(delivery, Attempt(delivery.id, 1, at, seconds, reason=reason))


async def test_attempts_of_the_app_are_events_with_failures_in_a_row_and_a_duration() -> None:
    stand = Stand(github())
    for reason in ("timeout", "vendor_error", "vendor_error"):
        forwarded(stand, reason)
    inbound = (*CODE, "inbound")
    assert stand.value(m.EVENTS, *inbound) == 3.0
    assert stand.value(m.EVENT_FAILURES, *inbound, "vendor_error") == 2.0
    assert stand.value(m.CONSECUTIVE_FAILURES, *inbound) == 3.0
    assert stand.value(m.DELIVERY_FAILURES, *inbound, "timeout") == 1.0
    forwarded(stand, "")
    assert stand.value(m.CONSECUTIVE_FAILURES, *inbound) == 0.0
    assert stand.value(m.DELIVERIES, *inbound) == 4.0
    took = stand.value(m.PROCESSING_DURATION, "code", "http", "github", "inbound")
    assert took is not None and not isinstance(took, float) and (took.count, took.sum) == (1, 0.2)


async def test_attempts_at_a_receiver_are_outbound_and_belong_to_its_tenant() -> None:
    stand = Stand(github())
    delivery = Delivery("x", "deliver", "acme-crm", b"", NOW, NOW + 9, tenant="acme")
    stand.series.attempt(delivery, Attempt("x", 1, NOW, 0.1))
    assert stand.value(m.DELIVERIES, "", "", "acme", "acme-crm", "outbound") == 1.0
    assert stand.value(m.LAST_EVENT, "", "", "acme", "acme-crm", "outbound") == NOW
    stand.intake.apply(Webhooks())
    assert stand.value(m.EVENTS, "", "", "acme", "acme-crm", "outbound") == 1.0


async def test_series_of_a_source_begin_at_zero_and_go_with_it() -> None:
    stand = Stand(github(silence=3600.0))
    assert stand.value(m.SIGNATURE_FAILURES, *CODE, "mismatch") == 0.0
    assert stand.value(m.EVENT_FAILURES, *CODE, "inbound", "timeout") == 0.0
    assert stand.value(m.SILENCE_LIMIT, *CODE) == 3600.0
    await stand.send(github_request())
    stand.intake.apply(Webhooks("", (github(integration="other", silence=0.0),)))
    assert stand.value(m.LAST_EVENT, *CODE, "inbound") is None
    other = ("other", "http", "", "github")
    assert stand.value(m.EVENTS, *other, "inbound") == 0.0 and stand.value(m.SILENCE_LIMIT, *other) is None


async def test_a_source_that_a_reload_took_away_is_not_found_and_the_new_secret_holds() -> None:
    stand = Stand(github())
    old = stand.intake.source("github")
    assert old is not None
    stand.intake.apply(Webhooks("", ()))
    assert (await stand.intake.receive(old, github_request())).status == 404
    assert stand.intake.source("github") is None
