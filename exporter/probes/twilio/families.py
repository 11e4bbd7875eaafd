"""What an error code of a message or a Monitor alert is about (www.twilio.com/docs/api/errors)."""

_CODES = {
    # Twilio or WhatsApp holds the account back.
    "account": (30002, 21608),
    "limit": (30001, 30010, 63017, 63018, 63038),
    # The number cannot get it, or its owner does not want it.
    "recipient": (30003, 30004, 30005, 30006, 21211, 21610, 21614, 63003, 63024, 63032),
    # Filtered or lost on the way.
    "carrier": (30007, 30008, 30009),
    # The sender is not registered for this kind of traffic, or the country is not enabled.
    "registration": (30034, 21408),
    # The channel behind the sender does not know it any more.
    "sender": (63001, 63002, 63007, 63051),
    # A free text outside the 24 hours in which WhatsApp allows it.
    "template": (63016,),
    "webhook": (11200, 11205, 11206, 11210, 11215, 11217, 11243, 21609),
}
FAMILIES = (*_CODES, "other")
_FAMILY_OF = {code: family for family, codes in _CODES.items() for code in codes}
WEBHOOK_CODES = tuple(map(str, _CODES["webhook"]))


def family_of(code: object) -> str:
    """Return the family of an error code, a number or its digits; `other` if it is not documented."""
    try:
        return _FAMILY_OF.get(int(str(code)), "other")
    except ValueError:
        return "other"


def is_webhook(code: str) -> bool:
    """Return whether a Monitor alert is about a request to our webhooks: 112xx, or a bad callback URL."""
    return code in WEBHOOK_CODES or (len(code) == 5 and code.startswith("112"))
