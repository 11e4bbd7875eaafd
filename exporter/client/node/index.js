/**
 * Reports events of an app to integration-exporter.
 *
 * Nothing here throws into the app or delays it: events wait in a bounded queue and go in batches.
 * One ES module without dependencies, for Node 18 and newer.
 */

const PATH = "/api/v1/events";
const MOST_EVENTS = 1000; // the exporter takes so many at once
const MOST_BYTES = 900_000; // of a body: the exporter takes 1 MiB
const MOST_EVENT_BYTES = 64_000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 60_000; // milliseconds between two attempts while the exporter does not answer

/** Refusals that may pass: the exporter, or the way to it, may be under deployment. */
const PASSING = new Set([401, 403, 404, 408, 425, 429]);

export class Client {
  #queue = [];
  #unsent = [];
  #counts = { sent: 0, rejected: 0, invalid: 0, dropped: 0 };
  #failing = false;
  #closed = false;
  #wait = FIRST_WAIT;
  #timer = undefined;
  #sending = undefined;
  #options;

  /** Throws a TypeError for a `url` that is no HTTP one: that is seen at the start of the app. */
  constructor(options = {}) {
    const { url = "", token = "", tenant = "", queue = 10_000, batch = 500 } = options;
    const { interval = 1000, timeout = 5000, logger = console } = options;
    const most = Math.max(1, Math.min(batch, MOST_EVENTS));
    this.#options = { address: address(url), token, tenant, queue, batch: most, interval, timeout, logger };
    if (this.enabled && typeof process !== "undefined" && process.on) {
      // The loop has nothing left to do: the process would end with events in the queue.
      process.on("beforeExit", () => (this.#queue.length || this.#unsent.length) && this.close());
    }
  }

  /** A client for INTEGRATION_EXPORTER_URL with INTEGRATION_EXPORTER_TOKEN; it does nothing without. */
  static fromEnvironment(options = {}) {
    const { INTEGRATION_EXPORTER_URL: url, INTEGRATION_EXPORTER_TOKEN: token } = process.env;
    return new Client({ url, token, ...options });
  }

  get enabled() {
    return this.#options.address !== undefined;
  }

  get statistics() {
    const waiting = this.#unsent.reduce((sum, batch) => sum + batch.texts.length, 0);
    return { queued: this.#queue.length + waiting, failing: this.#failing, ...this.#counts };
  }

  /** Reports an event of `kind`; fields that are undefined or null are left out. */
  event(kind, fields = {}) {
    if (!this.enabled) return;
    try {
      const { queue, batch, tenant } = this.#options;
      if (this.#closed || this.#queue.length >= queue) {
        this.#counts.dropped += 1;
        return;
      }
      this.#queue.push(complete(kind, fields, tenant));
      if (this.#queue.length === batch && !this.#failing) this.#schedule(0);
      else if (this.#timer === undefined && !this.#sending) this.#schedule(this.#options.interval);
    } catch {
      this.#counts.dropped += 1;
    }
  }

  payment = (fields) => this.event("payment", fields);
  webhook = (fields) => this.event("webhook", fields);
  apiRequest = (fields) => this.event("api_request", fields);
  aiUsage = (fields) => this.event("ai_usage", fields);
  widget = (fields) => this.event("widget", fields);
  metric = (fields) => this.event("metric", fields);
  traffic = (fields) => this.event("traffic", fields);
  auth = (fields) => this.event("auth", fields);
  rateLimit = (fields) => this.event("rate_limit", fields);
  audit = (fields) => this.event("audit", fields);

  /** Sends what waits; resolves to whether all of it was sent within `timeout` milliseconds. */
  async flush(timeout = 5000) {
    const end = Date.now() + timeout;
    while (this.#queue.length || this.#unsent.length) {
      const left = end - Date.now();
      if (left <= 0) return false;
      await within(left, this.#drain());
      if (this.#failing) await pause(Math.min(100, Math.max(0, end - Date.now())));
    }
    return true;
  }

  /** Flushes and takes no more events; what comes later is dropped and counted. */
  async close(timeout = 2000) {
    this.#closed = true;
    const done = await this.flush(timeout);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!done) this.#counts.dropped += this.#queue.splice(0).length + this.#forget();
    return done;
  }

  #forget() {
    return this.#unsent.splice(0).reduce((sum, batch) => sum + batch.texts.length, 0);
  }

  #schedule(wait) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      this.#timer = undefined;
      await this.#drain();
      if (this.#queue.length || this.#unsent.length) {
        // With jitter: processes that failed together do not come back together.
        this.#schedule(this.#failing ? this.#wait * (0.5 + Math.random() / 2) : this.#options.interval);
      }
    }, wait);
    this.#timer.unref?.(); // an app that has nothing else to do may end
  }

  /** Sends batch after batch until all are sent or one fails; two calls at a time share one run. */
  #drain() {
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined));
    return this.#sending;
  }

  async #sendAll() {
    while (this.#unsent.length || this.#queue.length) {
      if (!this.#unsent.length) this.#unsent = encode(this.#queue.splice(0, this.#options.batch));
      while (this.#unsent.length) {
        if (!(await this.#send(this.#unsent[0]))) return;
      }
    }
  }

  async #send(batch) {
    const answer = batch.texts.length ? await this.#post(`[${batch.texts.join(",")}]`) : { status: 200 };
    if (answer.status === 413 && batch.texts.length > 1) {
      const middle = batch.texts.length >> 1;
      const halves = [batch.texts.slice(0, middle), batch.texts.slice(middle)];
      this.#unsent.splice(0, 1, ...halves.map((texts) => ({ texts, invalid: 0 })));
      return true;
    }
    const taken = answer.status >= 200 && answer.status < 300;
    const final = answer.status >= 400 && answer.status < 500 && !PASSING.has(answer.status);
    this.#note(answer, taken, final);
    if (!taken && !final) return false;
    this.#unsent.shift();
    const refused = taken ? (answer.rejected ?? 0) : batch.texts.length;
    this.#counts.sent += batch.texts.length - refused;
    this.#counts.rejected += refused;
    this.#counts.invalid += batch.invalid;
    return true;
  }

  async #post(body) {
    const { address, token, timeout } = this.#options;
    try {
      const headers = { "content-type": "application/json" };
      if (token) headers.authorization = `Bearer ${token}`;
      const signal = AbortSignal.timeout(timeout);
      const response = await fetch(address, { method: "POST", headers, body, signal, redirect: "error" });
      const text = await response.text(); // also where nobody reads it: the connection is kept then
      const after = /^\d{1,7}$/.test(response.headers.get("retry-after") ?? "")
        ? Number(response.headers.get("retry-after")) * 1000
        : 0;
      return { status: response.status, after, rejected: response.status === 207 ? rejected(text) : 0 };
    } catch (error) {
      return { status: 0, error: String(error?.cause?.code ?? error?.name ?? error) };
    }
  }

  /** Logs a change of state once, and chooses the next wait. */
  #note(answer, taken, final) {
    if (taken || final) {
      if (final) this.#log(`the exporter refused events: status ${answer.status}`);
      else if (this.#failing) this.#log("events reach the exporter again");
      this.#failing = false;
      this.#wait = FIRST_WAIT;
      return;
    }
    if (!this.#failing) {
      this.#log(`events do not reach the exporter: ${answer.error ?? `status ${answer.status}`}`);
    }
    this.#failing = true;
    this.#wait = Math.min(LONGEST_WAIT, Math.max(answer.after ?? 0, this.#wait * 2));
  }

  #log(text) {
    try {
      this.#options.logger?.warn?.(`integration-exporter-client: ${text}`);
    } catch {
      // An app's logger that throws must not end the sending.
    }
  }
}

