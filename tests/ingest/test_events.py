import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter import registry
from exporter.core import webhook_metrics
from exporter.core.errors import StoreError
from exporter.core.event_metrics import DUPLICATES, EVENTS, REJECTED
from exporter.core.event_settings import EventSettings
from exporter.core.metric import HistogramValue
from exporter.core.secret import Secret
from exporter.core.store import Filter
from exporter.core.webhook import Forward, Webhooks, WebhookSource
from exporter.events import _ai_usage_series as ai_usage
from exporter.events import _api_request_series as api_request
from exporter.events import _payment_series as payment
from exporter.events import _rate_limit_series as rate_limit
from exporter.events import _traffic_series as traffic
from exporter.events import _widget_series as widget
from exporter.ingest.event_parser import MOST_EVENTS, BodyError
from exporter.ingest.events import IntakeResult
from exporter.store.subjects import audit, events
from tests.ingest.reporting import JOBS, JSON, MINIMAL, NOW, SETTINGS, Desk, configuration, desk, event

NDJSON, CLOUD, CLOUD_BATCH = (
    "application/x-ndjson",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as made:
        yield made


@pytest.mark.parametrize("kind", sorted(MINIMAL))
async def test_an_event_of_every_kind_is_taken_and_counted(kind: str, house: Desk) -> None:
    result = await house.send(event(kind))
    assert (result.accepted, result.rejected) == (1, [])
    assert house.value(EVENTS, kind) == 1


@pytest.mark.parametrize("kind", sorted(MINIMAL))
async def test_of_every_kind_a_repeated_id_counts_once(kind: str, house: Desk) -> None:
    first = await house.send(event(kind, id="one"), event(kind, id="one"))
    again = await house.send(event(kind, id="one"), event(kind, id="two"))
    assert (first.accepted, first.duplicates) == (1, 1)
    assert (again.accepted, again.duplicates) == (1, 1)
    assert (house.value(EVENTS, kind), house.value(DUPLICATES, kind)) == (2, 2)


@pytest.mark.parametrize("kind", sorted(MINIMAL))
@pytest.mark.parametrize("field", ["kind", "id", "at", "tenant", "integration"])
async def test_of_every_kind_a_wrong_common_field_is_refused_with_its_place(
    kind: str, field: str, house: Desk
) -> None:
    wrong = {"kind": "nonsense", "id": 5, "at": "today", "tenant": "a b", "integration": "none"}
    result = await house.send(event(kind), event(kind) | {field: wrong[field]})
    assert result.accepted == 1
    (refused,) = result.rejected
    assert (refused.index, refused.path) == (1, f"/{field}")
    assert str(wrong[field]) not in refused.detail


@pytest.mark.parametrize("kind", sorted(MINIMAL))
async def test_of_every_kind_a_field_that_is_unknown_or_missing_is_refused(kind: str, house: Desk) -> None:
    needed = next(iter(MINIMAL[kind]))
    lacking = {name: value for name, value in event(kind).items() if name != needed}
    result = await house.send(event(kind, surprise=1), lacking)
    assert [refused.reason for refused in result.rejected] == ["unknown_field", "missing_field"]
    assert result.rejected[1].path == f"/{needed}"


@pytest.mark.parametrize("kind", sorted(name for name, kind in registry.events().items() if kind.durable))
async def test_a_durable_event_is_stored_before_the_answer_or_counted_not_at_all(
    kind: str, house: Desk
) -> None:
    house.broken = True
    with pytest.raises(StoreError):
        await house.send(event(kind, id="one"))
    assert house.value(EVENTS, kind) == 0
    house.broken = False
    assert (await house.send(event(kind, id="one"))).accepted == 1


@pytest.mark.parametrize("kind", sorted(registry.events()))
async def test_what_is_stored_is_listed(kind: str, house: Desk) -> None:
    await house.send(event(kind, id="one", tenant="acme"))
    found = registry.events()[kind]
    listing = next((one for one in registry.lists().values() if one.path == found.path and found.path), None)
    if kind == "audit":
        (entry,) = house.database.read(lambda connection: audit.query(connection)).rows
        assert (entry.actor, entry.action, entry.tenant) == ("ann", "user.delete", "acme")
        return
    assert (listing is None) == (found.retention is None)
    if listing is not None:
        page = house.database.read(lambda connection: listing.query(connection, Filter(tenant="acme"), 10))
        row = dict(listing.row(page.rows[0]))
        assert set(row) == set(listing.columns)
        assert row["id"] == "one"
        assert {name: row[name] for name in MINIMAL[kind]} == MINIMAL[kind]


async def test_lists_of_kinds_do_not_mix(house: Desk) -> None:
    await house.send(event("payment"), event("widget"))
    page = house.database.read(lambda connection: events.query(connection, "payment"))
    assert [found.kind for found in page.rows] == ["payment"]


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (JSON, json.dumps(event("payment"))),
        (JSON, "  " + json.dumps([event("payment")])),
        (NDJSON, json.dumps(event("payment")) + "\n\n" + "\n"),
        (
            CLOUD,
            json.dumps(
                {
                    "specversion": "1.0",
                    "type": "integration.payment",
                    "id": "one",
                    "source": "/app",
                    "subject": "acme",
                    "time": "2026-11-18T10:00:00Z",
                    "data": MINIMAL["payment"],
                }
            ),
        ),
    ],
)
async def test_the_forms_of_a_body(media_type: str, body: str, house: Desk) -> None:
    result = await house.intake.receive(body.encode(), media_type)
    assert (result.accepted, result.rejected) == (1, [])


