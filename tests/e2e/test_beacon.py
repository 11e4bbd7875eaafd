"""A page in a browser, a whole exporter behind a prefix, and what Prometheus then scrapes."""

import shutil
from pathlib import Path

from exporter.demo.services import DemoProcess
from tests.e2e.asking import read, until
from tests.e2e.conftest import COMMAND
from tests.server.browser import browsing
from tests.server.shop import shop
from tests.servers.ports import free_port

CONFIGURATION = """\
integrations:
  - {{name: api, provider: tcp, options: {{host: 127.0.0.1, port: {port}}}}}
events:
  allow: {{widget: [donate, signup], release: ["1.*"], route: ["/page*"]}}
  beacon:
    sites:
      - {{key: pub_shop, tenant: acme, origins: ["{origin}"]}}
"""
ARRIVED = 'integration_exporter_events_total{kind="widget"} 2'
TARGET = 'integration="",provider=""'
DONATE = 'release="1.4",tenant="acme",widget="donate"'
SIGNUP = 'release="",tenant="acme",widget="signup"'
EXPECTED = (
    f"integration_widget_loads_total{{{TARGET},{DONATE}}} 1.0",
    f"integration_widget_loads_total{{{TARGET},{SIGNUP}}} 1.0",
    f'integration_widget_failures_total{{{TARGET},reason="load_error",{DONATE}}} 0.0',
    f'integration_widget_failures_total{{{TARGET},reason="load_error",{SIGNUP}}} 1.0',
    f'integration_widget_load_duration_seconds_count{{{TARGET},widget="donate"}} 1.0',
)


async def test_a_page_with_two_widgets_reaches_the_series_of_an_exporter(tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "chromium is missing; install it, it shows whether pages report"
    port = free_port()
    url = f"http://127.0.0.1:{port}/monitoring"
    async with shop() as site:
        config = tmp_path / "config.yml"
        config.write_text(CONFIGURATION.format(port=port, origin=site.origin))
        command = [
            *COMMAND,
            f"--config.file={config}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.route-prefix=/monitoring",
        ]
        service = DemoProcess("exporter", command, f"{url}/-/ready", tmp_path / "exporter.log")
        await service.start()
        try:
            site.exporter = url
            page_url = site.page(
                'src="/donate.js" data-widget="donate" data-release="1.4" async',
                'src="/gone.js" data-widget="signup" async',
                options="async",
            )
            async with browsing(chromium, page_url, tmp_path / "profile") as page:
                await page.until("window.donated === 1 && window.appw.on === 1")
                await page.tell("Page.navigate", url="about:blank")

                async def scraped() -> str:
                    text = await read(f"{url}/metrics")
                    return text if ARRIVED in text else ""

                text = await until("the page's events arrive", scraped)
                assert [line for line in EXPECTED if line not in text.splitlines()] == []
                assert [one for one in page.complaints if "Content Security Policy" in one] == []
        finally:
            await service.stop()