/** Express middleware: one event for each request, by the template of its route. */
export function expressMiddleware(client, describe) {
  return (request, response, next) => {
    if (!client.enabled) return next();
    const since = performance.now();
    let route;
    let mount = "";
    // When the route is chosen: a router takes its part of the path back before an error is answered.
    Object.defineProperty(request, "route", {
      configurable: true,
      enumerable: true,
      get: () => route,
      set: (chosen) => {
        route = chosen;
        mount = request.baseUrl ?? "";
      },
    });
    // Also where the other side went away before the answer was through.
    response.once("close", () => {
      guard(client, () => {
        const template = route?.path;
        client.apiRequest({
          route: typeof template === "string" ? mount + template || "/" : path(request.originalUrl),
          method: request.method,
          status: response.statusCode,
          duration: (performance.now() - since) / 1000,
          trace_id: traceId(request.headers.traceparent),
          ...describe?.(request),
        });
      });
    });
    return next();
  };
}

/**
 * Wraps a fetch handler, such as a route handler of Next.js: `(request, ...rest) => Response`.
 *
 * `route` is its template. A streaming answer is reported when it begins to stream.
 */
export function fetchHandler(client, route, handler, describe) {
  return async (request, ...rest) => {
    const since = performance.now();
    let status = 500; // what a framework answers when the handler throws
    try {
      const response = await handler(request, ...rest);
      status = response.status;
      return response;
    } finally {
      guard(client, () =>
        client.apiRequest({
          route,
          method: request.method,
          status,
          duration: (performance.now() - since) / 1000,
          trace_id: traceId(request.headers.get("traceparent")),
          ...describe?.(request),
        }),
      );
    }
  };
}

/** Runs `call` and reports the use of an AI service; `call` may set cost and request_id. */
export function trackAiUsage(client, endpoint, call, common = {}) {
  return track(call, (fields, error, duration) =>
    client.aiUsage({ endpoint, status: error ? "error" : "ok", error: name(error), duration, ...common, ...fields }),
  );
}

