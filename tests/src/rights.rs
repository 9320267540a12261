//! What each function does at AWS, and what template.yaml lets it do.
//!
//! Every world listens between greffe and AWS. What a function did and its role does not allow is found when the world
//! ends: a right too few. So is what a statement of the role denies, in spite of a right. A right too many shows only
//! after all worlds: with `GREFFE_RIGHTS=FOLDER` each process leaves there what it heard, and `tests/template` reads
//! it.

use std::{
    collections::BTreeSet,
    fmt::{self, Write as _},
    path::Path,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient as _, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
    },
    orchestrator::HttpRequest,
};
use local::provision::{BUCKET, INDEX_BUCKET};
use serde_json::Value;

use crate::template::{Template, attribute, role_of};

/// Something a function may do, or did.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// The function's name.
    pub function: String,
    /// As IAM names it.
    pub action: String,
    /// By its logical id in the template, such as `Table/index/due`; a secret by its name. May have `*` in it.
    pub resource: String,
}

impl Right {
    /// Whether `done` is within this right.
    pub fn allows(&self, done: &Self) -> bool {
        like(&self.resource, &done.resource) && self.function == done.function && self.action == done.action
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.function, self.action, self.resource)
    }
}

/// What was heard in one world.
#[derive(Debug, Clone, Default)]
pub struct Heard(Arc<Mutex<Hearing>>);

#[derive(Debug, Default)]
struct Hearing {
    all: BTreeSet<Right>,
    /// In the order in which it was done, since somebody asked last.
    lately: Vec<Right>,
    /// What a role denies.
    denied: BTreeSet<String>,
}

impl Heard {
    /// What lies between greffe and `aws`, and listens.
    pub fn before(&self, aws: SharedHttpClient) -> SharedHttpClient {
        let heard = self.clone();
        http_client_fn(move |settings, components| heard.on(aws.http_connector(settings, components)))
    }

    /// The same over one connector.
    pub fn on(&self, behind: SharedHttpConnector) -> SharedHttpConnector {
        SharedHttpConnector::new(Ear { heard: self.clone(), behind })
    }

    /// What the functions did since this was asked last, in order.
    pub fn lately(&self) -> Vec<Right> {
        std::mem::take(&mut self.hearing().lately)
    }

    /// What the functions did and were not allowed to.
    pub fn forbidden(&self) -> Vec<String> {
        static GRANTED: LazyLock<Vec<Right>> = LazyLock::new(|| granted(&Template::read()));
        let hearing = self.hearing();
        let missing = hearing.all.iter().filter(|done| !GRANTED.iter().any(|right| right.allows(done)));
        missing.map(ToString::to_string).chain(hearing.denied.iter().cloned()).collect()
    }

    /// Adds to what this process heard in all its worlds, in a file of its own in `folder`.
    pub fn keep_in(&self, folder: &Path) {
        static ALL: Mutex<BTreeSet<Right>> = Mutex::new(BTreeSet::new());
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(self.hearing().all.iter().cloned());
        let lines = all.iter().fold(String::new(), |mut lines, right| {
            let _ = writeln!(lines, "{right}");
            lines
        });
        std::fs::create_dir_all(folder).expect("a folder for what was heard");
        std::fs::write(folder.join(std::process::id().to_string()), lines).expect("what was heard is kept");
    }

    fn hearing(&self) -> MutexGuard<'_, Hearing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the processes before left in `folder`.
pub fn heard_in(folder: &Path) -> BTreeSet<Right> {
    let files = std::fs::read_dir(folder).expect("what was heard").map(|file| file.expect("a file").path());
    let texts: Vec<String> = files.map(|path| std::fs::read_to_string(path).expect("what was heard")).collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    let rights = lines.filter_map(|line| {
        let mut parts = line.splitn(3, ' ').map(str::to_owned);
        Some(Right { function: parts.next()?, action: parts.next()?, resource: parts.next()? })
    });
    rights.collect()
}

#[derive(Debug)]
struct Ear {
    heard: Heard,
    behind: SharedHttpConnector,
}

impl HttpConnector for Ear {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if let Some(function) = function(&request) {
            static DENIALS: LazyLock<Vec<Denial>> = LazyLock::new(|| denials(&Template::read()));
            let mut hearing = self.heard.hearing();
            for (action, resource, touched) in done(&request) {
                let right = Right { function: function.clone(), action, resource };
                if DENIALS.iter().any(|denial| denial.meets(&right, &touched)) {
                    hearing.denied.insert(format!("{right} is denied for {touched:?}"));
                }
                hearing.all.insert(right.clone());
                hearing.lately.push(right);
            }
        }
        let missing = function(&request).filter(|function| GO_ON_WITHOUT.contains(&function.as_str()));
        let missing = missing.zip(is_of_s3(&request).then(|| object(&request).1));
        let (heard, answer) = (self.heard.clone(), self.behind.call(request));
        let Some((function, object)) = missing else { return answer };
        HttpConnectorFuture::new(async move {
            let answer = answer.await;
            if answer.as_ref().is_ok_and(|answer| answer.status().as_u16() == 404) {
                let bucket = object.split('/').next().unwrap_or_default().to_owned();
                heard.hearing().all.insert(Right { function, action: "s3:ListBucket".to_owned(), resource: bucket });
            }
            answer
        })
    }
}

