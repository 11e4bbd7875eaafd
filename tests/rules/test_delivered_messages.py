"""What people get, from a real Alertmanager: as golden texts, and with everything hostile in it."""

import base64
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.core.severity import Severity
from tests.rules.delivered import Delivery, body, deliver, golden, notice
from tests.server.browser import browsing
from tests.servers.message_sinks import EVENT_LIMIT

IMAGES = Path(__file__).parents[2] / "docs/images"

PAY = {"integration": "payments", "provider": "stripe"}
DOWN = notice(
    "IntegrationDown",
    Severity.CRITICAL,
    "All 3 targets of payments (stripe) failed at least 6 probes in a row.",
    "auth 2, timeout 1",
    **PAY,
)
QUOTA = notice(
    "IntegrationQuotaNearLimit",
    Severity.CRITICAL,
    "The quota month of mail (resend) of tenant north is used to 101%.",
    integration="mail",
    provider="resend",
    tenant="north",
    quota="month",
)
FAILING = [
    notice(
        "IntegrationTargetFailing",
        Severity.HIGH,
        f"shop (http) has failed 3 probes in a row for tenant t{number}.",
        "auth" if number % 3 else "timeout",
        integration="shop",
        provider="http",
        tenant=f"t{number}",
    )
    for number in range(40)
]
HTML = "<script>alert(1)</script><a href='http://evil.example'>x</a>"
MARKUP = "<!channel> <http://evil.example|Runbook> *bold* `code` & @here"
LINES = "one\nResolved:\r\n- all is well\u2028three\u0085four"
TURNED = "abc\u202edcba\u2066\u200f\ufeff"
NULS = "a\x00b\x1bc\x07d\x7f"
LONG = "x" * 10_000
HOSTILE = {"html": HTML, "markup": MARKUP, "lines": LINES, "turned": TURNED, "nul": NULS, "long": LONG}
FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
EVIL = [
    notice(
        "IntegrationTokenExpired",
        Severity.CRITICAL,
        f"The access token of {name} for {value} has expired.",
        value,
        integration=f"evil-{name}",
        provider="http",
        tenant=value,
        token=value,
    )
    for name, value in HOSTILE.items()
]
STORM = [
    notice(
        "IntegrationTokenExpired",
        Severity.CRITICAL,
        f"The access token of storm (stripe) for tenant tenant-{number:05} has expired.",
        integration="storm",
        provider="stripe",
        tenant=f"tenant-{number:05}",
        token="access",
    )
    for number in range(10_000)
]


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    alerts = [DOWN, QUOTA, *FAILING, *EVIL]
    return deliver(tmp_path_factory.mktemp("delivered"), alerts)


@pytest.mark.parametrize("integration", ["payments", "mail", "shop"])
def test_the_messages_about_an_integration_are_the_golden_ones(delivery: Delivery, integration: str) -> None:
    text = delivery.of(integration).text
    assert text == golden(f"messages-{integration}.txt", text)


def test_every_channel_takes_what_it_gets(delivery: Delivery) -> None:
    assert delivery.sinks.refused == []
    assert not re.findall(r"level=(?:warn|error).*", delivery.log)
    # Down, quota and one for each hostile value are critical; all but text messages come again at the end.
    critical = 2 + len(EVIL)
    assert len(delivery.sinks.pagerduty) == 2 * critical
    assert len(delivery.sinks.sms) == critical
    assert len(delivery.letters) == len(delivery.sinks.slack) == 2 * (critical + 1)


def _texts(delivery: Delivery) -> list[str]:
    """Return every text that a person reads, but for HTML."""
    found = [str(letter["Subject"]) for letter in delivery.letters]
    found += [body(letter, "plain") for letter in delivery.letters]
    found += [text for one in delivery.sinks.slack for text in _strings(one)]
    found += [text for one in delivery.sinks.pagerduty for text in _strings(one)]
    return found + [one["Message"] for one in delivery.sinks.sms]


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inside for text in _strings(one)]


def test_the_details_of_an_event_are_text_for_every_version(delivery: Delivery) -> None:
    for event in delivery.sinks.pagerduty:
        details = event["payload"]["custom_details"]
        shown = details["firing"] or details["resolved"]
        assert isinstance(shown, str)
        with pytest.raises(yaml.YAMLError):
            yaml.safe_load(shown)


def test_no_value_of_a_label_forges_a_line_or_turns_the_text(delivery: Delivery) -> None:
    for text in (*_texts(delivery), *(body(letter, "html") for letter in delivery.letters)):
        assert not re.search(
            r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]", text
        )
        assert not re.search(r"^(Resolved:\n)?- all is well", text, re.MULTILINE)


