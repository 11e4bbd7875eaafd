// Renews what is live, and does what buttons ask for. Without it the page works too: it reloads itself.
"use strict";

const RENEW = 30000; // also where nothing reports changes
const LEAST = 1000; // between the starts of two renewals: a stream of changes must not become a stream of pages
const LOOK = 1000; // how often a job is looked at
const HEADERS = { "X-Integration-Exporter": "1", "Content-Type": "application/json" };
const words = document.body.dataset;
const at = (id) => document.getElementById(id);
const dialog = at("ask");
const liveSwitch = at("live");
const say = (text) => { at("say").textContent = text; };

// Times: the reader's zone as text, UTC on hover.
const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

function showTimes(root) {
  root.querySelectorAll("time.at").forEach((one) => { one.textContent = local.format(new Date(one.dateTime)); });
  root.querySelectorAll("time.ago").forEach((one) => { one.title = `${local.format(new Date(one.dateTime))} · ${one.title}`; });
}

function showZone() {
  const zone = at("zone");
  if (zone) zone.textContent = fill(words.zone, { zone: Intl.DateTimeFormat().resolvedOptions().timeZone });
}

function prepare(root) {
  showTimes(root);
  root.querySelectorAll("button.do, .act").forEach((one) => { one.hidden = false; });
  root.querySelectorAll("button.do").forEach(showBusy);
}

// What became of one target: its status, or the reason why it failed.
const results = JSON.parse(words.results);
const nameResult = (word) => results[word] ?? `${results.error} (${word.replaceAll("_", " ")})`;
const GOOD = ["connected", "not_configured", "ok"];

// Texts: {name} is filled in from the answer, as a person reads it.
function plain(value) {
  if (value === null || value === undefined || value === "") return "–";
  if (Array.isArray(value)) return value.length ? value.join(" ") : "–";
  if (typeof value === "object") {
    return Object.entries(value).map(([word, count]) => `${count} ${nameResult(word)}`).join(", ") || "–";
  }
  return MOMENT.test(value) ? local.format(new Date(value)) : String(value);
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => (
  name === "until" && values.until === null ? words.noEnd : plain(values[name])));

// Live parts: each is exchanged for its new self where that differs. What a person does meanwhile stays.
const seen = new WeakMap();
let renewing = false;
let due = false;
let doubtful = false; // whether the page may be another one for who reads it
let last = 0; // the start of the last renewal: counted from its end, a change would be seen too late
let took = 0;

// The focus is found again by what the element is about, because the element itself is exchanged.
const CONTROLS = "a, button, summary, [tabindex]";
const keyOf = (one) => one.id || one.getAttribute("href") || [one.dataset.act, one.dataset.about, one.dataset.key].join();
const rowOf = (one) => one.closest("[data-row]")?.dataset.row;
const placeOf = (one) => ({ key: keyOf(one), row: rowOf(one) });

// To the same control, else to its row, else to the heading above: who works by keyboard goes on from there.
function focusAgain({ key, row }, region) {
  const same = [...region.querySelectorAll(CONTROLS)].find((one) => keyOf(one) === key && rowOf(one) === row);
  const rest = row && region.querySelector(`[data-row="${CSS.escape(row)}"]`);
  const above = [...document.querySelectorAll("main :is(h1, h2)")]
    .findLast((one) => one.compareDocumentPosition(region) & Node.DOCUMENT_POSITION_FOLLOWING);
  for (const one of [same, rest, above, at("content")]) {
    if (one && !one.matches(CONTROLS)) one.tabIndex = -1;
    one?.focus({ preventScroll: true });
    // It may be there and not be shown.
    if (one && document.activeElement === one) return;
  }
}

// A button that is being pressed would miss its click, and a text that is being copied its selection.
function inUse(part) {
  const pressed = part.matches(":active");
  const picked = getSelection();
  if (pressed) due = true;
  return pressed || (!picked.isCollapsed && part.contains(picked.anchorNode));
}