/// Functions that go on where an object is missing. Only with the right to list does S3 say that it is.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html> (Permissions)
const GO_ON_WITHOUT: [&str; 3] = ["documents", "indexer", "erasure"];

/// Functions that go by what HEAD says of the retention and the legal hold of an object: it says so to those who may
/// read that.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html>
const ASK_FOR_LOCK: [(&str, &[&str]); 3] = [
    ("check", &["s3:GetObjectRetention", "s3:GetObjectLegalHold"]),
    ("erasure", &["s3:GetObjectRetention", "s3:GetObjectLegalHold"]),
    ("indexer", &["s3:GetObjectLegalHold"]),
];

/// The host has each function name itself; what has no name is the host itself, or a test.
fn function(request: &HttpRequest) -> Option<String> {
    let agent = request.headers().get("x-amz-user-agent").or_else(|| request.headers().get("user-agent"))?;
    agent.split(' ').find_map(|part| part.strip_prefix("app/")).map(str::to_owned)
}

/// What an action of DynamoDB touches, as the conditions of IAM see it.
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html>
#[derive(Debug, Clone, Default)]
pub struct Touched {
    /// `dynamodb:LeadingKeys`: the partitions.
    pub keys: Vec<String>,
    /// `dynamodb:Attributes`: the attributes of an item that is put.
    pub attributes: Vec<String>,
}

impl Touched {
    /// An operation on the items of a table; `of` is its part of the request.
    fn of(of: &Value) -> Self {
        let items = [&of["Key"], &of["Item"]].into_iter().map(|item| &item["pk"]);
        let batch = of["RequestItems"].as_object().into_iter().flatten().map(|(_, table)| &table["Keys"]);
        let batch = batch.flat_map(|keys| keys.as_array().into_iter().flatten().map(|key| &key["pk"]));
        // All queries of greffe name it so.
        let keys = items.chain(batch).chain([&of["ExpressionAttributeValues"][":pk"]]);
        Self {
            keys: keys.filter_map(|key| key["S"].as_str().map(str::to_owned)).collect(),
            attributes: of["Item"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect(),
        }
    }
}

/// A statement that denies, of one function's role, on the table.
#[derive(Debug, Clone)]
pub struct Denial {
    function: String,
    actions: Vec<String>,
    resources: Vec<String>,
    /// Met if any key is like one of these; always, if there is none.
    keys: Vec<String>,
    /// The same for attributes.
    attributes: Vec<String>,
}

impl Denial {
    /// Whether it denies `done`.
    pub fn meets(&self, done: &Right, touched: &Touched) -> bool {
        let any = |patterns: &[String], texts: &[String]| {
            patterns.is_empty() || texts.iter().any(|text| patterns.iter().any(|pattern| like(pattern, text)))
        };
        self.function == done.function
            && self.actions.iter().any(|action| like(action, &done.action))
            && self.resources.contains(&done.resource)
            && any(&self.keys, &touched.keys)
            && any(&self.attributes, &touched.attributes)
    }
}

/// What the roles deny.
pub fn denials(template: &Template) -> Vec<Denial> {
    let texts =
        |value: &Value| list(value).into_iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
    let denials = statements(template, "Deny").map(|(function, statement)| {
        let conditions = &statement["Condition"];
        let known = conditions.as_object().into_iter().flatten().map(|(operator, keys)| {
            let keys = keys.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
            (operator.as_str(), keys.collect::<Vec<_>>())
        });
        for (operator, keys) in known {
            let known = matches!(
                (operator, keys.as_slice()),
                ("ForAnyValue:StringLike", ["dynamodb:LeadingKeys"])
                    | ("ForAnyValue:StringEquals", ["dynamodb:Attributes"])
            );
            assert!(known, "{function}: {operator} of {keys:?} is not understood here");
        }
        Denial {
            function,
            actions: texts(&statement["Action"]),
            resources: list(&statement["Resource"]).into_iter().map(|resource| named(template, resource)).collect(),
            keys: texts(&conditions["ForAnyValue:StringLike"]["dynamodb:LeadingKeys"]),
            attributes: texts(&conditions["ForAnyValue:StringEquals"]["dynamodb:Attributes"]),
        }
    });
    denials.collect()
}

/// `StringLike` of IAM: `*` is any text, `?` one character, wherever they stand.
pub fn like(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    let mut characters = text.chars();
    match first {
        '*' => text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| like(rest, &text[at..])),
        '?' => characters.next().is_some() && like(rest, characters.as_str()),
        same => characters.next() == Some(same) && like(rest, characters.as_str()),
    }
}