async def test_cloud_events_come_in_batches_and_are_judged_one_by_one(house: Desk) -> None:
    def cloud(**fields: Any) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "type": "integration.payment",
            "id": "one",
            "data": MINIMAL["payment"],
        } | fields

    batch = [
        cloud(subject="acme"),
        cloud(type="com.example.other", id="two"),
        cloud(specversion="0.3", id="three"),
        cloud(data=[1], id="four"),
        cloud(id=""),
        5,
    ]
    result = await house.intake.receive(json.dumps(batch).encode(), CLOUD_BATCH)
    assert result.accepted == 1
    assert [refused.index for refused in result.rejected] == [1, 2, 3, 4, 5]
    assert house.value(payment.PAYMENTS, "", "", "acme") == 1


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        ("[", JSON, 400),
        ("[1, 2", JSON, 400),
        (json.dumps([event("payment")]), "text/plain", 415),
        (json.dumps([event("payment")] * (MOST_EVENTS + 1)), JSON, 413),
        ("\n".join([json.dumps(event("payment"))] * (MOST_EVENTS + 1)), NDJSON, 413),
        (json.dumps([5] * (MOST_EVENTS + 1)), JSON, 413),
        ("{}", CLOUD_BATCH, 400),
    ],
)
async def test_a_body_without_events_is_refused_as_a_whole(
    body: str, media_type: str, status: int, house: Desk
) -> None:
    with pytest.raises(BodyError) as found:
        await house.intake.receive(body.encode(), media_type)
    assert found.value.status == status


async def test_an_event_that_is_no_json_is_refused_beside_good_ones(house: Desk) -> None:
    lines = [json.dumps(event("payment")), "{", '{"kind": "payment", "outcome": "\\ud800"}', "[1]", "\xff"]
    result = await house.intake.receive("\n".join(lines).encode("latin-1"), NDJSON)
    assert result.accepted + len(result.rejected) == 5
    assert result.accepted >= 1


@pytest.mark.parametrize("number", ["a\x00b", "\x1f", "line\nbreak", "x" * 201])
async def test_an_id_has_no_control_characters_which_no_database_could_keep(number: str, house: Desk) -> None:
    result = await house.send(event("payment", id=number), event("payment", id="é 1"))
    assert [(refused.path, refused.reason) for refused in result.rejected] == [("/id", "bad_value")]