function exchange(old, fresh) {
  const mark = fresh.outerHTML;
  if (seen.get(old) === mark || inUse(old)) return;
  const place = old.contains(document.activeElement) ? placeOf(document.activeElement) : null;
  const scrolled = [...old.querySelectorAll(".scroll")].map((one) => one.scrollTop);
  const open = new Set([...old.querySelectorAll("details[open]")].map((one) => one.dataset.key));
  const now = document.importNode(fresh, true);
  seen.set(now, mark);
  prepare(now);
  now.querySelectorAll("details").forEach((one) => { one.open = open.has(one.dataset.key); });
  old.replaceWith(now);
  now.querySelectorAll(".scroll").forEach((one, index) => { one.scrollTop = scrolled[index] ?? 0; });
  if (place) focusAgain(place, now);
}

const REFUSED = [401, 403];
// Which parts a page has; one that is refused has none, and its reason.
const parts = (root) => [...root.querySelectorAll("[data-live], #refused-heading")]
  .map((one) => ("live" in one.dataset ? one.id : one.textContent)).join(" ");
// Pages of the exporter say for whom they are, if only by nothing; what a proxy answers in their place does not.
const isOurs = (page) => "caller" in page.body.dataset;

async function readAgain() {
  // A proxy whose session is over leads to its own form, often at another host.
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const isAnswer = answer.ok || answer.type === "opaqueredirect" || REFUSED.includes(answer.status);
  // A proxy that cannot reach the exporter answers 404 or 502.
  if (!isAnswer && !isOurs(fresh)) throw new Error(`HTTP ${answer.status}`);
  return fresh;
}

async function renew() {
  const fresh = await readAgain();
  if ((fresh.body.dataset.caller ?? "") !== words.caller) changeCaller(fresh);
  // The dialog gives the focus back to its button, which therefore must not be exchanged under it.
  else if (dialog?.open || !isLive()) { due = true; return; }
  else if (parts(fresh) !== parts(document)) replaceContent(fresh);
  else document.querySelectorAll("[data-live]").forEach((old) => exchange(old, fresh.getElementById(old.id)));
  document.title = fresh.title || location.host;
}

const replaceable = (main) => [...(main?.children ?? [])].filter((one) => !one.matches("#say, #results, noscript"));

// Where the new page lacks a part, the old one would stay and look as fresh as the rest.
function replaceContent(fresh) {
  replaceable(at("content")).forEach((one) => one.remove());
  at("content").append(...replaceable(fresh.querySelector("main")).map((one) => document.importNode(one, true)));
  prepare(at("content"));
}

// A session ends, or rights change: whatever was shown to the caller before goes, also around the content.
function changeCaller(fresh) {
  // Who gains rights needs dialogs that are not here.
  if (!words.caller || at("sign-in") || (!dialog && fresh.getElementById("ask"))) { location.reload(); return; }
  if (dialog?.open) dialog.close();
  at("lines").replaceChildren();
  at("dismiss-all").hidden = true;
  const ours = isOurs(fresh);
  if (!ours) fresh.body.replaceChildren();
  replaceContent(fresh);
  for (const style of [".tabs", "footer"]) {
    const now = fresh.querySelector(style);
    document.querySelector(style)?.replaceWith(...(now ? [document.importNode(now, true)] : []));
  }
  document.querySelectorAll("template").forEach((one) => one.remove());
  document.body.append(...[...fresh.querySelectorAll("template")].map((one) => document.importNode(one, true)));
  showZone();
  Object.assign(words, { caller: fresh.body.dataset.caller ?? "", stream: fresh.body.dataset.stream ?? "", stale: "gone" });
  if (!words.caller) offerAgain();
  listen();
  say(ours ? words.gone : words.foreign);
  if (document.activeElement === document.body) at("content").focus({ preventScroll: true });
}

// Only the browser itself asks for a password, or follows a proxy to its form.
function offerAgain() {
  const line = document.createElement("p");
  line.append(Object.assign(document.createElement("a"), { href: location.href, textContent: words.again }));
  at("content").append(line);
}

async function renewSoon() {
  if (document.hidden || renewing || (!doubtful && (!isLive() || dialog?.open))) { due = true; return; }
  renewing = true;
  // What takes long is asked for less often: pages must not keep a slow exporter busy.
  await new Promise((done) => setTimeout(done, Math.max(0, last + Math.max(LEAST, 2 * took) - Date.now())));
  const doubted = doubtful;
  due = doubtful = false;
  const start = last = Date.now();
  try {
    await renew();
    if (words.stale === "old") { delete words.stale; say(""); }
  } catch (error) {
    doubtful = doubted;
    words.stale = "old";
    say(fill(words.old, { error: error.message }));
  }
  took = Date.now() - start;
  renewing = false;
  if (due) renewSoon();
}