/// The actions that IAM weighs for a request, on which resource each, and what of the table it touches.
/// Source:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>
fn done(request: &HttpRequest) -> Vec<(String, String, Touched)> {
    let headers = request.headers();
    let scope = headers.get("authorization").and_then(|a| a.split_once("Credential=")?.1.split('/').nth(3));
    let service = scope.unwrap_or_default().to_owned();
    let one = |action: String, resource: String| vec![(action, resource, Touched::default())];
    if is_of_s3(request) {
        let (action, resource) = object(request);
        let asking = function(request).filter(|_| request.method() == "HEAD");
        let asks = ASK_FOR_LOCK.iter().filter(|(name, _)| asking.as_deref() == Some(name));
        let rights = asks.flat_map(|(_, rights)| rights.iter());
        let lock = rights.flat_map(|right| one((*right).to_owned(), resource.clone())).collect::<Vec<_>>();
        return [one(action, resource), lock].concat();
    }
    if service == "sts" {
        // The older query protocol: a form. Its actions are on no resource.
        let form = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        let action = form.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default();
        return one(format!("sts:{action}"), String::new());
    }
    let operation = headers.get("x-amz-target").and_then(|t| t.rsplit('.').next()).unwrap_or_default().to_owned();
    let body: Value = request.body().bytes().and_then(|b| serde_json::from_slice(b).ok()).unwrap_or_default();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let whole = |action: &str| format!("{service}:{action}");
    match (service.as_str(), operation.as_str()) {
        ("dynamodb", "TransactWriteItems" | "TransactGetItems") => {
            let items = body["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object).flatten();
            items.map(|(kind, part)| (whole(kind) + "Item", "Table".to_owned(), Touched::of(part))).collect()
        }
        ("dynamodb", operation) => {
            let index = body["IndexName"].as_str().map(|name| format!("/index/{name}")).unwrap_or_default();
            vec![(whole(operation), format!("Table{index}"), Touched::of(&body))]
        }
        ("sqs", operation) => {
            // A batch is weighed as its parts.
            let action = operation.trim_end_matches("Batch");
            one(whole(action), queue(text("QueueUrl").rsplit('/').next().unwrap_or_default()))
        }
        ("secretsmanager", operation) => {
            let name = if operation == "CreateSecret" { text("Name") } else { text("SecretId") };
            one(whole(operation), format!("secret:{name}"))
        }
        ("events", operation) => one(whole(operation), "EventBus".to_owned()),
        (service, operation) => one(format!("{service}:{operation}"), "?".to_owned()),
    }
}

/// Only S3 is reached by links, too, which have their signature in the query.
fn is_of_s3(request: &HttpRequest) -> bool {
    let scope = request.headers().get("authorization").and_then(|a| a.split_once("Credential=")?.1.split('/').nth(3));
    scope == Some("s3") || request.uri().contains("X-Amz-Signature=")
}

fn object(request: &HttpRequest) -> (String, String) {
    let uri: axum::http::Uri = request.uri().parse().unwrap_or_default();
    let (mut path, query) = (uri.path(), uri.query().unwrap_or_default());
    // An endpoint of one's own has the bucket in the path.
    let (host, mut bucket) = (uri.host().unwrap_or_default(), "Originals");
    for (name, id) in [(BUCKET, "Originals"), (INDEX_BUCKET, "Indexes")] {
        let own = path.trim_start_matches('/').strip_prefix(name);
        if host.starts_with(name) || own.is_some() {
            (path, bucket) = (own.unwrap_or(path), id);
            break;
        }
    }
    let is_of_version = query.contains("versionId=");
    let action = match request.method() {
        "GET" if path.len() < 2 && query.contains("versions") => "ListBucketVersions",
        "GET" if path.len() < 2 && query.contains("lifecycle") => "GetLifecycleConfiguration",
        "GET" if path.len() < 2 => "ListBucket",
        "GET" | "HEAD" if is_of_version => "GetObjectVersion",
        "GET" | "HEAD" => "GetObject",
        "DELETE" if is_of_version => "DeleteObjectVersion",
        "DELETE" => "DeleteObject",
        _ if query.contains("legal-hold") => "PutObjectLegalHold",
        _ if query.contains("retention") => "PutObjectRetention",
        _ => "PutObject",
    };
    (format!("s3:{action}"), format!("{bucket}{}", path.trim_end_matches('/')))
}

/// `greffe-mail.fifo` on one machine is `MailQueue` in the template.
fn queue(name: &str) -> String {
    let words = name.trim_start_matches("greffe-").trim_end_matches(".fifo").split('-');
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    words.map(capital).collect::<String>() + "Queue"
}

/// What the roles allow: everything but writing logs, and what Lambda itself does for a queue that feeds a function.
/// What depends on a parameter is left out.
pub fn granted(template: &Template) -> Vec<Right> {
    let mut granted = Vec::new();
    for (function, statement) in statements(template, "Allow") {
        for action in list(&statement["Action"]).into_iter().filter_map(Value::as_str) {
            for resource in list(&statement["Resource"]) {
                let resource = named(template, resource);
                granted.push(Right { function: function.clone(), action: action.to_owned(), resource });
            }
        }
    }
    granted
}

/// The statements of the roles with this effect, and whose each is.
fn statements<'a>(template: &'a Template, effect: &'static str) -> impl Iterator<Item = (String, &'a Value)> {
    template.functions().flat_map(move |(function, _, properties)| {
        let role = template.properties(role_of(properties));
        let policies = role["Policies"].as_array().into_iter().flatten();
        let statements = policies.flat_map(|policy| list(&policy["PolicyDocument"]["Statement"]));
        statements.filter(move |statement| statement["Effect"] == effect).map(move |of| (function.to_owned(), of))
    })
}

