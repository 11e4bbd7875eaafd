"""Who handles an incident in a real browser, by keyboard, and what looks at the page for barriers."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.server.browser import Page
from tests.server.incident_room import Incident
from tests.waiting import PATIENCE

AXE = Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js"
QUERIES = {"/integration": "?integration=payments&tenant=acme", "/delivery": "?id=deliver/fixed/evt_0"}
LOOK = """axe.run(document, {resultTypes: ["violations"]}).then((found) => JSON.stringify(
  found.violations.map((one) => [one.id, one.nodes.map((node) => node.html.slice(0, 160))])))"""


DIALOGS = """(async (acts) => {
  const found = [];
  for (const one of document.querySelectorAll("button.do")) {
    if (acts.includes(one.dataset.act)) continue;
    acts.push(one.dataset.act);
    one.click();
    at("ask-refusal").textContent = "Refused";
    const seen = await axe.run("#ask", {resultTypes: ["violations"]});
    found.push(...seen.violations.map((it) => [one.dataset.act, it.id, it.nodes[0].html.slice(0, 160)]));
    dialog.close();
  }
  return [acts, JSON.stringify(found)];
})"""
OPENED = {
    "a confirmation": ("/alerts", "document.querySelector('[data-act=fire]').click()"),
    "a warning": ("/rate-limits", "document.querySelector('[data-act=block]').click()"),
    "fold-outs": (
        "/integration",
        "document.querySelectorAll('details').forEach((one) => { one.open = true; })",
    ),
    "a result and an error": (
        "/webhooks",
        "addResult({}).start('Working…'); addResult({}).end('It failed: no such endpoint', 'failed');"
        "document.body.dataset.stale = '1'; say('The exporter does not answer');",
    ),
    "a part that cannot be read": ("/errors?reason=odd", ""),
    "a page that there is not": ("/no/such", ""),
}
"""What opens on a tab: its path, and what a person does there."""

LONG_WORDS = """document.querySelectorAll("tbody td:not(.act):not(.number), tbody th").forEach((one) => {
  if (!one.childElementCount) Object.assign(one, {textContent: "w".repeat(70), className: "long"});
}); document.querySelectorAll("#active .state").forEach((one) => {
  Object.assign(one, {textContent: "hidden by another alert", className: "state inhibited"});
})"""

# Every text must stand out from its ground by 4.5 to 1, large and small alike
# (https://www.w3.org/TR/WCAG22/#contrast-minimum).
CONTRAST = """(() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (one) => {
    for (; one; one = one.parentElement) {
      const rgb = parts(getComputedStyle(one).backgroundColor);
      if (rgb.length === 3 || rgb[3] > 0) return rgb;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const one of document.querySelectorAll("body *")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const hint = one.placeholder ? "::placeholder" : null;
    if (!(own || hint) || one.closest("[hidden], .hidden, script, noscript, option")) continue;
    const ink = light(parts(getComputedStyle(one, hint).color));
    const [a, b] = [ink, light(ground(one))].sort((x, y) => y - x);
    const text = hint || one.textContent.trim().slice(0, 20);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(one.className + ": " + text);
  }
  return poor;
})()"""

RESULTS = """(async () => {
  const request = ask, ended = [];
  const carry = async (act, name, found) => {
    window.ask = async () => found;
    const result = {start: () => {}, progress: () => {}, end: (...all) => { ended.push(all); }};
    const kind = {...at(`act-${act}`).dataset};
    await carryOut({kind, about: name, path: "", key: "", mine: 0, result}, {});
  };
  await carry("check", "ads", {checks: [{status: "error"}], summary: {error: 1}});
  await carry("refresh", "ads", {tokens: [{status: "auth"}], summary: {auth: 1}});
  const both = [{status: "error"}, {status: "connected"}];
  await carry("check", "ads", {checks: both, summary: {error: 1, connected: 1}});
  await carry("check", "ads", {checks: [{status: "not_configured"}], summary: {not_configured: 1}});
  window.ask = request;
  ended.push([fill(at("act-check").dataset.done + " {until}", {name: "ads", until: null})]);
  return ended;
})()"""
"""Carries out what the exporter answers so; returns each result with its style."""

ENDED = [
    ["Checked ads: 1 failed.", "failed"],
    ["Asked for a new token of ads: 1 failed (auth).", "failed"],
    ["Checked ads: 1 failed, 1 connected.", "done"],
    ["Checked ads: 1 not configured.", "done"],
    ["Checked ads: \u2013. a person unblocks it"],
]

NOT_AT_FIRST = {"activate", "resolve", "end_maintenance"}
"""Offered for what is paused, was fired by hand, or is silenced."""

HIDE = """Object.defineProperty(document, 'hidden', {{configurable: true, get: () => {}}});
document.dispatchEvent(new Event('visibilitychange'))"""
"""Puts the window behind others ("true"), or in front again."""

WITHOUT_PART = """(async () => {
  const get = fetch;
  window.fetch = async (...all) => {
    const text = await (await get(...all)).text();
    return new Response(text.replace('id="alerts" data-live', ""));
  };
  await renew();
  window.fetch = get;
})()"""
"""Renews the page by one that has no alerts."""

COVERED = """(() => {
  const one = document.activeElement;
  const {x, y, width, height} = one.getBoundingClientRect();
  const over = document.elementFromPoint(x + width / 2, y + height / 2);
  return at("results").contains(over) && !at("results").contains(one);
})()"""
"""Whether the results cover what has the focus."""

WAITS = """(async () => {
  const [now, later, get, waits] = [Date.now, setTimeout, fetch, []];
  let clock = now();
  Date.now = () => clock;
  window.setTimeout = (then, wait) => { waits.push(wait); clock += wait; return later(then, 0); };
  window.fetch = async (...all) => { const answer = await get(...all); clock += takes; return answer; };
  let takes = 300;
  last = took = 0;
  for (takes of [300, 700, 100]) await renewSoon();
  Object.assign(window, {setTimeout: later, fetch: get});
  Date.now = now;
  last = took = 0;
  return waits;
})()"""
"""How long three renewals wait, of which the second takes 700 ms."""


@dataclass
class Desk:
    """An incident, and the browser of who handles it."""

    incident: Incident
    page: Page

    async def open(self, path: str) -> None:
        """Open a tab, and wait until its script has run."""
        url = self.incident.house.url + path + QUERIES.get(path, "")
        await self.page.tell("Page.navigate", url=url)
        await self.page.until(
            f"location.href === {json.dumps(url)} && document.readyState === 'complete'"
            " && document.getElementById('live') && !document.getElementById('live').hidden"
        )

    async def look(
        self, width: int = 1280, scheme: str = "light", forced: bool = False, height: int = 900
    ) -> None:
        """Let the window have this size, and the reader prefer such colours."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self.page.tell("Emulation.setDeviceMetricsOverride", **size)
        features = {"prefers-color-scheme": scheme, "forced-colors": "active" if forced else "none"}
        given = [{"name": name, "value": value} for name, value in features.items()]
        await self.page.tell("Emulation.setEmulatedMedia", features=given)

    async def place(self, style: str) -> tuple[float, float]:
        """Scroll to what fits `style`, and return a place on it."""
        x, y = await self.page.value(
            f"(() => {{ const one = document.querySelector('{style}'); one.scrollIntoView();"
            " const {x, y} = one.getBoundingClientRect(); return [x + 5, y + 5]; })()"
        )
        return x, y

    async def press(self, key: str, times: int = 1, back: bool = False) -> None:
        """Press a key of the keyboard; `back` holds the shift key down."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}
        for _ in range(times):
            given: dict[str, Any] = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
            given["modifiers"] = 8 if back else 0
            text = {"text": "\r"} if key == "Enter" else {}
            await self.page.tell("Input.dispatchKeyEvent", type="keyDown", **given, **text)
            await self.page.tell("Input.dispatchKeyEvent", type="keyUp", **given)

    async def write(self, text: str) -> None:
        """Type a text."""
        await self.page.tell("Input.insertText", text=text)

    async def tab_to(self, name: str) -> None:
        """Press the tabulator until what is called `name` has the focus."""
        script = "document.activeElement.textContent.trim().replace(/\\s+/g, ' ')"
        await self.reach(
            f"{script}.includes({json.dumps(name)})"
            " && document.activeElement !== document.body && document.activeElement.id !== 'content'"
        )

    async def reach(self, there: str) -> None:
        """Press the tabulator until `there` is true."""
        async with asyncio.timeout(PATIENCE):
            for _ in range(400):
                if await self.page.value(there):
                    return
                await self.press("Tab")
        raise AssertionError(f"the tabulator never reaches it: {there}")

    async def go(self, link: str, path: str) -> None:
        """Follow a link by keyboard, and wait until the script of the next page has run."""
        await self.tab_to(link)
        await self.press("Enter")
        await self.page.until(
            f"location.pathname === {json.dumps(path)} && document.readyState === 'complete'"
            " && document.getElementById('live') && !document.getElementById('live').hidden"
        )

    async def do(self, button: str, label: str, **fields: str) -> str:
        """Press a button by keyboard, fill in `fields`, confirm by the button `label`; return the result."""
        await self.page.value("document.querySelectorAll('#results button').forEach((one) => one.click())")
        await self.tab_to(button)
        await self.press("Enter")
        await self.page.until("document.getElementById('ask').open")
        for name, text in fields.items():
            await self.reach(f"document.activeElement.name === {json.dumps(name)}")
            await self.write(text)
        await self.tab_to(label)
        await self.press("Enter")
        return await self.result()

    async def result(self) -> str:
        """Return the newest result once it is there."""
        line = "document.querySelector('#results li.done, #results li.failed')"
        await self.page.until(f"{line} !== null && document.querySelector('#results progress') === null")
        return str(await self.page.value(f"{line}.firstChild.textContent"))
