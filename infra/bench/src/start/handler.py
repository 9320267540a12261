"""calendar-push's answer to its schedule, as one would write it in Python. The loop below is kinder than AWS's own client."""

import datetime
import http.client
import json
import os

import boto3
import msal  # noqa: F401: how a user of Graph gets tokens
import requests

graph = requests.Session()
dynamodb = boto3.client("dynamodb")
s3 = boto3.client("s3")
sqs = boto3.client("sqs")
secrets = boto3.client("secretsmanager")


def handle(event):
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    due = dynamodb.query(
        TableName=os.environ["GREFFE_TABLE"],
        IndexName="due",
        KeyConditionExpression="due_kind = :kind AND due_at <= :now",
        ExpressionAttributeValues={":kind": {"S": "member"}, ":now": {"S": now}},
    )
    return {"queued": len(due["Items"])}


runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    runtime.request("GET", "/2018-06-01/runtime/invocation/next")
    answer = runtime.getresponse()
    event = json.loads(answer.read())
    result = json.dumps(handle(event))
    request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
    runtime.request("POST", f"/2018-06-01/runtime/invocation/{request_id}/response", result)
    runtime.getresponse().read()