/// What Lambda does under the function's role for each queue that feeds it, and the log that it writes.
pub fn given_to_lambda(template: &Template) -> Vec<Right> {
    let mut rights = Vec::new();
    for (function, _, properties) in template.functions() {
        let mut give = |action: &str, resource: &str| {
            rights.push(Right {
                function: function.to_owned(),
                action: action.to_owned(),
                resource: resource.to_owned(),
            });
        };
        let group = template.of_function(properties, "LoggingConfig")["LogGroup"]["Ref"].as_str().unwrap_or_default();
        give("logs:CreateLogStream", group);
        give("logs:PutLogEvents", group);
        let events = properties["Events"].as_object().into_iter().flatten().map(|(_, event)| event);
        for source in events.filter(|event| event["Type"] == "SQS") {
            let (queue, _) = attribute(&source["Properties"]["Queue"]).unwrap_or_default();
            for action in ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"] {
                give(action, queue);
            }
        }
    }
    rights
}

/// One or many.
fn list(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |items| items.iter().collect())
}

/// A resource of a policy as the requests name it.
fn named(template: &Template, resource: &Value) -> String {
    if let Some((id, "Arn")) = attribute(resource) {
        return id.to_owned();
    }
    if let Some(id) = resource["Ref"].as_str() {
        let secret = template.properties(id)["Name"].as_str();
        return secret.map_or_else(|| id.to_owned(), |name| format!("secret:{name}"));
    }
    let pattern = resource["Fn::Sub"].as_str().or(resource.as_str()).unwrap_or_default();
    match pattern.split_once(":secret:") {
        Some((_, name)) => format!("secret:{name}"),
        None => pattern.replace("${", "").replace(".Arn}", ""),
    }
}
