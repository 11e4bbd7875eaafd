"""Sorts decline codes into a few families: whose fault it is, and so who can fix it.

Source of the codes: docs.stripe.com/declines/codes. Stripe adds codes, so unknown ones are `other`.
"""

_FAMILIES: dict[str, tuple[str, ...]] = {
    "funds": ("insufficient_funds", "withdrawal_count_limit_exceeded"),
    "fraud": (
        "fraudulent",
        "lost_card",
        "merchant_blacklist",
        "pickup_card",
        "restricted_card",
        "security_violation",
        "stolen_card",
    ),
    "authentication": (
        "authentication_required",
        "incorrect_pin",
        "invalid_pin",
        "offline_pin_required",
        "online_or_offline_pin_required",
        "pin_try_exceeded",
    ),
    "issuer": (
        "approve_with_id",
        "call_issuer",
        "card_not_supported",
        "currency_not_supported",
        "do_not_honor",
        "do_not_try_again",
        "generic_decline",
        "invalid_amount",
        "no_action_taken",
        "not_permitted",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "service_not_allowed",
        "stop_payment_order",
        "transaction_not_allowed",
    ),
    "card_data": (
        "expired_card",
        "incorrect_cvc",
        "incorrect_number",
        "incorrect_zip",
        "invalid_account",
        "invalid_cvc",
        "invalid_expiry_month",
        "invalid_expiry_year",
        "invalid_number",
        "new_account_information_available",
    ),
    "velocity": ("card_decline_rate_limit_exceeded", "card_velocity_exceeded", "duplicate_transaction"),
    "processing": ("issuer_not_available", "processing_error", "reenter_transaction", "try_again_later"),
    "other": ("testmode_decline",),
}

FAMILIES = tuple(_FAMILIES)
_FAMILY_OF = {code: family for family, codes in _FAMILIES.items() for code in codes}


def family_of(code: str) -> str:
    """Return the family of a decline code, `other` for a code that we do not know."""
    return _FAMILY_OF.get(code, "other")
