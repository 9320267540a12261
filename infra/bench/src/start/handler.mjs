// calendar-push's answer to its schedule, as one would write it in Node. The loop below is kinder than AWS's own client.

import { DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import * as msal from "@azure/msal-node"; // how a user of Graph gets tokens
import { request } from "node:http";

const dynamodb = new DynamoDBClient();
export const others = [new S3Client(), new SQSClient(), new SecretsManagerClient(), msal];

async function handle() {
  const due = await dynamodb.send(
    new QueryCommand({
      TableName: process.env.GREFFE_TABLE,
      IndexName: "due",
      KeyConditionExpression: "due_kind = :kind AND due_at <= :now",
      ExpressionAttributeValues: { ":kind": { S: "member" }, ":now": { S: new Date().toISOString() } },
    }),
  );
  return { queued: due.Items.length };
}

function call(method, path, body) {
  const url = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/${path}`;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method }, async (answer) => {
      let text = "";
      for await (const part of answer) text += part;
      resolve({ id: answer.headers["lambda-runtime-aws-request-id"], text });
    });
    sent.on("error", reject).end(body);
  });
}

for (;;) {
  const { id, text } = await call("GET", "next");
  await call("POST", `${id}/response`, JSON.stringify(await handle(JSON.parse(text))));
}
