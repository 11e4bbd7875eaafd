// Renews the page every 30 seconds and runs checks. Without it the page works too: it reloads itself.
"use strict";

const RENEW = 30000;
const HEADERS = { "X-Integration-Exporter": "1", "Content-Type": "application/json" };
const say = (text) => { document.getElementById("say").textContent = text; };

function showActions() {
  document.querySelectorAll("button.check, .act").forEach((one) => { one.hidden = false; });
}

// The focus is found again by what the element is about, because the element itself is exchanged.
function focusKey() {
  const one = document.activeElement;
  if (!one || !one.closest("#live, #rows")) return null;
  return one.getAttribute("aria-label") || one.getAttribute("href");
}

function focusAgain(key) {
  if (!key) return;
  const escaped = CSS.escape(key);
  const one = document.querySelector(`[aria-label="${escaped}"], [href="${escaped}"]`);
  if (one) one.focus({ preventScroll: true });
}

async function renew() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const key = focusKey();
  for (const id of ["live", "rows"]) document.getElementById(id).replaceWith(fresh.getElementById(id));
  document.title = fresh.title;
  showActions();
  focusAgain(key);
}

async function check(button) {
  const { integration, tenant } = button.dataset;
  const name = integration ? integration + (tenant ? ` of ${tenant}` : "") : "all targets";
  // Not `disabled`: that would take the focus away from who works by keyboard.
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  say(`Checking ${name}…`);
  try {
    const body = JSON.stringify({ ...(integration && { integration }), ...(tenant && { tenant }) });
    const answer = await fetch(document.body.dataset.checks, { method: "POST", headers: HEADERS, body });
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error);
    const sum = Object.entries(found.summary).map(([word, count]) => `${count} ${word.replace("_", " ")}`);
    say(answer.status === 202 ? `Checking ${found.total} targets; the table follows.` : `Checked ${name}: ${sum.join(", ")}.`);
    await renew();
  } catch (error) {
    say(`Could not check ${name}: ${error.message}`);
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.check");
  if (button) check(button);
});

setInterval(() => {
  if (document.hidden) return;
  renew().catch((error) => say(`The exporter does not answer (${error.message}); what you see is old.`));
}, RENEW);

showActions();
