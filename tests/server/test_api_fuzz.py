"""Whatever anybody asks of any route, made from the description of the API: no 500, and answers that fit it.

The suite tries the same few requests each time; API_FUZZ=300 tries so many new ones of each route.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from schemathesis import openapi

from exporter.server.openapi import document

FUZZ = int(os.environ.get("API_FUZZ", "0"))
EXAMPLES = FUZZ or 4
PROFILE = settings(
    max_examples=EXAMPLES,
    derandomize=not FUZZ,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
DOCUMENT = document()
SCHEMA = openapi.from_dict(DOCUMENT)
LEFT_OUT = {
    # It has no end, and it reads the file of this test again and again.
    ("GET", "/api/v1/stream"),
    ("POST", "/-/reload"),
    ("PUT", "/-/reload"),
}
PLACES = [
    (method.upper(), path)
    for path, place in DOCUMENT["paths"].items()
    for method in place
    if (method.upper(), path) not in LEFT_OUT
]
pytestmark = pytest.mark.asyncio(loop_scope="session")
