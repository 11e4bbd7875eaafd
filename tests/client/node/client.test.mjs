import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { afterEach, beforeEach, test } from "node:test";
import { promisify } from "node:util";

import {
  Client,
  expressMiddleware,
  fetchHandler,
  trackAiUsage,
  trackPayment,
  trackWebhook,
  trackWidget,
} from "../../../exporter/client/node/index.js";
import { receiving, TOKEN } from "./receiver.mjs";

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const MODULE = new URL("../../../exporter/client/node/", import.meta.url);
const quiet = { warn() {} };

let receiver;
beforeEach(async () => (receiver = await receiving()));
afterEach(() => receiver.close());

const make = (options) => new Client({ url: receiver.url, token: TOKEN, interval: 20, logger: quiet, ...options });

test("every kind has a method, and its fields arrive", async () => {
  const client = make({ tenant: "acme" });
  client.payment({ outcome: "declined", amount: 12.5, decline_code: undefined });
  client.webhook({ source: "stripe", outcome: "processed" });
  client.apiRequest({ route: "/orders/{id}", method: "GET", status: 200, duration: 0.05 });
  client.aiUsage({ endpoint: "fal-ai/flux", status: "ok", cost: 0.03 });
  client.widget({ widget: "donate", outcome: "load_error" });
  client.metric({ name: "jobs_waiting", value: 3, labels: { queue: "mail" } });
  client.traffic({ route: "/", client: "human" });
  client.auth({ outcome: "failure" });
  client.rateLimit({ policy: "api", endpoint: "/api", outcome: "blocked" });
  client.audit({ actor: "ann", action: "user.delete", tenant: "beta" });
  assert.equal(await client.flush(), true);
  const kinds = receiver.events.map((event) => event.kind);
  assert.deepEqual(kinds, [
    ...["payment", "webhook", "api_request", "ai_usage", "widget", "metric", "traffic", "auth", "rate_limit", "audit"],
  ]);
  assert.deepEqual(Object.keys(receiver.events[0]).sort(), ["amount", "at", "id", "kind", "outcome", "tenant"]);
  assert.equal(receiver.events[0].tenant, "acme");
  assert.equal(receiver.events[9].tenant, "beta");
  assert.equal(new Set(receiver.events.map((event) => event.id)).size, 10);
});

test("what the types declare is what the module has", () => {
  const declared = readFileSync(new URL("index.d.ts", MODULE), "utf8");
  const source = readFileSync(new URL("index.js", MODULE), "utf8");
  const names = (text, pattern) => [...text.matchAll(pattern)].map((found) => found[1]).sort();
  assert.deepEqual(
    names(declared, /export declare (?:function|class) (\w+)/g),
    names(source, /export (?:async )?(?:function|class) (\w+)/g),
  );
});

test("events go by themselves, in batches", async () => {
  const client = make({ batch: 100 });
  for (let number = 0; number < 250; number++) client.payment({ outcome: "succeeded", id: String(number) });
  while (receiver.events.length < 250) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(receiver.events.map((event) => event.id), [...Array(250).keys()].map(String));
  assert.ok(Math.max(...receiver.batches) <= 100);
});

test("what finds no room is dropped and counted", async () => {
  const client = new Client({ url: "http://127.0.0.1:9", queue: 50, batch: 1000, logger: quiet });
  for (let number = 0; number < 200; number++) client.payment({ outcome: "succeeded" });
  assert.deepEqual([client.statistics.queued, client.statistics.dropped], [50, 150]);
  assert.equal(await client.close(100), false);
});

for (const status of [401, 403, 404, 429, 500, 503]) {
  test(`events stay until ${status} has passed`, async () => {
    receiver.answers.push({ status }, { status });
    const client = make();
    client.payment({ outcome: "succeeded", id: "pay_1" });
    assert.equal(await client.flush(10_000), true);
    assert.deepEqual(receiver.events.map((event) => event.id), ["pay_1"]);
  });
}

test("a batch that is refused for good is counted, and the next one goes", async () => {
  receiver.answers.push({ status: 400 });
  const client = make();
  client.payment({ outcome: "nonsense" });
  await client.flush();
  client.payment({ outcome: "succeeded", id: "good" });
  await client.flush();
  assert.deepEqual(receiver.events.map((event) => event.id), ["good"]);
  assert.equal(client.statistics.rejected, 1);
});

test("events that are refused one by one are counted", async () => {
  receiver.answers.push({ status: 207, body: JSON.stringify({ accepted: 1, rejected: [{ index: 0 }] }) });
  const client = make();
  client.payment({ outcome: "nonsense" });
  client.payment({ outcome: "succeeded" });
  assert.equal(await client.flush(), true);
  assert.deepEqual([client.statistics.sent, client.statistics.rejected], [1, 1]);
});

test("a batch that is too large goes in halves", async () => {
  receiver.most = 30;
  const client = make();
  for (let number = 0; number < 100; number++) client.payment({ outcome: "succeeded", id: String(number) });
  assert.equal(await client.flush(), true);
  assert.deepEqual(receiver.events.map((event) => event.id), [...Array(100).keys()].map(String));
});

test("an event that cannot be sent harms no other", async () => {
  const client = make();
  const circular = {};
  circular.self = circular;
  client.audit({ actor: "ann", action: "x", details: circular });
  client.audit({ actor: "ann", action: "x", details: { text: "x".repeat(64_000) } });
  client.payment({ outcome: "succeeded", id: "good", amount: 5n });
  client.event("payment", null);
  client.payment({ outcome: "succeeded", at: "never" });
  client.payment({ outcome: "succeeded", at: new Date(NaN) });
  assert.equal(await client.flush(), true);
  assert.deepEqual([client.statistics.invalid, client.statistics.dropped], [2, 2]);
  assert.deepEqual(receiver.events[0].id, "good");
});