/** Runs `call` and reports that a webhook was processed; `call` may set type and event_id. */
export function trackWebhook(client, source, call, common = {}) {
  const direction = "inbound";
  return track(call, (fields, error, duration) => {
    const outcome = error ? "failed" : "processed";
    client.webhook({ source, direction, outcome, error: name(error), duration, ...common, ...fields });
  });
}

/** Runs `call` and reports a payment; `call` may set outcome, decline_code, amount, currency, payment_id. */
export function trackPayment(client, call, common = {}) {
  return track(call, (fields, error) => {
    const outcome = !error ? "succeeded" : error.name === "TimeoutError" ? "timeout" : "failed";
    client.payment({ outcome, ...common, ...fields });
  });
}

/** Runs `call` and reports that a widget was loaded, or could not be rendered. */
export function trackWidget(client, widget, call, common = {}) {
  return track(call, (fields, error, duration) => {
    const outcome = error ? "render_failure" : "loaded";
    client.widget({ widget, outcome, error: name(error), duration, ...common, ...fields });
  });
}

/** Calls `call`, which may be async, with a tracker; its result or error goes on to the caller. */
function track(call, report) {
  const since = performance.now();
  const fields = {};
  const done = (error) => {
    try {
      report(fields, error, (performance.now() - since) / 1000);
    } catch {
      // The client counts what it cannot take.
    }
  };
  const tracker = { set: (more) => void Object.assign(fields, more) };
  let result;
  try {
    result = call(tracker);
  } catch (error) {
    done(error ?? new Error());
    throw error;
  }
  if (typeof result?.then !== "function") {
    done();
    return result;
  }
  return result.then(
    (value) => (done(), value),
    (error) => {
      done(error ?? new Error());
      throw error;
    },
  );
}

function guard(client, report) {
  try {
    report();
  } catch {
    client.event("", circular); // counted as invalid: `describe` is the app's
  }
}

const circular = {};
circular.self = circular;

function address(url) {
  if (!url) return undefined;
  const parsed = new URL(url);
  if (!/^https?:$/.test(parsed.protocol)) {
    throw new TypeError("the address of the exporter must be a URL such as http://127.0.0.1:10055");
  }
  return parsed.origin + parsed.pathname.replace(/\/+$/, "") + PATH;
}

function complete(kind, fields, tenant) {
  const event = { id: uniqueId(), ...(tenant && { tenant }) };
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined && value !== null) event[key] = value;
  }
  const at = event.at ?? Date.now();
  event.at = typeof at === "string" ? at : new Date(at).toISOString();
  event.kind = kind;
  return event;
}

/** Node 18 has no `crypto` of its own in every module; chance is enough for an id that is no secret. */
function uniqueId() {
  const found = globalThis.crypto?.randomUUID?.();
  if (found) return found;
  const part = () => Math.floor(Math.random() * 2 ** 32).toString(16).padStart(8, "0");
  return part() + part() + part() + part();
}

function encode(events) {
  const batches = [];
  let batch = { texts: [], invalid: 0 };
  let size = 0;
  for (const event of events) {
    const text = encodeOne(event);
    if (text === undefined) {
      batch.invalid += 1;
      continue;
    }
    if (batch.texts.length && size + byteLength(text) > MOST_BYTES) {
      batches.push(batch);
      batch = { texts: [], invalid: 0 };
      size = 0;
    }
    batch.texts.push(text);
    size += byteLength(text) + 1;
  }
  if (batch.texts.length || batch.invalid) batches.push(batch);
  return batches;
}

function encodeOne(event) {
  try {
    const text = JSON.stringify(event, (_key, value) => (typeof value === "bigint" ? String(value) : value));
    return byteLength(text) <= MOST_EVENT_BYTES ? text : undefined;
  } catch {
    return undefined;
  }
}

function byteLength(text) {
  return new TextEncoder().encode(text).length;
}

function rejected(text) {
  try {
    return JSON.parse(text).rejected.length;
  } catch {
    return 0;
  }
}

function path(url) {
  return url.split("?", 1)[0];
}

/** The trace id of a `traceparent` header (w3.org/TR/trace-context). */
function traceId(header) {
  const found = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-/.exec(header ?? "");
  return found && !/^0+$/.test(found[1]) ? found[1] : undefined;
}

function name(error) {
  // The name alone: a message may quote a customer, or a credential.
  return error ? (error.name ?? "Error") : undefined;
}

/** Waits for `work`, but no longer than that; a timer that is left would keep the process. */
async function within(milliseconds, work) {
  let timer;
  const limit = new Promise((resolve) => (timer = setTimeout(resolve, milliseconds)));
  await Promise.race([work, limit]);
  clearTimeout(timer);
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
