import subprocess
import sys

import pytest

from exporter.core.probe import MONTH, Allowance
from exporter.core.secret import Secret
from exporter.net.limits import Budget, credential_key

KEY = credential_key("stripe", Secret("planted-secret"))


def test_the_key_of_a_credential_does_not_tell_it_but_tells_it_apart() -> None:
    assert "planted" not in KEY
    assert credential_key("stripe", Secret("planted-secret")) == KEY
    assert credential_key("stripe", "planted", "-secret") != KEY
    assert credential_key("twilio", Secret("planted-secret")) != KEY


def test_the_key_of_a_credential_is_another_one_in_every_process() -> None:
    """Else who sees a key could try passwords until one has it."""
    code = (
        "from exporter.core.secret import Secret\n"
        "from exporter.net.limits import credential_key\n"
        "print(credential_key('stripe', Secret('planted-secret')))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(run.stdout.strip()) == len(KEY)
    assert run.stdout.strip() != KEY


def test_a_budget_allows_a_burst_and_then_waits() -> None:
    budget = Budget(Allowance(720_000, "docs"))  # a thousand an hour
    assert budget.wait(KEY, 1000, 0.0) == 0
    budget.spend(KEY, 1000, 0.0)
    wait = budget.wait(KEY, 10, 0.0)
    assert wait == pytest.approx(36, rel=0.01)
    assert budget.wait(KEY, 10, wait) == 0
    assert budget.wait("another credential", 1000, 0.0) == 0


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("calls", [50.0, 10_000.0, 1e6])
def test_no_more_than_the_allowance_is_ever_spent_in_thirty_days(calls: float, replicas: int) -> None:
    budget = Budget(Allowance(calls, "docs"), replicas)
    at, spent = 0.0, 0.0
    each = max(1.0, calls / 2000)
    while at < MONTH:
        if budget.wait(KEY, each, at) == 0:
            budget.spend(KEY, each, at)
            spent += each
        at += max(budget.wait(KEY, each, at), 1.0)
    assert calls / replicas * 0.9 <= spent <= calls / replicas + each


def test_a_run_costlier_than_the_bucket_starts_when_it_is_full_and_is_paid_for_afterwards() -> None:
    budget = Budget(Allowance(720, "docs"))  # one an hour
    assert budget.wait(KEY, 5, 0.0) == 0
    budget.spend(KEY, 5, 0.0)
    assert budget.wait(KEY, 1, 0.0) == pytest.approx(5 * 3600, rel=0.02)


def test_an_allowance_of_nothing_allows_one_call_and_then_waits_for_ever() -> None:
    budget = Budget(Allowance(0, "docs"))
    budget.spend(KEY, 1, 0.0)
    assert budget.wait(KEY, 1, MONTH) == float("inf")


def test_a_tiny_allowance_still_holds_one_call_at_a_time() -> None:
    budget = Budget(Allowance(24, "docs"))  # less than one an hour
    assert budget.wait(KEY, 1, 0.0) == 0
    budget.spend(KEY, 1, 0.0)
    assert budget.wait(KEY, 1, 0.0) == pytest.approx(MONTH / 23, rel=0.001)


def test_credentials_that_are_no_longer_used_cost_no_memory() -> None:
    budget = Budget(Allowance(720_000, "docs"))
    budget.spend("spent", 900, 0.0)
    for number in range(65_535):
        budget.wait(f"full-{number}", 1, 0.0)
    assert len(budget._buckets) == 65_536
    budget.wait("one more", 1, 0.0)
    assert set(budget._buckets) == {"spent", "one more"}  # what is full is as good as none


def test_a_clock_that_goes_back_fills_nothing() -> None:
    budget = Budget(Allowance(720_000, "docs"))
    budget.spend(KEY, 1000, 1000.0)
    before = budget.wait(KEY, 10, 1000.0)
    assert budget.wait(KEY, 10, 0.0) == pytest.approx(before)