def test_no_value_of_a_label_is_markup_of_a_mail_or_of_slack(delivery: Delivery) -> None:
    for letter in delivery.letters:
        html = body(letter, "html")
        assert "<script" not in html and "ZgotmplZ" not in html
        assert set(re.findall(r'href="(https?://[^/"]+)', html)) <= {
            "http://exporter.example:10055",
            "https://grafana.example",
            "http://alertmanager.example:9093",
        }
    for one in delivery.sinks.slack:
        (part,) = one["attachments"]
        links = re.findall(r"<([^|>]*)", f"{part['text']}")
        assert all(re.match(r"https?://(exporter|grafana|alertmanager)\.example", link) for link in links)
        assert "<!" not in part["title"] + part["fallback"] and "<http" not in part["title"]


def test_no_value_of_a_label_makes_a_message_endless(delivery: Delivery) -> None:
    evil = delivery.of("evil-long")
    assert evil.letters and evil.sinks.slack and evil.sinks.sms
    for text in (*_texts(evil), *(body(letter, "html") for letter in evil.letters)):
        assert len(text) < 6_000
    assert all(len(str(letter["Subject"])) < 600 for letter in evil.letters)


def test_a_text_message_has_at_most_two_segments_of_plain_gsm_7(delivery: Delivery) -> None:
    for one in delivery.sinks.sms:
        assert len(one["Message"]) <= 306
        assert re.fullmatch("[ -Z_a-z]+", one["Message"])


def test_a_storm_of_ten_thousand_tenants_is_two_notifications_of_a_readable_size(tmp_path: Path) -> None:
    # Longer than critical alerts wait, because a busy machine is slow to take so many in.
    storm = deliver(tmp_path, STORM, "15s")
    assert storm.sinks.refused == []
    firing, resolved = storm.sinks.pagerduty
    assert (firing["event_action"], resolved["event_action"]) == ("trigger", "resolve")
    assert firing["dedup_key"] == resolved["dedup_key"]
    assert "all 10000: tenant-0" in firing["payload"]["custom_details"]["firing"]
    assert all(len(str(event)) < EVENT_LIMIT / 40 for event in storm.sinks.pagerduty)
    assert len(storm.letters) == len(storm.sinks.slack) == 2
    assert len(storm.sinks.sms) == 1
    assert str(storm.letters[0]["Subject"]).endswith("has expired. (10000 alerts)")
    assert str(storm.letters[1]["Subject"]).endswith("has expired. (10000 alerts)")
    assert all(len(text) < 6_000 for text in _texts(storm))


LOOKS = {
    "mail.png": ("light", 760, "rgb(255, 255, 255)"),
    "mail-dark.png": ("dark", 760, "rgb(35, 36, 39)"),
    "mail-phone.png": ("light", 390, "rgb(255, 255, 255)"),
    "mail-phone-dark.png": ("dark", 390, "rgb(35, 36, 39)"),
}
"""The pictures in docs/images: scheme and width of the window, and the colour behind the text."""

# The least contrast of any text with what is behind it, as shown; WCAG 2.1, 1.4.3 asks for 4.5.
CONTRAST = """(() => {
  const parts = (text) => text.match(/[\\d.]+/g).slice(0, 3).map((one) => {
    const c = one / 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
  const light = (text) => { const [r, g, b] = parts(text); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (node) => { const found = getComputedStyle(node).backgroundColor;
    return found.endsWith(', 0)') ? behind(node.parentElement) : found; };
  return Math.min(...[...document.querySelectorAll('p, span, h1, h2, li, a')].map((node) => {
    const [a, b] = [light(getComputedStyle(node).color), light(behind(node))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05); }));
})()"""


@pytest.mark.parametrize("name", LOOKS)
async def test_a_mail_can_be_read_on_desk_and_phone_by_day_and_by_night(
    delivery: Delivery, tmp_path: Path, name: str
) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "chromium is missing; install it, it shows whether a mail can be read"
    scheme, width, behind = LOOKS[name]
    (tmp_path / "mail.html").write_text(body(delivery.of("shop").letters[0], "html"))
    async with browsing(chromium, (tmp_path / "mail.html").as_uri(), tmp_path / "profile") as page:
        await page.tell(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
        )
        size = {"width": width, "height": 200, "deviceScaleFactor": 1, "mobile": width < 500}
        await page.tell("Emulation.setDeviceMetricsOverride", **size)
        assert await page.value("getComputedStyle(document.querySelector('.card')).backgroundColor") == behind
        assert await page.value("document.documentElement.scrollWidth") <= width
        assert await page.value(CONTRAST) >= 4.5
        height = await page.value("document.documentElement.scrollHeight")
        await page.tell("Emulation.setDeviceMetricsOverride", **{**size, "height": height})
        taken = await page.tell("Page.captureScreenshot", format="png")
    picture = IMAGES / name
    if os.environ.get("UPDATE_GOLDEN"):
        picture.write_bytes(base64.b64decode(taken["data"]))
    assert picture.read_bytes().startswith(b"\x89PNG")