@pytest.mark.parametrize("field", ["actor", "action"])
async def test_an_entry_of_the_audit_says_who_and_what(field: str, house: Desk) -> None:
    result = await house.send({"kind": "audit", "actor": "ann", "action": "user.delete", field: ""})
    assert [(one.path, one.reason) for one in result.rejected] == [(f"/{field}", "bad_value")]


@pytest.mark.parametrize("depth", range(940, 1000))
async def test_a_cloud_event_at_the_limit_of_depth_is_refused(depth: int, house: Desk) -> None:
    deep = '{"x":' * depth + "1" + "}" * depth
    data = '{"actor":"a","action":"b","details":' + deep + "}"
    body = f'{{"specversion":"1.0","type":"integration.audit","id":"one","data":{data}}}'
    result = await house.intake.receive(body.encode(), CLOUD)
    assert [refused.reason in ("too_deep", "bad_json") for refused in result.rejected] == [True]


async def test_a_wrong_value_of_a_mapping_has_its_place_without_its_key(house: Desk) -> None:
    result = await house.send(event("metric", labels={"john.doe@example.com": 5}))
    assert [(refused.path, refused.reason) for refused in result.rejected] == [("/labels/*", "bad_value")]


async def test_details_may_not_be_deep(house: Desk) -> None:
    deep: dict[str, Any] = {}
    for _ in range(50):
        deep = {"x": deep}
    bottomless = '{"kind":"audit","actor":"a","action":"b","details":' + '{"x":' * 5000 + "1" + "}" * 5001
    result = await house.send(event("audit", details=deep), event("audit", details={"x": [1, {"y": 2}]}))
    assert [refused.reason for refused in result.rejected] == ["too_deep"]
    result = await house.intake.receive(bottomless.encode(), JSON)
    assert result.accepted == 0


async def test_a_token_bound_to_tenants_speaks_for_them_alone(house: Desk) -> None:
    result = await house.send(
        event("payment", tenant="acme"), event("payment", tenant="beta"), event("payment"), tenants={"acme"}
    )
    assert result.accepted == 1
    assert [refused.reason for refused in result.rejected] == ["foreign_tenant", "foreign_tenant"]


@pytest.mark.parametrize(("at", "fine"), [(-8 * 86400, False), (-6 * 86400, True), (200, True), (400, False)])
async def test_a_time_that_cannot_be_right_is_refused(at: int, fine: bool, house: Desk) -> None:
    moment = datetime.fromtimestamp(NOW + at, UTC).isoformat()
    assert (await house.send(event("payment", at=moment))).accepted == int(fine)


async def test_payments_feed_their_series(house: Desk) -> None:
    common = {"tenant": "acme", "integration": "payments"}
    scope = ("payments", "stripe", "acme")
    await house.send(
        event("payment", amount=10.5, currency="eur", **common),
        event("payment", outcome="declined", decline_code="insufficient_funds", **common),
        event("payment", outcome="timeout", **common),
        event("payment", outcome="disputed", **common),
        event("payment", outcome="fraud_warning", **common),
    )
    assert house.value(payment.PAYMENTS, *scope) == 3
    assert [house.value(payment.FAILURES, *scope, reason) for reason in payment.FAILED] == [0, 1, 1]
    assert house.value(payment.VOLUME, *scope, "EUR") == 10.5
    assert house.value(payment.DISPUTES, *scope) == house.value(payment.FRAUD_WARNINGS, *scope) == 1
    assert (
        sum(1 for line in house.body().splitlines() if line.startswith("integration_payment_declines_total{"))
        == 1
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (200, ""),
        (302, ""),
        (404, "client"),
        (408, "timeout"),
        (500, "server"),
        (504, "timeout"),
        (0, "timeout"),
    ],
)
async def test_requests_fail_by_reason(status: int, reason: str, house: Desk) -> None:
    await house.send(event("api_request", status=status))
    place = ("", "", "", "/orders/{id}", "GET")
    found = {known: house.value(api_request.FAILURES, *place, known) for known in api_request.REASONS}
    assert found == {known: float(known == reason) for known in api_request.REASONS}
    duration = house.counters.value(api_request.DURATION, ("", "", "/orders/{id}", "GET"))
    assert isinstance(duration, HistogramValue)
    assert duration.count == 1


