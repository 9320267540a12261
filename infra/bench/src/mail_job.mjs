// What greffe does for each mail of a backlog, as one would write it in Node with the official SDKs: list what is new,
// note it, keep each original once, mark it, index it and tell of it. It prints how many mails, and their CPU time.

import { createHash } from "node:crypto";
import { DynamoDBClient, PutItemCommand, TransactWriteItemsCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Client, ResponseType } from "@microsoft/microsoft-graph-client";

const { MICROSOFT, TOKEN, TABLE, BUCKET, ADDRESS } = process.env;
const PARALLEL = 4;
const BATCH = 20;
const dynamodb = new DynamoDBClient();
const s3 = new S3Client({ forcePathStyle: true });
const graph = Client.init({ baseUrl: MICROSOFT, authProvider: (done) => done(null, TOKEN) });
// The client sends its token to https only, and the other side of a benchmark speaks http.
const ask = (path) =>
  graph.api(path).header("authorization", `Bearer ${TOKEN}`).header("prefer", 'IdType="ImmutableId"');

const key = (id) => ({ pk: { S: "NODE" }, sk: { S: `MESSAGE#${id}` } });

async function note(mails) {
  const puts = mails.map((mail) => {
    const item = { ...key(mail.id), state: { S: "pending" }, subject: { S: mail.subject ?? "" } };
    item.from = { S: mail.from?.emailAddress?.address ?? "" };
    item.to = { SS: ["-", ...(mail.toRecipients ?? []).map((to) => to.emailAddress.address)] };
    item.received_at = { S: mail.receivedDateTime };
    return { Put: { TableName: TABLE, Item: item, ConditionExpression: "attribute_not_exists(pk)" } };
  });
  await dynamodb.send(new TransactWriteItemsCommand({ TransactItems: puts }));
}

async function keep(mail) {
  const path = `/users/${ADDRESS}/messages/${mail.id}/$value`;
  mail.original = Buffer.from(await ask(path).responseType(ResponseType.ARRAYBUFFER).get());
  mail.sha256 = createHash("sha256").update(mail.original).digest("hex");
  const object = { Bucket: BUCKET, Key: `node/${mail.id}`, Body: mail.original, IfNoneMatch: "*" };
  await s3.send(new PutObjectCommand(object));
}

async function mark(mails) {
  const requests = mails.map((mail, n) => ({
    id: String(n),
    method: "PATCH",
    url: `/users/${ADDRESS}/messages/${mail.id}`,
    headers: { "content-type": "application/json", prefer: 'IdType="ImmutableId"' },
    body: { categories: ["Kept"] },
  }));
  const { responses } = await ask("/$batch").post({ requests });
  const refused = responses.find((response) => response.status >= 300);
  if (refused) throw new Error(JSON.stringify(refused));
}

async function tell(mail, number) {
  const { original, sha256, subject } = mail;
  await dynamodb.send(
    new UpdateItemCommand({
      TableName: TABLE,
      Key: key(mail.id),
      UpdateExpression: "SET #state = :state, sha256 = :sha256, #bytes = :bytes, #number = :number",
      ConditionExpression: "attribute_exists(pk)",
      ExpressionAttributeNames: { "#state": "state", "#bytes": "bytes", "#number": "number" },
      ExpressionAttributeValues: {
        ":state": { S: "marked" },
        ":sha256": { S: sha256 },
        ":bytes": { N: String(original.length) },
        ":number": { N: String(number) },
      },
    }),
  );
  const fact = JSON.stringify({ type: "message_archived", id: mail.id, sha256, subject });
  const item = { pk: { S: "NODE" }, sk: { S: `FACT#${String(number).padStart(10, "0")}` }, fact: { S: fact } };
  await dynamodb.send(new PutItemCommand({ TableName: TABLE, Item: item }));
}

// Calls `work` for each, some at a time.
async function each(items, work) {
  const left = items.entries();
  const one = async () => {
    for (const [n, item] of left) await work(item, n);
  };
  await Promise.all(Array.from({ length: PARALLEL }, one));
}

const before = process.cpuUsage();
const seen = new Set();
let mails = 0;
let path = `/users/${ADDRESS}/mailFolders/inbox/messages/delta`;
while (path) {
  const page = await ask(path).header("prefer", 'IdType="ImmutableId", odata.maxpagesize=50').get();
  // Delta may tell of a mail twice.
  const fresh = page.value.filter((mail) => !seen.has(mail.id) && seen.add(mail.id));
  for (let first = 0; first < fresh.length; first += BATCH) {
    const some = fresh.slice(first, first + BATCH);
    await note(some);
    await each(some, keep);
    await mark(some);
    await each(some, (mail, n) => tell(mail, mails + n + 1));
    mails += some.length;
  }
  // The client takes a link for one only if it begins with https.
  path = page["@odata.nextLink"]?.slice(`${MICROSOFT}/v1.0`.length);
}
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ mails, cpu_micros: user + system }));
