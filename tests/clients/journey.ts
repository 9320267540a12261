// The journey of an integrator with the client that `openapi-ts` generates: a mail arrives, its event is read, its original is
// proven and filed, and a call that is sent twice is carried out once.
import { createHash } from "node:crypto";
import { client } from "./greffe/client.gen.js";
import * as greffe from "./greffe/sdk.gen.js";
// The second generator describes the same API with types only.
import type { paths } from "./types.js";
import createClient from "openapi-fetch";

const [baseUrl, key, firm, subject] = ["GREFFE_URL", "GREFFE_KEY", "GREFFE_FIRM", "GREFFE_SUBJECT"].map(
  (name) => process.env[name] as string,
);
client.setConfig({ baseUrl, headers: { Authorization: `Bearer ${key}` }, throwOnError: true });
const path = { firm };

async function archived(): Promise<{ message: string; sha256: string }> {
  for (let after = 0, tries = 0; tries < 300; tries++) {
    const { data } = await greffe.listEvents({ path, query: { after, limit: 50 }, throwOnError: true });
    for (const event of data.items) {
      if (event.type === "message_archived" && event.subject === subject) return event;
    }
    after = data.next;
    if (data.items.length === 0) await new Promise((done) => setTimeout(done, 200));
  }
  throw new Error("the mail was not archived");
}

const event = await archived();
const message = { firm, message: event.message };
const original = await greffe.readOriginal({ path: message, parseAs: "arrayBuffer", throwOnError: true });
const digest = createHash("sha256").update(Buffer.from(original.data as unknown as ArrayBuffer)).digest("hex");
if (digest !== event.sha256) throw new Error(`${digest} is not ${event.sha256}`);

const filed = await greffe.fileMessage({ path: message, body: { dossier: "2026/0042" }, throwOnError: true });
if (filed.data.dossier !== "2026/0042") throw new Error("not filed");

// Every message once, page by page.
const seen = new Set<string>();
for (let after: string | null | undefined; after !== null; ) {
  const query = { limit: 7, ...(after === undefined ? {} : { after: Number(after) }) };
  const page = await greffe.listMessages({ path, query, throwOnError: true });
  for (const item of page.data.items) {
    if (seen.has(item.id)) throw new Error(`${item.id} twice`);
    seen.add(item.id);
  }
  after = page.data.next ?? null;
}
if (!seen.has(event.message)) throw new Error("the list lacks the mail");

const headers = { "Idempotency-Key": crypto.randomUUID() };
const create = () => greffe.createKey({ path, body: { name: "journey" }, headers, throwOnError: true });
const [one, two] = [(await create()).data, (await create()).data];
if (one.id !== two.id) throw new Error("two keys");

const typed = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });
const refused = await typed.GET("/v1/firms/{firm}", { params: { path: { firm: "00000000-0000-4000-8000-000000000000" } } });
if (refused.error?.code !== "not_found") throw new Error("a problem has a code");
console.log(`typescript: ${seen.size} messages, ${event.message} archived, proven and filed`);