// The rights of who reads may have changed: that is looked at also where the page is not live.
function lookWhoReads() {
  doubtful = true;
  renewSoon();
}

function isLive() { return liveSwitch.getAttribute("aria-pressed") === "true"; }

// A browser has six connections to a host, for all its windows: one that nobody looks at gives its own away.
let stream = null;

function listen() {
  stream?.close();
  stream = null;
  if (!words.stream || !window.EventSource || document.hidden) return;
  const kinds = words.kinds.split(" ");
  stream = new EventSource(words.stream);
  stream.addEventListener("change", (event) => {
    const found = JSON.parse(event.data).kinds || kinds;
    if (found.some((kind) => kinds.includes(kind))) renewSoon();
  });
  stream.addEventListener("access", lookWhoReads);
  stream.addEventListener("error", (event) => {
    // Refused, where it was not before.
    if (event.target.readyState === EventSource.CLOSED) lookWhoReads();
  });
}

// Actions: a button names one, its template says how it is asked and which request it is.
function addResult(origin) {
  const line = document.createElement("li");
  const [said, bar, close] = ["span", "progress", "button"].map((tag) => document.createElement(tag));
  Object.assign(close, { type: "button", textContent: words.dismiss });
  close.addEventListener("click", () => {
    const next = line.nextElementSibling ?? line.previousElementSibling;
    line.remove();
    at("dismiss-all").hidden = at("lines").childElementCount < 2;
    if (next) next.querySelector("button").focus();
    else focusAgain(origin, at("content"));
  });
  line.append(said, bar, close);
  at("lines").prepend(line);
  at("dismiss-all").hidden = at("lines").childElementCount < 2;
  const show = (text, style) => { said.textContent = text; line.className = style; say(text); };
  return {
    start(text) { show(text, ""); bar.setAttribute("aria-label", text); said.after(bar); },
    progress(done, total) { Object.assign(bar, { max: total || 1, value: done }); },
    end(text, style) { show(text, style); bar.remove(); },
  };
}

// Requests under way: their buttons wait, also those that take their place meanwhile.
const busy = new Set();

// Not `disabled`: that would take the focus away from who works by keyboard.
function showBusy(button) {
  if (busy.has(keyOf(button))) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
}

function setBusy(key, wanted) {
  busy[wanted ? "add" : "delete"](key);
  document.querySelectorAll("button.do").forEach(showBusy);
}

let asked = 0; // which asking the open dialog is of
let decide = null;

function openDialog(kind, about, given) {
  at("ask-title").textContent = fill(kind.title, { name: about });
  at("ask-text").textContent = kind.ask;
  at("ask-refusal").textContent = "";
  at("ask-fields").replaceChildren(at(`act-${kind.name}`).content.cloneNode(true));
  for (const [name, value] of Object.entries(given)) {
    const field = at("ask-fields").querySelector(`[name="${name}"]`);
    if (field) field.value = Array.isArray(value) ? value.join(" ") : value;
  }
  at("ask-yes").textContent = kind.label;
  at("ask-yes").classList.toggle("danger", "dangerous" in kind);
  at("ask-yes").removeAttribute("aria-disabled");
  dialog.showModal();
  asked += 1;
  return asked;
}

// Resolves to what is filled in, or to null where the dialog is left. It stays open until somebody closes it.
const decision = () => new Promise((done) => { decide = done; });

function decided(fields) {
  const done = decide;
  decide = null;
  done?.(fields);
}

// An empty field is not sent; it also takes away what the button had for it.
function filledIn(form) {
  const lists = new Set([...form.querySelectorAll("[data-names]")].map((one) => one.name));
  const split = (name, text) => (lists.has(name) ? text.split(/[\s,]+/).filter(Boolean) : text);
  return Object.fromEntries([...new FormData(form)].map(([name, text]) => [name, text === "" ? undefined : split(name, text)]));
}

async function ask(method, path, body) {
  const answer = await fetch(path, { method, headers: HEADERS, body: body && JSON.stringify(body) });
  const text = await answer.text();
  const found = text.startsWith("{") ? JSON.parse(text) : {};
  if (!answer.ok) throw new Error(found.error || `HTTP ${answer.status}`);
  return found;
}

