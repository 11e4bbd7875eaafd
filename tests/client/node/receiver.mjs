// A receiver of events that refuses wrong paths and tokens, and fails on request.
import { createServer } from "node:http";

export const TOKEN = "ingest-token";

export async function receiving() {
  const receiver = { events: [], batches: [], answers: [], most: 1000, url: "", connections: 0 };
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const wrong = request.url !== "/api/v1/events" ? 404 : request.headers.authorization !== `Bearer ${TOKEN}` ? 401 : 0;
    if (wrong) return response.writeHead(wrong).end();
    const answer = receiver.answers.shift();
    if (answer) return response.writeHead(answer.status, answer.headers ?? {}).end(answer.body ?? "");
    const events = JSON.parse(Buffer.concat(pieces));
    if (events.length > receiver.most) return response.writeHead(413).end();
    receiver.events.push(...events);
    receiver.batches.push(events.length);
    response.writeHead(202, { "content-type": "application/json" }).end("{}");
  });
  server.on("connection", () => (receiver.connections += 1));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  receiver.url = `http://127.0.0.1:${server.address().port}`;
  receiver.close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return receiver;
}
