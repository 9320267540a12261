//! Events as AWS hands them to a function.

use aws_sdk_sqs::types::Message;
use serde_json::{Map, Value, json};

/// A request to an HTTP API, payload format 2.0.
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
pub fn http(method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Value {
    request("$default", "id.execute-api.eu-west-3.amazonaws.com", method, path, headers, body)
}

/// A notice to a function URL, which takes the same format.
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>
pub fn function_url(query: &str, body: &str) -> Value {
    let headers = [("content-type", "application/json")];
    request("$default", "id.lambda-url.eu-west-3.on.aws", "POST", &format!("/?{query}"), &headers, Some(body))
}

fn request(route: &str, domain: &str, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Value {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut named = Map::from_iter([
        ("host".to_owned(), json!(domain)),
        ("x-forwarded-for".to_owned(), json!("203.0.113.7")),
        ("x-forwarded-port".to_owned(), json!("443")),
        ("x-forwarded-proto".to_owned(), json!("https")),
    ]);
    // Cookies come apart from the other headers.
    named.extend(headers.iter().filter(|(n, _)| *n != "cookie").map(|(n, v)| ((*n).to_owned(), json!(v))));
    let cookies: Vec<_> = headers.iter().filter(|(n, _)| *n == "cookie").map(|(_, v)| *v).collect();
    let mut event = json!({
        "version": "2.0", "routeKey": route, "rawPath": path, "rawQueryString": query, "headers": named,
        "requestContext": {
            "accountId": "123456789012", "apiId": "id", "domainName": domain, "domainPrefix": "id",
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "curl/8.5.0"
            },
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": route, "stage": "$default",
            "time": "10/Mar/2026:12:55:00 +0000", "timeEpoch": 1_773_147_300_000_i64
        },
        "isBase64Encoded": false
    });
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if let Some(body) = body {
        event["body"] = json!(body);
    }
    event
}

/// A message of a queue that feeds a function.
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
pub fn sqs_record(message: &Message) -> Value {
    let attributes = message.attributes.iter().flatten().map(|(name, value)| (name.as_str().to_owned(), json!(value)));
    json!({
        "messageId": message.message_id, "receiptHandle": message.receipt_handle, "body": message.body,
        "attributes": attributes.collect::<Map<_, _>>(), "messageAttributes": {}, "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-3:123456789012:greffe-mail.fifo",
        "awsRegion": "eu-west-3"
    })
}
