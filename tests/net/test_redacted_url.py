"""A URL in a log: whom we ask and what for, without what it may hide."""

import pytest

from exporter.net.url import parse


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://shop.example/api/v1/health", "https://shop.example/api/v1/health"),
        ("https://shop.example/2010-04-01/Accounts.json", "https://shop.example/2010-04-01/Accounts.json"),
        ("https://shop.example/a?limit=5&token=abc", "https://shop.example/a?limit=5&token=***"),
        (
            "https://shop.example/a?Page=2&per_page=x&count=1234567",
            "https://shop.example/a?Page=2&per_page=***&count=***",
        ),
        ("https://shop.example/a?pin=1234&id=77", "https://shop.example/a?pin=***&id=***"),
        ("https://shop.example/a?sk_live_51Habcdefgh", "https://shop.example/a?***=***"),
        ("https://t.example/bot123456:AAExampleTokenOf35Characters/getMe", "https://t.example/***/getMe"),
        (
            "https://hooks.example/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
            "https://hooks.example/services/T00000000/B00000000/***",
        ),
        ("https://x.example/ping/6f1c2d3e-1a2b-3c4d-5e6f-a1b2c3d4e5f6", "https://x.example/ping/***"),
        ("https://x.example/sk%5Flive%5F51Habcdefgh/x", "https://x.example/***/x"),
    ],
)
def test_neither_values_nor_what_looks_like_a_credential_is_shown(url: str, shown: str) -> None:
    assert parse(url).redact() == shown


def test_it_is_not_cut_because_half_a_credential_would_not_be_found() -> None:
    assert parse("https://x.example/" + "a/" * 500).redact().endswith("a/a/")