// What takes long is a job, whose progress is below the path of the request.
async function finish(path, found, progress) {
  while (found.state === "running") {
    progress(found.done, found.total);
    await new Promise((done) => setTimeout(done, LOOK));
    found = await ask("GET", `${path}/${found.id}`);
  }
  return found;
}

// Does what is asked for; returns whether it is over. It is not where the dialog is still open to say it again:
// a refusal takes away nothing that a person typed.
async function carryOut({ kind, about, path, key, mine, result }, body) {
  const ours = () => dialog.open && asked === mine;
  setBusy(key, true);
  result.start(`${fill(kind.doing, { name: about })}…`);
  try {
    const answer = await ask(kind.method, path, body);
    if (ours()) dialog.close();
    const found = await finish(path, answer, result.progress);
    const rows = found.checks || found.tokens || [];
    const isGood = !rows.length || rows.some((row) => GOOD.includes(row.status));
    const text = fill(kind.done, { ...body, total: rows.length, ...found, name: about || found.name });
    const more = found.replaced ? ` ${fill(words.replaced, found.replaced)}` : "";
    result.end(text + more, isGood ? "done" : "failed");
  } catch (error) {
    const text = fill(kind.failed, { name: about, error: error.message });
    result.end(text, "failed");
    if (ours()) {
      at("ask-refusal").textContent = text;
      at("ask-yes").removeAttribute("aria-disabled");
      return false;
    }
  } finally {
    setBusy(key, false);
    last = 0;
    renewSoon();
  }
  return true;
}

async function act(button) {
  if (busy.has(keyOf(button))) return;
  // The dialog gives the focus back to what had it; Safari gives none to a button that is clicked.
  button.focus({ preventScroll: true });
  const { act: name, about } = button.dataset;
  const kind = { name, ...at(`act-${name}`).dataset };
  const own = JSON.parse(button.dataset.body);
  const path = words.root + kind.path.replace(/\{(\w+)\}/g, (_, key) => encodeURIComponent(button.getAttribute(`data-in-${key}`)));
  const deed = { kind, about, path, key: keyOf(button), mine: openDialog(kind, about, own) };
  const origin = placeOf(button);
  for (let fields = await decision(); fields !== null; fields = await decision()) {
    deed.result ??= addResult(origin);
    // Where nothing was typed nothing can be lost: what goes on is seen behind the dialog.
    if (!at("ask-fields").childElementCount) dialog.close();
    if (await carryOut(deed, { ...JSON.parse(kind.body), ...own, ...fields })) return;
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.do");
  if (button) act(button);
});
// A view that is sent to somebody has only what was filled in.
document.addEventListener("formdata", (event) => {
  if (!event.target.matches(".filters")) return;
  [...event.formData].filter(([, text]) => text === "").forEach(([name]) => event.formData.delete(name));
});
at("ask-no")?.addEventListener("click", () => dialog.close());
dialog?.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!decide) return;
  at("ask-refusal").textContent = "";
  at("ask-yes").setAttribute("aria-disabled", "true");
  decided(filledIn(event.target));
});
dialog?.addEventListener("close", () => {
  decided(null);
  if (due) renewSoon();
});
at("dismiss-all").addEventListener("click", () => {
  at("lines").replaceChildren();
  at("dismiss-all").hidden = true;
  at("content").focus({ preventScroll: true });
});
// What has the focus must not be behind the results, which stay at the top.
new ResizeObserver(() => {
  document.documentElement.style.scrollPaddingTop = `${at("results").offsetHeight + 16}px`;
}).observe(at("results"));
document.addEventListener("visibilitychange", () => {
  listen();
  // What changed meanwhile nobody has reported.
  if (!document.hidden) lookWhoReads();
});
liveSwitch.addEventListener("click", () => {
  liveSwitch.setAttribute("aria-pressed", String(!isLive()));
  liveSwitch.title = isLive() ? liveSwitch.dataset.on : liveSwitch.dataset.off;
  document.querySelectorAll(".renewed").forEach((one) => { one.textContent = liveSwitch.title; });
  if (due) renewSoon();
});
setInterval(() => {
  // The browser itself tries again where a connection breaks, but not where it was refused.
  if (stream?.readyState === EventSource.CLOSED) listen();
  renewSoon();
}, RENEW);

liveSwitch.hidden = false;
showZone();
prepare(document);
listen();
