// Renews what is live, and does what buttons ask for. Without it the page works too: it reloads itself.
"use strict";

const RENEW = 30000; // also where nothing reports changes
const LEAST = 2000; // between two renewals: a stream of changes must not become a stream of pages
const LOOK = 1000; // how often a job is looked at
const HEADERS = { "X-Integration-Exporter": "1", "Content-Type": "application/json" };
const words = document.body.dataset;
const dialog = document.getElementById("ask");
const liveSwitch = document.getElementById("live");
const say = (text) => { document.getElementById("say").textContent = text; };

// Times: the reader's zone as text, UTC on hover.
const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

function showTimes(root) {
  root.querySelectorAll("time.at").forEach((one) => { one.textContent = local.format(new Date(one.dateTime)); });
  root.querySelectorAll("time.ago").forEach((one) => { one.title = `${local.format(new Date(one.dateTime))} · ${one.title}`; });
}

function prepare(root) {
  showTimes(root);
  root.querySelectorAll("button.do, .act").forEach((one) => { one.hidden = false; });
}

// Texts: {name} is filled in from the answer, as a person reads it.
function plain(value) {
  if (value === null || value === undefined || value === "") return "–";
  if (Array.isArray(value)) return value.length ? value.join(" ") : "–";
  if (typeof value === "object") {
    return Object.entries(value).map(([word, count]) => `${count} ${word.replaceAll("_", " ")}`).join(", ") || "–";
  }
  return MOMENT.test(value) ? local.format(new Date(value)) : String(value);
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => plain(values[name]));

// Live parts: each is exchanged for its new self where that differs. What a person does meanwhile stays.
const seen = new WeakMap();
let renewing = false;
let due = false;
let last = 0;

// The focus is found again by what the element is about, because the element itself is exchanged.
const keyOf = (one) => one.id || one.getAttribute("href") || [one.dataset.act, one.dataset.about, one.dataset.key].join();

function exchange(old, fresh) {
  const mark = fresh.outerHTML;
  if (seen.get(old) === mark) return;
  const focus = old.contains(document.activeElement) ? keyOf(document.activeElement) : null;
  const open = new Set([...old.querySelectorAll("details[open]")].map((one) => one.dataset.key));
  const now = document.importNode(fresh, true);
  seen.set(now, mark);
  prepare(now);
  now.querySelectorAll("details").forEach((one) => { one.open = open.has(one.dataset.key); });
  old.replaceWith(now);
  if (focus === null) return;
  const again = [...now.querySelectorAll("a, button, summary, [tabindex]")].find((one) => keyOf(one) === focus);
  again?.focus({ preventScroll: true });
  // It may be gone, or not be shown any more.
  if (!now.contains(document.activeElement)) document.getElementById("content").focus({ preventScroll: true });
}

async function renew() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw Object.assign(new Error(`HTTP ${answer.status}`), { status: answer.status });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.querySelectorAll("[data-live]").forEach((old) => {
    const now = fresh.getElementById(old.id);
    if (now) exchange(old, now);
  });
  document.title = fresh.title;
}

async function renewSoon() {
  if (document.hidden || renewing || !isLive() || dialog?.open) { due = true; return; }
  renewing = true;
  due = false;
  await new Promise((done) => setTimeout(done, Math.max(0, last + LEAST - Date.now())));
  try {
    await renew();
    if (words.stale) { delete words.stale; say(""); }
  } catch (error) {
    words.stale = "1";
    say(fill(error.status === 401 ? words.gone : words.old, { error: error.message }));
  }
  last = Date.now();
  renewing = false;
  if (due) renewSoon();
}

function isLive() { return liveSwitch.getAttribute("aria-pressed") === "true"; }

// A browser has six connections to a host, for all its windows: one that nobody looks at gives its own away.
let stream = null;

function listen() {
  if (!words.stream || !window.EventSource) return;
  stream?.close();
  stream = null;
  if (document.hidden) return;
  const kinds = words.kinds.split(" ");
  stream = new EventSource(words.stream);
  stream.addEventListener("change", (event) => {
    const found = JSON.parse(event.data).kinds || kinds;
    if (found.some((kind) => kinds.includes(kind))) renewSoon();
  });
}

// Actions: a button names one, its template says how it is asked and which request it is.
function addResult(text) {
  const line = document.createElement("li");
  const [said, bar, close] = ["span", "progress", "button"].map((tag) => document.createElement(tag));
  said.textContent = text;
  bar.setAttribute("aria-label", text);
  Object.assign(close, { type: "button", textContent: words.dismiss });
  close.addEventListener("click", () => { line.remove(); document.getElementById("content").focus(); });
  line.append(said, bar, close);
  document.getElementById("results").prepend(line);
  say(text);
  return {
    progress(done, total) { Object.assign(bar, { max: total || 1, value: done }); },
    end(sentence, style) { said.textContent = sentence; line.className = style; bar.remove(); say(sentence); },
  };
}

async function confirmed(kind, about, given) {
  const at = (id) => document.getElementById(id);
  at("ask-title").textContent = fill(kind.title, { name: about });
  at("ask-text").textContent = kind.ask;
  at("ask-fields").replaceChildren(document.getElementById(`act-${kind.name}`).content.cloneNode(true));
  for (const [name, value] of Object.entries(given)) {
    const field = at("ask-fields").querySelector(`[name="${name}"]`);
    if (field) field.value = Array.isArray(value) ? value.join(" ") : value;
  }
  at("ask-yes").textContent = kind.label;
  at("ask-yes").classList.toggle("danger", "dangerous" in kind);
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
  if (due) renewSoon();
  return dialog.returnValue === "yes" ? filledIn(dialog.querySelector("form")) : null;
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

async function act(button) {
  // Not `disabled`: that would take the focus away from who works by keyboard.
  if (button.getAttribute("aria-disabled") === "true") return;
  const { act: name, about } = button.dataset;
  const kind = { name, ...document.getElementById(`act-${name}`).dataset };
  const own = JSON.parse(button.dataset.body);
  const fields = await confirmed(kind, about, own);
  if (fields === null) return;
  const body = { ...JSON.parse(kind.body), ...own, ...fields };
  const path = words.root + kind.path.replace(/\{(\w+)\}/g, (_, key) => encodeURIComponent(button.getAttribute(`data-in-${key}`)));
  button.setAttribute("aria-disabled", "true");
  const result = addResult(`${fill(kind.doing, { name: about })}…`);
  try {
    const found = await finish(path, await ask(kind.method, path, body), result.progress);
    result.end(fill(kind.done, { ...body, total: (found.checks || found.tokens || []).length, ...found, name: about || found.name }), "done");
  } catch (error) {
    result.end(fill(kind.failed, { name: about, error: error.message }), "failed");
  } finally {
    button.removeAttribute("aria-disabled");
    last = 0;
    renewSoon();
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.do");
  if (button) act(button);
});
document.getElementById("ask-no")?.addEventListener("click", () => dialog.close(""));
document.addEventListener("visibilitychange", () => {
  listen();
  // What changed meanwhile nobody has reported.
  if (!document.hidden) renewSoon();
});
liveSwitch.addEventListener("click", () => {
  liveSwitch.setAttribute("aria-pressed", String(!isLive()));
  if (due) renewSoon();
});
setInterval(renewSoon, RENEW);

liveSwitch.hidden = false;
document.getElementById("zone").textContent = fill(words.zone, { zone: Intl.DateTimeFormat().resolvedOptions().timeZone });
prepare(document);
listen();