async def test_ai_usage_adds_up_its_cost(house: Desk) -> None:
    await house.send(event("ai_usage", cost=0.5), event("ai_usage", cost=0.25, status="timeout"))
    assert house.value(ai_usage.COST, "", "", "", "fal-ai/flux") == 0.75
    assert house.value(ai_usage.FAILURES, "", "", "", "fal-ai/flux", "timeout") == 1


async def test_a_widget_that_fails_later_was_loaded_once(house: Desk) -> None:
    await house.send(
        event("widget", release="1.2", duration=0.5),
        event("widget", release="1.2", outcome="script_error"),
        event("widget", release="1.2", outcome="load_error"),
    )
    assert house.value(widget.LOADED, "", "", "", "donate", "1.2") == 2
    assert house.value(widget.FAILURES, "", "", "", "donate", "1.2", "script_error") == 1


async def test_views_are_added_up(house: Desk) -> None:
    await house.send(event("traffic", views=5, country="de"), event("traffic", views=2, client="bot"))
    assert house.value(traffic.VIEWS, "", "", "", "/", "human") == 5
    assert house.value(traffic.COUNTRIES, "", "", "", "DE") == 5


async def test_rate_limits_speak_of_a_tenant(house: Desk) -> None:
    await house.send(event("rate_limit", tenant="acme", outcome="blocked"))
    assert house.value(rate_limit.BLOCKS, "acme", "api", "/api/*") == 1


async def test_a_declared_metric_takes_values_and_another_one_does_not(house: Desk) -> None:
    result = await house.send(
        event("metric", value=7),
        event("metric", name="surprise"),
        event("metric", labels={}),
        event("metric", value=1, labels={"queue": "video"}),
    )
    assert [refused.reason for refused in result.rejected] == ["unknown_metric", "bad_labels"]
    assert house.value(JOBS, "", "", "", "mail") == 7
    assert house.value(JOBS, "", "", "", "other") == 1


def source(name: str, forward: Forward | None) -> WebhookSource:
    return WebhookSource(name, "stripe", (Secret("x"),), forward=forward)


async def test_a_webhook_that_came_through_us_is_not_counted_twice(house: Desk) -> None:
    forwarded = source("stripe", Forward("http://127.0.0.1:9/"))
    house.intake.apply(configuration(webhooks=Webhooks("", (forwarded, source("meta", None)))))
    await house.send(
        event("webhook", source="stripe", duration=1),
        event("webhook", source="meta", duration=1),
        event("webhook", source="own", duration=1, outcome="failed"),
    )
    found = [
        house.value(webhook_metrics.EVENTS, "", "", "", name, "inbound") for name in ("stripe", "meta", "own")
    ]
    assert found == [None, None, 1]
    timed = [
        house.counters.value(webhook_metrics.PROCESSING_DURATION, ("", "", name, "inbound"))
        for name in ("stripe", "meta", "own")
    ]
    assert [value is not None for value in timed] == [False, True, True]


SECRETS = [
    *("john.doe@example.com", "+49 170 1234567", "4242 4242 4242 4242", "4242424242424242"),
    *("sk_live_51Habcdefgh12345678", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "x" * 121, "naïve ☃", ""),
]


@pytest.mark.parametrize("text", SECRETS)
async def test_identities_never_become_labels(text: str, house: Desk) -> None:
    await house.send(
        event("widget", widget=text, release=text),
        event("ai_usage", endpoint=text, status=text),
        event("webhook", source=text, type=text),
        event("rate_limit", policy=text, endpoint=f"/x/{text}", identifier=text),
        event("auth", method=text, actor=text, address=text),
        event("audit", actor=text, action=text, resource=text),
        event("api_request", route=f"/users/{text}/orders?q={text}", user=text, address=text),
        event("traffic", route=f"/t/{text}"),
        event("payment", outcome="declined", decline_code=text, payment_id=text, provider=text),
    )
    if text:
        assert text not in house.body()


