"""Simulates a service of our own with a health page: what the provider `http` is most often pointed at.

GET /health      200 {"status": "ok", "queue": {"name": "mail", "length": 3}} for a bearer token
"""

from typing import Any

from exporter.sandbox.vendor import Call, Place, Reply, Vendor

TOKEN = "sandbox-planted-token-4242"  # noqa: S105 - made up, and accepted by the sandbox only

SCENARIOS = {
    "degraded": "The service answers 200 but says that it is degraded.",
    "long_queue": "The queue grows to 250 jobs.",
}


def _options(place: Place) -> dict[str, Any]:
    return {
        "url": f"{place.tls_url}/health",
        "tls": {"ca_file": place.ca_file},
        "auth": {"bearer": {"token": TOKEN}},
        "expect": {"status": [200], "body": ["status == 'ok'"]},
        "extract": [
            {
                "metric": "queue_length",
                "path": "queue.length",
                "help": "Jobs waiting.",
                "labels": {"queue": "queue.name"},
            }
        ],
    }


def _guard(call: Call) -> Reply | None:
    if call.headers.get("authorization") == f"Bearer {call.credentials['token']}":
        return None
    return Reply(401, {"error": "unauthorized"}, {"WWW-Authenticate": "Bearer"})


def _health(call: Call) -> Reply:
    return Reply(
        body={
            "status": "degraded" if "degraded" in call.scenarios else "ok",
            "queue": {"name": "mail", "length": 250 if "long_queue" in call.scenarios else 3},
        }
    )


VENDOR = Vendor(
    name="http",
    title="A service with a health page",
    options=_options,
    credentials={"token": TOKEN},
    guard=_guard,
    routes={"GET /health": _health},
    scenarios=SCENARIOS,
    # The answer is well-formed; it only does not say what the configuration expects.
    reasons={"missing_field": "assertion"},
)