test("without an address nothing happens, and one that is none is refused", async () => {
  const client = new Client();
  client.payment({ outcome: "succeeded" });
  assert.equal(client.enabled, false);
  assert.equal(await client.flush(), true);
  assert.throws(() => new Client({ url: "ftp://exporter" }), TypeError);
  assert.throws(() => new Client({ url: "exporter" }), TypeError);
});

test("a change of state is logged once", async () => {
  const lines = [];
  receiver.answers.push({ status: 503 }, { status: 503 });
  const client = make({ logger: { warn: (line) => lines.push(line) } });
  client.payment({ outcome: "succeeded" });
  assert.equal(await client.flush(10_000), true);
  assert.deepEqual(lines, [
    "integration-exporter-client: events do not reach the exporter: status 503",
    "integration-exporter-client: events reach the exporter again",
  ]);
});

test("a process that ends sends what waits", async () => {
  const code = `
    import { Client } from ${JSON.stringify(new URL("index.js", MODULE).href)};
    const client = Client.fromEnvironment({ interval: 3600_000 });
    client.payment({ outcome: "succeeded", id: "last" });`;
  const env = { ...process.env, INTEGRATION_EXPORTER_URL: receiver.url, INTEGRATION_EXPORTER_TOKEN: TOKEN };
  await promisify(execFile)(process.execPath, ["--input-type=module", "-e", code], { env });
  assert.deepEqual(receiver.events.map((event) => event.id), ["last"]);
});

test("tracked code reports, and its result and errors go on", async () => {
  const client = make();
  const result = await trackAiUsage(client, "fal-ai/flux", async (call) => {
    call.set({ cost: 0.03, request_id: "r1" });
    return 7;
  });
  assert.equal(result, 7);
  const fails = () => trackWebhook(client, "stripe", () => Promise.reject(new RangeError("key sk_live_1")));
  await assert.rejects(fails, RangeError);
  assert.throws(() => trackWidget(client, "donate", () => JSON.parse("{")), SyntaxError);
  const late = Object.assign(new Error("late"), { name: "TimeoutError" });
  await assert.rejects(trackPayment(client, async () => Promise.reject(late)));
  assert.equal(trackPayment(client, (payment) => (payment.set({ outcome: "declined" }), 1), { amount: 5 }), 1);
  await client.flush();
  const [ai, webhook, widget, timeout, declined] = receiver.events;
  assert.deepEqual([ai.status, ai.cost, ai.request_id], ["ok", 0.03, "r1"]);
  assert.deepEqual([webhook.outcome, webhook.error], ["failed", "RangeError"]);
  assert.deepEqual([widget.outcome, widget.error], ["render_failure", "SyntaxError"]);
  assert.deepEqual([timeout.outcome, declined.outcome, declined.amount], ["timeout", "declined", 5]);
  assert.ok(!JSON.stringify(receiver.events).includes("sk_live"));
});

test("Express requests are reported by the template of their route", async () => {
  const express = createRequire(import.meta.url)("express");
  const client = make();
  const app = express();
  app.set("env", "test"); // it prints no stack
  app.use(expressMiddleware(client, (request) => ({ tenant: request.get("x-tenant") })));
  app.get("/orders/:id", (request, response) => response.send(request.params.id));
  const shop = express.Router();
  shop.get("/items/:id", (_request, response) => response.status(201).end());
  shop.get("/broken", () => {
    throw new Error("boom");
  });
  app.use("/shop", shop);
  const server = createServer(app);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${server.address().port}`;
  for (const target of ["/orders/7?card=4242", "/shop/items/3", "/shop/broken", "/nowhere?q=1"]) {
    const answer = await fetch(base + target, { headers: { traceparent: TRACE, "x-tenant": "acme" } });
    await answer.text();
  }
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await client.flush();
  const seen = receiver.events.map((event) => [event.route, event.status]);
  assert.deepEqual(seen, [["/orders/:id", 200], ["/shop/items/:id", 201], ["/shop/broken", 500], ["/nowhere", 404]]);
  assert.deepEqual([receiver.events[0].trace_id, receiver.events[0].tenant], [TRACE.split("-")[1], "acme"]);
  assert.ok(!JSON.stringify(receiver.events).includes("4242"));
});

test("a mistake of the app's own description costs no answer", async () => {
  const client = make();
  const describe = () => {
    throw new Error("boom");
  };
  const handler = fetchHandler(client, "/orders/[id]", async () => new Response("fine"), describe);
  assert.equal(await (await handler(new Request("http://shop.example/orders/1"))).text(), "fine");
  await client.flush();
  assert.equal(client.statistics.invalid, 1);
});

test("a fetch handler is reported, also where it throws", async () => {
  const client = make();
  const request = new Request("http://shop.example/orders/1", { headers: { traceparent: TRACE } });
  const handler = fetchHandler(client, "/orders/[id]", async (_request, { params }) =>
    Response.json(params, { status: 201 }),
  );
  assert.deepEqual(await (await handler(request, { params: { id: "1" } })).json(), { id: "1" });
  const broken = fetchHandler(client, "/broken", () => Promise.reject(new Error("boom")));
  await assert.rejects(broken(request), /boom/);
  await client.flush();
  assert.deepEqual(receiver.events.map((event) => [event.route, event.status]), [["/orders/[id]", 201], ["/broken", 500]]);
  assert.equal(receiver.events[0].trace_id, TRACE.split("-")[1]);
});