async def test_values_of_a_label_are_bounded_and_the_rest_is_other(house: Desk) -> None:
    house.intake.apply(configuration(EventSettings(allow={"widget": 3})))
    letters = "abcdefghij"
    await house.send(*(event("widget", widget=f"widget-{letter}") for letter in letters))
    named = {line for line in house.body().splitlines() if line.startswith("integration_widget_loads_total{")}
    assert len(named) == 4
    assert house.value(widget.LOADED, "", "", "", "other", "") == 7


async def test_series_are_bounded_and_the_drop_is_counted(house: Desk) -> None:
    house.intake.apply(configuration(EventSettings(series_limit=100)))
    await house.send(*(event("payment", tenant=f"t{number}") for number in range(500)))
    lines = house.body().splitlines()
    assert sum(line.startswith("integration_payments_total{") for line in lines) == 100
    dropped = house.value(webhook_metrics.SERIES_DROPPED, "integration_payments_total")
    assert dropped == 400


async def test_routes_of_the_configuration_take_paths_and_templates_of_any_framework(house: Desk) -> None:
    listed = ("/checkout", "/api/orders/{id}", "/static/*")
    house.intake.apply(configuration(EventSettings(allow={"route": listed})))
    routes = [
        *("/api/orders/{id}", "/api/orders/<int:number>", "/api/orders/:id", "/api/orders/[id]"),
        *("/api/orders/17", "/api/orders/17?card=4242", "/checkout", "/static/a/b.js", "/admin"),
    ]
    await house.send(*(event("traffic", route=route) for route in routes))
    counts = {name: house.value(traffic.VIEWS, "", "", "", name, "human") for name in (*listed, "other")}
    assert counts == {"/checkout": 1, "/api/orders/{id}": 6, "/static/*": 1, "other": 1}


async def test_a_reload_keeps_what_was_counted(house: Desk) -> None:
    await house.send(event("payment"))
    house.intake.apply(configuration(SETTINGS))
    await house.send(event("payment"))
    assert house.value(payment.PAYMENTS, "", "", "") == 2


async def test_a_refusal_is_counted_by_kind_and_reason(house: Desk) -> None:
    await house.send(event("payment", integration="none"), {"kind": "nonsense"})
    assert house.value(REJECTED, "payment", "unknown_integration") == 1
    assert house.value(REJECTED, "", "unknown_kind") == 1


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
FIELDS = st.sampled_from(
    [name for kind in MINIMAL.values() for name in kind] + ["id", "at", "tenant", "kind", "integration"]
)
EVENTS_OF_ANYBODY = st.lists(
    st.one_of(
        JSON_VALUES,
        st.builds(
            lambda kind, more: {"kind": kind, **MINIMAL[kind], **more},
            st.sampled_from(sorted(MINIMAL)),
            st.dictionaries(FIELDS, JSON_VALUES, max_size=3),
        ),
    ),
    max_size=5,
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sent=EVENTS_OF_ANYBODY, media_type=st.sampled_from([JSON, NDJSON, CLOUD, CLOUD_BATCH]))
async def test_whatever_is_sent_is_taken_or_refused(sent: list[Any], media_type: str, house: Desk) -> None:
    body = "\n".join(map(json.dumps, sent)) if media_type == NDJSON else json.dumps(sent)
    try:
        result = await house.intake.receive(body.encode(), media_type)
    except BodyError as error:
        assert 400 <= error.status < 500
        return
    assert isinstance(result, IntakeResult)
    if media_type in (JSON, CLOUD_BATCH):
        assert result.accepted + result.duplicates + len(result.rejected) == len(sent)
