//! What greffe asks of AWS, counted before the engines answer it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

/// What is billed of each operation, by `service:Operation`: requests, events, or DynamoDB's own request units.
pub(super) type Usage = BTreeMap<String, f64>;

/// Counts from the first time that it is asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter {
    counts: Arc<AtomicBool>,
    usage: Arc<Mutex<Usage>>,
}

impl Meter {
    /// What lies before `behind`, and counts.
    pub fn before(&self, behind: SharedHttpConnector) -> SharedHttpConnector {
        SharedHttpConnector::new(Metered { meter: self.clone(), behind })
    }

    /// What was counted since the last time.
    pub fn take(&self) -> Usage {
        self.counts.store(true, Ordering::Relaxed);
        std::mem::take(&mut self.usage.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, operation: String, units: f64) {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner).entry(operation).or_default() += units;
    }
}

#[derive(Debug)]
struct Metered {
    meter: Meter,
    behind: SharedHttpConnector,
}

impl HttpConnector for Metered {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        if !self.meter.counts.load(Ordering::Relaxed) {
            return self.behind.call(request);
        }
        let (meter, operation) = (self.meter.clone(), operation(&request));
        let mut units = 1.0;
        if operation.starts_with("dynamodb:") {
            // The engine tells what AWS would bill, as AWS does.
            let mut body = json(request.body());
            body["ReturnConsumedCapacity"] = "TOTAL".into();
            *request.body_mut() = SdkBody::from(body.to_string());
        } else if operation == "events:PutEvents" {
            units = json(request.body())["Entries"].as_array().map_or(0, Vec::len) as f64;
        }
        let answer = self.behind.call(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            if operation.starts_with("dynamodb:") {
                let told = json(answer.body());
                let told = &told["ConsumedCapacity"];
                let each = told.as_array().map_or(std::slice::from_ref(told), Vec::as_slice);
                units = each.iter().filter_map(|consumed| consumed["CapacityUnits"].as_f64()).sum();
            }
            meter.add(operation, units);
            Ok(answer)
        })
    }
}

fn json(body: &SdkBody) -> Value {
    body.bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}

fn operation(request: &HttpRequest) -> String {
    let headers = request.headers();
    let scope = headers.get("authorization").and_then(|a| a.split_once("Credential=")?.1.split('/').nth(3));
    let target = headers.get("x-amz-target").and_then(|target| target.rsplit('.').next());
    // What goes to S3 by a link has its signature in the query.
    let scope = scope.or_else(|| request.uri().contains("X-Amz-Signature=").then_some("s3"));
    format!("{}:{}", scope.unwrap_or_default(), target.unwrap_or(request.method()))
}
