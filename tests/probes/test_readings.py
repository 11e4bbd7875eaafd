"""The readings after the first call: what is kept, what is asked again and when, and what fails the run."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from exporter.core.errors import ProbeError
from exporter.core.metric import Metric
from exporter.core.network import Network
from exporter.core.probe import MONTH
from exporter.core.reason import Reason
from exporter.engine.kit import CachedAnswers, RunKit
from exporter.net.tokens import Tokens
from exporter.probes._readings import (
    DECISIVE,
    FurtherReadings,
    StoredAnswer,
    VerdictError,
    calls_a_month,
    keep_dated,
    refused_metric,
)
from tests.clock import HandClock

HOUR = 3600.0
MINUTE = 60.0
PERMISSION = Metric("integration_some_permission_missing", "Some.", labels=("permission",))
DATED = Metric("integration_some_end_timestamp_seconds", "Some.", unit="seconds", dated=True)
PLAIN = Metric("integration_some_count", "Some.")
FAILING = (
    Reason.RATE_LIMITED,
    Reason.VENDOR_ERROR,
    Reason.BAD_RESPONSE,
    Reason.TIMEOUT,
    Reason.CONNECT,
    Reason.DNS,
    Reason.TLS,
)


class Vendor:
    """Answers a reading, and counts how often it was asked; `refusal` in place of an answer."""

    def __init__(self) -> None:
        self.answer: StoredAnswer = {"count": 1}
        self.refusal: ProbeError | None = None
        self.asked = 0

    async def __call__(self) -> StoredAnswer:
        self.asked += 1
        if self.refusal:
            raise self.refusal
        return self.answer


class Account:
    """An account that is read run after run, every five minutes or when the test says."""

    def __init__(self, network: Network) -> None:
        self.network, self.clock = network, HandClock()
        self.answers: CachedAnswers = {}
        self.vendor = Vendor()
        self.run()

    def run(self) -> FurtherReadings:
        """Begin another run, whose first call was answered by 200."""
        self.kit = RunKit(self.network, self.clock, self.answers, Tokens(self.network, self.clock))
        self.kit.trace.http_status = 200
        self.further = FurtherReadings(self.kit, refused_metric("some"), PERMISSION)
        return self.further

    async def read(
        self, fetch: Callable[[], Awaitable[StoredAnswer]] | None = None, name: str = "thing"
    ) -> StoredAnswer:
        return await self.further.read(f"{name}/1", HOUR, fetch or self.vendor, permission=name)

    async def read_again(self) -> StoredAnswer:
        """Read in another run."""
        self.run()
        return await self.read()

    def refuse(self, reason: Reason, retry_after: float | None = None) -> None:
        self.vendor.refusal = ProbeError(reason, "no such luck", retry_after=retry_after)

    @property
    def message(self) -> dict[str, float]:
        return {
            f"{sample.metric.name[17:]}{{{sample.labels[0]}}}": sample.number
            for sample in self.further.samples()
        }


@pytest.fixture
def account(network: Network) -> Account:
    return Account(network)


async def test_an_answer_is_kept_for_its_period_and_tells_that_all_is_well(account: Account) -> None:
    assert await account.read() == {"count": 1}
    assert account.message == {"reading_refused{thing}": 0, "permission_missing{thing}": 0}
    account.vendor.answer = {"count": 2}
    await account.clock.advance(HOUR - 1)
    assert await account.read_again() == {"count": 1}
    await account.clock.advance(1)
    assert await account.read_again() == {"count": 2}
    assert account.vendor.asked == 2


@pytest.mark.parametrize("reason", [Reason.AUTH, Reason.PERMISSION])
async def test_a_permission_that_lacks_is_reported_and_not_asked_for_until_the_period_is_over(
    account: Account, reason: Reason
) -> None:
    await account.read()
    await account.clock.advance(HOUR)
    account.refuse(reason)
    again = False
    for _ in range(3):
        assert await account.read_again() == {}
        assert account.message == {"reading_refused{thing}": 1, "permission_missing{thing}": 1}
        assert [text for _, text in account.kit.trace.log] == ([] if again else ["no such luck"])
        again = True
    assert account.vendor.asked == 2
    await account.clock.advance(HOUR)
    account.vendor.refusal = None
    assert await account.read_again() == {"count": 1}
    assert account.message == {"reading_refused{thing}": 0, "permission_missing{thing}": 0}


async def test_a_call_that_is_not_there_lacks_no_permission(account: Account) -> None:
    account.refuse(Reason.NOT_FOUND)
    assert await account.read() == await account.read_again() == {}
    assert account.message == {"reading_refused{thing}": 1, "permission_missing{thing}": 0}
    assert account.vendor.asked == 1


async def test_what_counts_as_lacking_is_the_providers_to_say(account: Account) -> None:
    account.refuse(Reason.NOT_FOUND)
    await account.further.read("thing/1", HOUR, account.vendor, permission="p", lacking={Reason.NOT_FOUND})
    assert account.message["permission_missing{p}"] == 1


@pytest.mark.parametrize("reason", FAILING)
async def test_a_reading_that_fails_keeps_its_last_answer_for_one_more_period(
    account: Account, reason: Reason
) -> None:
    await account.read()
    account.refuse(reason)
    await account.clock.advance(HOUR)
    assert await account.read_again() == {"count": 1}
    assert account.message == {"reading_refused{thing}": 1}, "nothing is known of the permission"
    assert account.kit.trace.http_status == 200
    assert "no such luck" in account.kit.trace.log[-1][1]
    assert account.kit.trace.drift == (["thing"] if reason is Reason.BAD_RESPONSE else [])
    await account.clock.advance(HOUR - 1)
    assert await account.read_again() == {"count": 1}
    await account.clock.advance(1)
    assert await account.read_again() == {}


async def test_a_reading_that_never_had_an_answer_is_absent_while_it_fails(account: Account) -> None:
    account.refuse(Reason.VENDOR_ERROR)
    assert await account.read() == {}
    assert account.message == {"reading_refused{thing}": 1}


async def test_a_failing_reading_is_asked_again_soon_and_then_ever_more_rarely(account: Account) -> None:
    account.refuse(Reason.VENDOR_ERROR)
    asked = []
    for run in range(4 * 12 * 5 + 1):
        before = account.vendor.asked
        await account.read_again()
        if account.vendor.asked > before:
            asked.append(run * 5)
        assert account.message == {"reading_refused{thing}": 1}
        await account.clock.advance(5 * MINUTE)
    # The wait doubles, up to the period.
    assert asked[:6] == [0, 5, 10, 20, 40, 80]
    assert {later - earlier for earlier, later in pairwise(asked[6:])} == {60}


async def test_a_failing_reading_is_not_asked_twice_in_one_moment(account: Account) -> None:
    account.refuse(Reason.VENDOR_ERROR)
    await account.read_again()
    await account.clock.advance(5 * MINUTE)
    await account.read_again()
    await account.read_again()
    assert account.vendor.asked == 2


async def test_an_answer_after_failures_begins_the_waits_again(account: Account) -> None:
    account.refuse(Reason.VENDOR_ERROR)
    for _ in range(3):
        await account.read_again()
        await account.clock.advance(5 * MINUTE)
    account.vendor.refusal = None
    await account.clock.advance(HOUR)
    assert await account.read_again() == {"count": 1}
    assert account.message["reading_refused{thing}"] == 0
    account.refuse(Reason.VENDOR_ERROR)
    await account.clock.advance(HOUR)
    before = account.vendor.asked
    for _ in range(3):
        assert await account.read_again() == {"count": 1}
        await account.clock.advance(5 * MINUTE)
    assert account.vendor.asked == before + 3


async def test_a_clock_that_jumps_back_does_not_keep_a_failing_reading_waiting(account: Account) -> None:
    account.refuse(Reason.VENDOR_ERROR)
    for _ in range(4):
        await account.read_again()
        await account.clock.advance(10 * MINUTE)
    account.clock.set_wall(-24 * HOUR)
    before = account.vendor.asked
    await account.read_again()
    assert account.vendor.asked == before + 1


@pytest.mark.parametrize("reason", sorted(DECISIVE))
async def test_a_refusal_that_is_about_the_whole_integration_fails_the_run(
    account: Account, reason: Reason
) -> None:
    account.refuse(reason)
    account.kit.trace.http_status = 403
    with pytest.raises(ProbeError) as failure:
        await account.read()
    assert failure.value.reason is reason
    assert account.kit.trace.http_status == 403, "the run is judged by the call that was refused"


def test_what_speaks_of_the_account_its_money_or_our_configuration_is_decisive() -> None:
    assert {*DECISIVE} == {Reason.ACCOUNT, Reason.NOT_CONFIGURED, Reason.QUOTA, Reason.BUG}


async def test_a_provider_may_let_more_reasons_decide(account: Account) -> None:
    account.refuse(Reason.AUTH)
    with pytest.raises(ProbeError):
        await account.further.read("thing/1", HOUR, account.vendor, decisive={Reason.AUTH})


async def test_an_answer_that_says_that_the_integration_is_broken_fails_the_run(account: Account) -> None:
    for reason in (Reason.AUTH, Reason.NOT_FOUND, Reason.BAD_RESPONSE):
        account.vendor.refusal = VerdictError(reason, "the token is not valid")
        with pytest.raises(VerdictError):
            await account.read_again()


async def test_after_a_throttle_nothing_more_is_asked_in_the_run_and_the_wait_is_heeded(
    account: Account,
) -> None:
    other, third = Vendor(), Vendor()
    await account.read(other, "kept")
    await account.clock.advance(5 * MINUTE)
    account.run()
    account.refuse(Reason.RATE_LIMITED, retry_after=90)
    await account.read()
    assert await account.read(third, "due") == {}
    assert await account.read(other, "kept") == {"count": 1}, "what is kept needs no call"
    assert (third.asked, account.kit.trace.pause) == (0, 90)
    assert account.message == {
        "reading_refused{thing}": 1,
        "reading_refused{due}": 1,
        "reading_refused{kept}": 0,
        "permission_missing{kept}": 0,
    }
    account.run()
    assert await account.read(third, "due") == {"count": 1}, "it was not asked, so it need not wait"


async def test_a_reading_that_was_left_out_shows_its_last_answer(account: Account) -> None:
    other = Vendor()
    await account.read(other, "due")
    await account.clock.advance(HOUR)
    account.run()
    account.refuse(Reason.RATE_LIMITED)
    await account.read()
    assert await account.read(other, "due") == {"count": 1}
    assert (other.asked, account.message["reading_refused{due}"]) == (1, 1)


async def test_a_reading_that_was_left_out_again_and_again_is_asked_as_soon_as_there_is_room(
    account: Account,
) -> None:
    other = Vendor()
    account.refuse(Reason.RATE_LIMITED)
    for _ in range(3):
        account.run()
        await account.read()
        await account.read(other, "due")
        await account.clock.advance(5 * MINUTE)
    account.run()
    account.vendor.refusal = None
    await account.read(other, "due")
    assert other.asked == 1


async def test_the_longer_of_two_waits_is_heeded_and_none_is_none(account: Account) -> None:
    account.refuse(Reason.RATE_LIMITED)
    await account.read()
    assert account.kit.trace.pause is None
    account.run()
    account.kit.trace.pause = 120
    account.refuse(Reason.RATE_LIMITED, retry_after=90)
    await account.clock.advance(5 * MINUTE)
    await account.read()
    assert account.kit.trace.pause == 120


async def test_a_reading_that_hangs_leaves_time_and_the_rest_is_left_out(account: Account) -> None:
    other = Vendor()

    async def hang() -> StoredAnswer:
        await asyncio.sleep(30)
        return {}

    account.kit.trace.deadline = account.kit.trace.started + 2.4
    async with asyncio.timeout(2.4):
        assert await account.read(hang) == {}
    assert await account.read(other, "due") == {}
    assert other.asked == 0
    assert account.message == {"reading_refused{thing}": 1, "reading_refused{due}": 1}
    texts = [text for _, text in account.kit.trace.log]
    assert "no answer in the time that was left" in texts[0]
    assert "took too long" in texts[1]


async def test_a_run_that_is_cut_is_cut_within_a_reading_too(account: Account) -> None:
    async def hang() -> StoredAnswer:
        await asyncio.sleep(30)
        return {}

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await account.read(hang)


async def test_a_permission_lacks_where_one_of_its_readings_does(account: Account) -> None:
    for reasons in ((None, Reason.PERMISSION), (Reason.PERMISSION, None)):
        account.answers.clear()
        account.run()
        for index, reason in enumerate(reasons):
            account.vendor.refusal = ProbeError(reason, "no") if reason else None
            await account.further.read(f"r{index}/1", HOUR, account.vendor, permission="both")
        assert account.message["permission_missing{both}"] == 1


async def test_a_reading_without_a_permission_of_its_own_tells_of_none(account: Account) -> None:
    await account.further.read("free/1", HOUR, account.vendor)
    assert account.message == {"reading_refused{free}": 0}


async def test_a_provider_without_permissions_tells_of_none(account: Account) -> None:
    further = FurtherReadings(account.kit, refused_metric("some"))
    await further.read("thing/1", HOUR, account.vendor, permission="p")
    assert [sample.metric.name for sample in further.samples()] == ["integration_some_reading_refused"]


async def test_an_empty_answer_is_no_answer(account: Account) -> None:
    account.vendor.answer = {}
    assert await account.read() == {}
    assert account.message == {"reading_refused{thing}": 1, "permission_missing{thing}": 0}


async def test_every_later_status_leaves_that_of_the_first_call(account: Account) -> None:
    async def fetch() -> StoredAnswer:
        account.kit.trace.http_status = 206
        return {"count": 1}

    await account.read(fetch)
    assert account.kit.trace.http_status == 200


def test_dated_samples_are_facts_and_the_rest_is_handed_back(account: Account) -> None:
    assert keep_dated([DATED(2e9), PLAIN(1)], account.kit) == [PLAIN(1)]
    assert account.kit.trace.facts == [DATED(2e9)]


def test_a_reading_costs_its_calls_once_in_its_period_and_at_most_once_in_a_run() -> None:
    assert calls_a_month(300, ()) == MONTH / 300
    assert calls_a_month(300, [(2, HOUR), (1, 60)]) == MONTH / 300 + 2 * MONTH / HOUR + MONTH / 300
