"""One run: whatever a check does, a result comes back, and no secret with it."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import pytest

from exporter.core.common_metrics import CERTIFICATE_EXPIRY, CHAIN_EXPIRY, CLIENT_CERTIFICATE_EXPIRY
from exporter.core.errors import ProbeError
from exporter.core.metric import Metric, Sample
from exporter.core.network import Request
from exporter.core.probe import Kit, Result, Target
from exporter.core.reason import Reason
from exporter.engine.kit import LONGEST_DETAIL, CachedAnswers
from exporter.engine.run import LONGEST_LINE, run
from tests.clock import HandClock
from tests.engine.making import (
    BLOCKED_UNTIL,
    QUEUE,
    FixedNetwork,
    MadeOptions,
    NoNetwork,
    json_answer,
    made_probe,
    made_target,
)

SECRET = "sk_planted_secret"


async def once(check: object, *, timeout: float = 5.0, answers: CachedAnswers | None = None) -> Result:
    target = made_target(probe=made_probe(check), timeout=timeout)  # type: ignore[arg-type]  # any check will do
    return await run(
        target, FixedNetwork(json_answer({"n": 1})), HandClock(), {} if answers is None else answers
    )


async def test_what_a_check_returns_is_split_into_measured_values_and_dated_facts() -> None:
    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        return [QUEUE(3), BLOCKED_UNTIL(99)]

    result = await once(check)
    assert result.ok
    assert result.samples == (QUEUE(3),)
    assert result.facts == (BLOCKED_UNTIL(99),)


async def test_a_failure_keeps_no_measured_value_but_the_facts_seen_on_the_way() -> None:
    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        kit.fact(BLOCKED_UNTIL(99))
        kit.trace.certificate_expiry = 1_900_000_000.0
        kit.trace.http_status = 403
        kit.trace.phase("connect", 0.25)
        raise ProbeError(Reason.PERMISSION, "the key may not read the balance", retry_after=7)

    result = await once(check)
    assert (result.reason, result.detail) == (Reason.PERMISSION, "the key may not read the balance")
    assert result.samples == ()
    assert set(result.facts) == {BLOCKED_UNTIL(99), CERTIFICATE_EXPIRY(1_900_000_000.0)}
    assert (result.http_status, result.phases, result.retry_after) == (403, {"connect": 0.25}, 7)


async def test_the_network_knows_when_the_run_is_cancelled() -> None:
    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        assert kit.trace.deadline is not None
        return [QUEUE(kit.trace.deadline - kit.trace.started)]

    (left,) = (await once(check, timeout=5.5)).samples
    assert left.value == pytest.approx(5.5)


async def test_the_dates_of_certificates_become_facts_of_their_own() -> None:
    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        kit.trace.certificate_expiry = 3.0
        kit.trace.chain_expiry = 2.0
        kit.trace.client_certificate_expiry = 1.0
        return []

    result = await once(check)
    assert result.facts == (CERTIFICATE_EXPIRY(3), CHAIN_EXPIRY(2), CLIENT_CERTIFICATE_EXPIRY(1))


async def test_a_check_that_never_ends_is_a_timeout() -> None:
    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        await asyncio.Event().wait()
        return []

    result = await once(check, timeout=0.02)
    assert result.reason is Reason.TIMEOUT
    assert result.detail == "no complete answer within 0.02 s"


async def test_what_an_answer_waited_for_our_loop_is_no_part_of_how_long_a_run_took() -> None:
    clock = HandClock()

    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        await clock.advance(2.0)
        kit.trace.delay += 0.5
        return []

    target = made_target(probe=made_probe(check))
    assert (await run(target, NoNetwork(), clock, {})).duration_seconds == 1.5


@pytest.mark.parametrize(
    "error",
    [KeyError(SECRET), RecursionError(SECRET), TimeoutError(SECRET), OSError(SECRET), MemoryError(SECRET)],
)
async def test_an_unforeseen_error_is_a_bug_and_does_not_tell_its_message(error: Exception) -> None:
    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        raise error

    result = await once(check)
    assert result.reason is Reason.BUG
    assert type(error).__name__ in result.detail
    assert "test_run.py" in result.detail
    assert SECRET not in repr(result)


async def test_a_secret_in_a_detail_or_log_line_becomes_stars() -> None:
    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        kit.log(f"sending {SECRET}")
        raise ProbeError(Reason.AUTH, f"the vendor does not know {SECRET}")

    result = await once(check)
    assert SECRET not in repr(result)
    assert result.detail == "the vendor does not know ***"
    assert [text for _, text in result.log] == ["sending ***"]


@pytest.mark.parametrize("fails", [False, True], ids=["good", "failed"])
async def test_the_log_of_a_good_run_that_nobody_asked_for_is_dropped_and_that_of_a_failed_one_never(
    fails: bool,
) -> None:
    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        kit.log("asked the vendor")
        if fails:
            raise ProbeError(Reason.AUTH, "expired")
        return []

    for wanted in (True, False):
        target = made_target(probe=made_probe(check))
        result = await run(target, NoNetwork(), HandClock(), {}, log_wanted=partial(bool, wanted))
        assert [text for _, text in result.log] == (["asked the vendor"] if wanted or fails else [])


@pytest.mark.parametrize(("size", "shown"), [(1000, "d" * 1000), (1001, "d" * 1000 + "...")])
async def test_a_detail_of_a_thousand_characters_is_shown_whole_and_a_longer_one_is_cut(
    size: int, shown: str
) -> None:
    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        raise ProbeError(Reason.AUTH, "d" * size)

    assert (await once(check)).detail == shown


async def test_a_secret_in_a_detail_becomes_stars_though_nothing_was_logged() -> None:
    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        raise ProbeError(Reason.AUTH, f"the vendor does not know {SECRET}")

    result = await once(check)
    assert (result.detail, result.log) == ("the vendor does not know ***", ())


async def test_a_secret_in_a_vendors_name_becomes_stars_though_nothing_failed() -> None:
    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        kit.vendor_detail("account", f"of {SECRET}")
        return []

    assert (await once(check)).vendor_details == (("account", "of ***"),)


async def test_no_half_of_a_secret_is_left_where_a_text_is_cut() -> None:
    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        kit.vendor_detail("account", "v" * (LONGEST_DETAIL - 8) + SECRET)
        kit.log("l" * (LONGEST_LINE - 8) + SECRET)
        raise ProbeError(Reason.AUTH, "d" * (LONGEST_LINE - 8) + SECRET + "d" * LONGEST_LINE)

    result = await once(check)
    assert SECRET[:4] not in repr(result)
    assert len(result.detail) == LONGEST_LINE + len("...")
    assert result.vendor_details[0][1].endswith("v***")


HIDDEN = "bot123456:ABCdef"


async def test_what_a_target_hides_becomes_stars_everywhere_labels_included() -> None:
    named = Metric("integration_made_name_info", "Names.", labels=("name",))
    dated = Metric(
        "integration_made_names_timestamp_seconds", "Names.", unit="seconds", labels=("name",), dated=True
    )

    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        kit.log(f"sending GET http://127.0.0.1/{HIDDEN}/getMe")
        kit.vendor_detail("address", HIDDEN)
        kit.trace.drift.append(f"{HIDDEN}.length")
        kit.fact(dated(1, name=HIDDEN))
        if target.tenant:
            raise ProbeError(Reason.NOT_FOUND, f"there is no {HIDDEN}")
        return [named(1, name=f"x {HIDDEN} y")]

    for tenant in ("", "acme"):
        plain = made_target(probe=made_probe(check), tenant=tenant)
        shown = await run(plain, NoNetwork(), HandClock(), {})
        assert HIDDEN in repr(shown)
        result = await run(replace(plain, hidden=frozenset({HIDDEN})), NoNetwork(), HandClock(), {})
        assert HIDDEN not in repr(result)
        assert [text for _, text in result.log] == ["sending GET http://127.0.0.1/***/getMe"]
        assert [sample.labels for sample in result.samples] == ([] if tenant else [("x *** y",)])


async def test_what_a_target_hides_is_not_printed_with_it() -> None:
    assert HIDDEN not in repr(replace(made_target(), hidden=frozenset({HIDDEN})))


async def test_a_check_knows_when_its_time_is_over() -> None:
    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        deadlines.append((kit.trace.deadline or 0.0) - kit.trace.started)
        return []

    deadlines: list[float] = []
    await once(check, timeout=3.5)
    assert deadlines == [pytest.approx(3.5)]


async def test_a_target_says_which_of_its_options_are_absent_and_no_others() -> None:
    options = MadeOptions(secret_key=None, step="there")
    target = made_target(probe=made_probe(needs=("secret_key", "step")), options=options)
    assert (await run(target, NoNetwork(), HandClock(), {})).detail == "no secret_key is configured"
    target = made_target(probe=made_probe(needs=("secret_key", "step")), options=MadeOptions(secret_key=None))
    assert (await run(target, NoNetwork(), HandClock(), {})).detail == (
        "no secret_key and no step is configured"
    )


async def test_a_target_without_its_credential_is_not_configured_and_nothing_is_called() -> None:
    target = made_target(options=MadeOptions(secret_key=None))
    result = await run(target, NoNetwork(), HandClock(), {})
    assert result.reason is Reason.NOT_CONFIGURED
    assert result.detail == "no secret_key is configured"


async def test_cancellation_from_outside_is_passed_on() -> None:
    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        await asyncio.Event().wait()
        return []

    task = asyncio.create_task(once(check))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_calls_and_odd_fields_are_counted() -> None:
    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        answer = await kit.call(Request("http://127.0.0.1/"))
        document = kit.document(answer)
        assert document.number("n") == 1
        assert document.number("gone") is None
        assert document.text("n") is None
        return []

    result = await once(check)
    assert (result.calls, result.drift, result.http_status) == (1, ("gone", "n"), 200)


async def test_every_calls_again_only_when_its_period_is_over() -> None:
    clock, answers = HandClock(), CachedAnswers()
    calls: list[float] = []

    async def account() -> object:
        calls.append(clock.now())
        return {"enabled": True}

    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        assert await kit.every("account", 3600, account) == {"enabled": True}
        return []

    target = made_target(probe=made_probe(check))
    for _ in range(3):
        assert (await run(target, NoNetwork(), clock, answers)).ok
        await clock.advance(1800)
    assert len(calls) == 2
    assert answers["account"] == (calls[1], {"enabled": True})


async def test_an_error_of_a_costlier_call_is_not_kept_as_its_answer() -> None:
    async def broken() -> object:
        raise ProbeError(Reason.VENDOR_ERROR, "500")

    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        await kit.every("account", 3600, broken)
        return []

    answers: CachedAnswers = {}
    assert (await once(check, answers=answers)).reason is Reason.VENDOR_ERROR
    assert answers == {}


async def test_an_empty_rate_limit_bucket_asks_for_a_pause_though_the_call_succeeded() -> None:
    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        await kit.call(Request("http://127.0.0.1/"))
        return []

    answer = json_answer({}, ratelimit_remaining="0", ratelimit_reset="30")
    result = await run(made_target(probe=made_probe(check)), FixedNetwork(answer), HandClock(), {})
    assert (result.ok, result.retry_after) == (True, 30.0)


async def test_only_dated_metrics_are_facts() -> None:
    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        kit.fact(QUEUE(1))
        return []

    assert (await once(check)).reason is Reason.BUG
