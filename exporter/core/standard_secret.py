"""Secrets of Standard Webhooks: random bytes in base64 behind `whsec_`.

Source: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md, "Signature scheme".
"""

import base64
import binascii
import secrets

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
"""Bytes of a secret by the specification; what we make has 32."""


def new_secret() -> str:
    """Return a new secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(text: str) -> bytes:
    """Return the key in a secret; ValueError when it is none. As in the libraries its prefix may lack."""
    try:
        return base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a secret is no base64") from None


def secret_problem(text: str) -> str:
    """Return what is wrong with a secret, and what to do, without quoting it; "" where nothing is."""
    remedy = 'copy it with its whsec_, or make one: echo "whsec_$(openssl rand -base64 32)"'
    try:
        size = len(key_of(text))
    except ValueError:
        return f"the secret is not whsec_ and base64; {remedy}"
    if not LEAST_BYTES <= size <= MOST_BYTES:
        return f"the secret has {size} bytes and not {LEAST_BYTES} to {MOST_BYTES}; {remedy}"
    return ""
