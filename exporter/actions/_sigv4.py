"""Signs a form for an AWS service by Signature Version 4.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. Only what the
post of a form needs: no query, no session token.
"""

import hashlib
import hmac
from datetime import UTC, datetime

from exporter.core.secret import Secret

ALGORITHM = "AWS4-HMAC-SHA256"
FORM = "application/x-www-form-urlencoded"

SignedHeaders = tuple[tuple[str, str | Secret], ...]


def signing_key(secret_key: str, day: str, region: str, service: str) -> bytes:
    """Return the key of a day (YYYYMMDD), region and service."""
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def sign(
    body: bytes, place: tuple[str, str], now: float, region: str, service: str, keys: tuple[str, Secret]
) -> SignedHeaders:
    """Return the headers of a POST of the form `body` to a host and path; `now` is in Unix seconds.

    `keys` are the access key id and the secret access key.
    """
    host, path = place
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {"content-type": FORM, "host": host, "x-amz-date": moment}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = "\n".join(("POST", path, "", lines, names, hashlib.sha256(body).hexdigest()))
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    text = "\n".join((ALGORITHM, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    access_key, secret_key = keys
    key = signing_key(secret_key.reveal(), moment[:8], region, service)
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    signed = f"{ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return (("Content-Type", FORM), ("X-Amz-Date", moment), ("Authorization", Secret(signed)))
