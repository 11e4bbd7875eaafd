"""What is asked of an ad account, and how the answer is read.

Sources: the ad account reference of the Marketing API, and its list of currencies
(developers.facebook.com/docs/marketing-api/currencies).
"""

import re
from collections.abc import Iterator

from exporter.core.common_metrics import QUOTA_LIMIT, QUOTA_USED
from exporter.core.document import Document
from exporter.core.metric import Sample
from exporter.probes._meta_graph.graph import Fields
from exporter.probes.facebook_ads import metrics as m

ACCOUNT = Fields(
    "account",
    full=("account_status", "disable_reason", "amount_spent", "balance", "spend_cap", "currency"),
    basic=("account_status", "amount_spent", "currency"),
)
SPEND = "spend_cap"
"""Name of the quota that the spend cap is."""

STATES = {
    1: "active",
    2: "disabled",
    3: "unsettled",
    7: "pending_risk_review",
    8: "pending_settlement",
    9: "in_grace_period",
    100: "pending_closure",
    101: "closed",
}
_DISABLED = frozenset({2, 3, 101})
_AT_RISK = frozenset({7, 8, 9, 100})
_CAUSES = {
    0: "none",
    1: "ads_integrity_policy",
    2: "ads_ip_review",
    3: "risk_payment",
    4: "gray_account_shut_down",
    5: "ads_afc_review",
    6: "business_integrity_rar",
    7: "permanent_close",
}
# Meta's own list of currencies: these are reported in whole units, all others in hundredths.
_WHOLE = frozenset({"CLP", "COP", "CRC", "HUF", "IDR", "ISK", "JPY", "KRW", "PYG", "TWD", "VND"})


def account_samples(account: Document, *, basic: bool) -> Iterator[Sample]:
    """Return the values of an ad account; `basic` where its more special fields were not asked for."""
    # The Graph API returns `id` whatever fields are asked for.
    account.must("id")
    yield from _state(account, basic=basic)
    currency = account.text("currency")
    # Without its currency a sum can be neither scaled nor labelled.
    if currency is None or not re.fullmatch("[A-Z]{3}", currency):
        return
    spent = _money(account, "amount_spent", currency)
    if spent is not None:
        yield m.AMOUNT_SPENT(spent, currency=currency)
    if basic:
        return
    if (balance := _money(account, "balance", currency, signed=True)) is not None:
        yield m.BALANCE(balance, currency=currency)
    # A cap of 0 means no cap.
    if cap := _money(account, "spend_cap", currency):
        yield m.SPEND_CAP(cap, currency=currency)
        yield QUOTA_LIMIT(cap, quota=SPEND)
        if spent is not None:
            yield QUOTA_USED(spent, quota=SPEND)


def _state(account: Document, *, basic: bool) -> Iterator[Sample]:
    status = account.amount("account_status")
    if status is not None:
        yield m.ACCOUNT_DISABLED(status in _DISABLED)
        yield m.ACCOUNT_AT_RISK(status in _AT_RISK)
    cause = None if basic else account.amount("disable_reason")
    yield m.ACCOUNT_INFO(
        1,
        status="unknown" if status is None else STATES.get(int(status), "other"),
        disable_reason="unknown" if cause is None else _CAUSES.get(int(cause), "other"),
    )


def _money(account: Document, field: str, currency: str, *, signed: bool = False) -> float | None:
    """Return a sum in units of its currency: it comes as text, in the smallest unit.

    Below zero it is unknown, unless it is `signed`: a bill, which a credit may exceed.
    """
    text = account.text(field)
    if text is None:
        return None
    # int() would also take spaces, underscores and digits of other scripts.
    if not re.fullmatch(r"-?[0-9]{1,18}" if signed else r"[0-9]{1,18}", text):
        account.unknown(field)
        return None
    return int(text) / (1 if currency in _WHOLE else 100)
