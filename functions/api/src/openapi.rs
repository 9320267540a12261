//! The description of the API, made from the routes themselves: `docs/openapi.json`, which the function carries as a
//! text. Made where it runs, it would be a sixth of its size and of its start.
//!
//! `UPDATE_DOCS=1 cargo test -p api description` writes it anew.

mod flat;
mod own_problems;

use std::{collections::BTreeSet, path::Path};

use axum::http::Method;
use serde::Serialize as _;
use serde_json::{Serializer, Value, json, ser::PrettyFormatter};
use shared::{
    base::id::EXTERNAL_ID_CHARS_MAX,
    firm::idempotency::KEY_CHARS_MAX,
    problem::{Code, Problem},
    reading::served_types,
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        ContentBuilder, Deprecated, HeaderBuilder, ObjectBuilder, Ref, RefOr, Required, Response, ResponseBuilder,
        SchemaFormat, Type,
        extensions::ExtensionsBuilder,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

use crate::{auth::Needs, gate::is_for_ended_firms, routes, version};

#[derive(OpenApi)]
#[openapi(
    info(title = "greffe", description = "Microsoft 365 mail, every message kept exactly once."),
    components(schemas(Problem)),
    security(("key" = [])),
    servers((url = "/", description = "The address of the deployment: the stack's output `PublicUrl`.")),
    tags(
        (name = "firms", description = "Firms, their API keys, and the names of their Outlook categories."),
        (name = "users", description = "The people who may enter a firm's console, and the links that let them in."),
        (name = "app", description = "The operator's app registration at Entra, and its credential."),
        (name = "connectors", description = "The ways into a firm's Microsoft 365, their credentials, and validation."),
        (name = "members", description = "The people of a firm whose Outlook gets dates and contacts."),
        (name = "mailboxes", description = "Mailboxes: which folders are archived, by which rules, since when."),
        (name = "messages", description = "Archived mails: search, reading, originals, filing, and proofs. A dossier is the firm's own file of a case or a client."),
        (name = "dates", description = "Appointments, deadlines and reminders for members' Outlook."),
        (name = "contacts", description = "Persons and organisations for members' Outlook."),
        (name = "bulks", description = "The progress of requests with many dates or contacts."),
        (name = "events", description = "The feed: everything that happened, in order, to read at your own pace."),
        (name = "webhooks", description = "Addresses of the business application to which greffe posts events."),
        (name = "evidence", description = "What is erased or removed, and what a legal hold keeps from that."),
        (name = "audit", description = "Who did what by the API, and who read which mail."),
        (name = "health", description = "Whether the API runs, and which version."),
    ),
    modifiers(&BearerKeys),
)]
struct Document;

/// How a caller shows who it is.
struct BearerKeys;

impl Modify for BearerKeys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
            "A firm's key, or the operator's. Each operation says which right a firm's key needs for it.",
        ));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(key.build()));
    }
}

#[test]
fn the_description_says_what_the_routes_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let mut document = serde_json::to_value(document()).expect("a document is JSON");
    flat::flatten(&mut document);
    describe_rows(&mut document);
    describe_attachments(&mut document);
    document["components"]["schemas"]["ErasureTargetMessages"]["properties"]["messages"]["items"]["pattern"] =
        MESSAGE_ID.into();
    document["components"]["schemas"]["NewSelection"]["properties"]["folders"]["items"]["pattern"] = FOLDER_ID.into();
    // Neither of its fields has to be there, but one of them.
    document["components"]["schemas"]["NewCredential"]["minProperties"] = 1.into();
    add_examples(&mut document);
    describe_webhook(&mut document);
    describe_headers(&mut document);
    let made = written(&document);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &made).expect("docs can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == made, "{} differs: run UPDATE_DOCS=1 cargo test -p api description", path.display());
}

/// The document as it is stored: with one space a level, because it has so many levels that two make a quarter of it.
fn written(document: &Value) -> String {
    let mut text = Vec::new();
    let mut writer = Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b" "));
    document.serialize(&mut writer).expect("a document is JSON");
    String::from_utf8(text).expect("JSON is UTF-8") + "\n"
}

/// A row of a bulk is the body of a PUT with its external id, or a deletion.
fn describe_rows(document: &mut Value) {
    let external_id = json!({
        "type": "string", "minLength": 1, "maxLength": EXTERNAL_ID_CHARS_MAX,
        "description": "The id of the entry in the business application.",
    });
    let schemas = &mut document["components"]["schemas"];
    for (rows, put, row) in [("DateRows", "NewDate", "DateRow"), ("ContactRows", "NewContact", "ContactRow")] {
        let mut schema = schemas[put].clone();
        schema["properties"]["external_id"] = external_id.clone();
        let needed = schema["required"].as_array().into_iter().flatten().cloned();
        schema["required"] = needed.chain([json!("external_id")]).collect();
        schemas[row] = schema;
        let either = ["DeletedRow", row].map(|name| json!({ "$ref": format!("#/components/schemas/{name}") }));
        schemas[rows]["properties"]["rows"]["items"] = json!({ "oneOf": either });
    }
    let version = schemas["NewDate"]["properties"]["version"].clone();
    schemas["DeletedRow"] = json!({
        "type": "object", "description": "An entry that is deleted.", "additionalProperties": false,
        "required": ["external_id", "deleted"],
        "properties": { "external_id": external_id, "deleted": { "type": "boolean", "const": true }, "version": version },
    });
}

/// The bytes of an attachment come as one of the types that are given out.
fn describe_attachments(document: &mut Value) {
    let operation = &mut document["paths"]["/v1/firms/{firm}/messages/{message}/attachments/{attachment}"]["get"];
    for status in ["200", "206"] {
        let content = &mut operation["responses"][status]["content"];
        let bytes = content["application/octet-stream"].clone();
        *content = served_types().into_iter().map(|served| (served.to_owned(), bytes.clone())).collect();
    }
}

/// The request that greffe makes to a webhook's address, by [Standard Webhooks](https://www.standardwebhooks.com) 1.0.
fn describe_webhook(document: &mut Value) {
    let header = |name: &str, text: &str| json!({ "name": name, "in": "header", "required": true, "description": text, "schema": { "type": "string" } });
    document["components"]["schemas"]["WebhookMessage"] = json!({
        "type": "object", "description": "What greffe posts to a webhook.", "required": ["type", "timestamp", "data"],
        "properties": {
            "type": { "type": "string", "description": "The type of the event, or `test`." },
            "timestamp": { "type": "string", "format": "date-time", "description": "When the event was recorded." },
            "data": { "anyOf": [
                { "$ref": "#/components/schemas/FirmEvent" },
                { "$ref": "#/components/schemas/WebhookTest" },
            ] },
        },
    });
    document["components"]["schemas"]["WebhookTest"] = json!({
        "type": "object", "description": "The content of a message with the type `test`.", "required": ["webhook"],
        "properties": { "webhook": { "type": "string", "format": "uuid", "description": "The webhook that is tested." } },
    });
    document["webhooks"]["event"]["post"] = json!({
        "tags": ["webhooks"], "operationId": "receive_event", "security": [],
        "summary": "Receives an event, at an address of yours.",
        "description": "Verify the signature with a library of Standard Webhooks, over the body as it came.",
        "parameters": [
            header("webhook-id", "The id of the event. It is the same if the event is posted again."),
            header("webhook-timestamp", "When it was posted: seconds since 1970."),
            header("webhook-signature", "One signature for each secret that is valid now, separated by spaces."),
        ],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/WebhookMessage" } } },
        },
        "responses": {
            "2XX": { "description": "Taken." },
            "410": { "description": "Pauses the webhook." },
            "default": { "description": "Not taken: greffe posts it again later." },
        },
    });
}

/// Describes the response headers that the gate and the layers around it set, each once.
fn describe_headers(document: &mut Value) {
    let text = |text: &str| json!({ "description": text, "schema": { "type": "string" } });
    document["components"]["headers"] = json!({
        "Allow": text("The methods of this address: with 405, and with 400 where an external id is the name of a route."),
        "Deprecation": text("Since when the operation is deprecated: `@` and seconds since 1970 (RFC 9745)."),
        "ETag": text(ETAG),
        "Greffe-Version": text("The version of greffe that answers."),
        "Idempotency-Replayed": text("`true` if this is the first response to a request that was sent again with its `Idempotency-Key`."),
        "Link": text("Of a deprecated operation: where its successor is described."),
        "RateLimit": text("What is left of this minute's calls of the firm, and the seconds until the next minute. Not with the operator's key."),
        "RateLimit-Policy": text("How many calls a firm may make in a minute. Not with the operator's key."),
        "Retry-After": { "description": "Seconds to wait before the next try.", "schema": { "type": "integer" } },
        "Sunset": text("When the operation may be removed (RFC 8594)."),
        "WWW-Authenticate": text("That a key is needed: `Bearer`."),
        "X-Request-Id": text("The request's id, as the log and the audit trail have it: your own, if the request had one."),
    });
    let tagged = tagged_schemas(document);
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let is_deprecated = operation["deprecated"] == true;
            for (status, answer) in operation["responses"].as_object_mut().into_iter().flatten() {
                if answer.get("$ref").is_some() {
                    continue;
                }
                let names = if path.starts_with("/v1/") { &OF_ALL[..] } else { &OF_ALL[..2] };
                let is_success = status.starts_with('2');
                let replayed = (method == "post" && is_success).then_some("Idempotency-Replayed");
                let passes =
                    method == "post" || answer["description"].as_str().is_some_and(|of| of.contains("`not_in_log`"));
                let later = (passes && status == "409").then_some("Retry-After");
                let deprecated = ["Deprecation", "Link", "Sunset"].into_iter().filter(|_| is_deprecated);
                let is_tagged = tagged.contains(&answer["content"]["application/json"]["schema"]);
                let tag = (is_success && is_tagged && answer["headers"]["ETag"].is_null()).then_some("ETag");
                let default = ["Allow", "Retry-After"].into_iter().filter(|_| status == "default");
                let own =
                    names.iter().copied().chain(replayed).chain(later).chain(deprecated).chain(tag).chain(default);
                refer_to_headers(answer, own);
            }
        }
    }
    for (name, answer) in document["components"]["responses"].as_object_mut().into_iter().flatten() {
        let own = match name.as_str() {
            "Problem400" => Some("Allow"),
            "Problem401" => Some("WWW-Authenticate"),
            "Problem429" => Some("Retry-After"),
            _ => None,
        };
        refer_to_headers(answer, OF_ALL.into_iter().chain(own));
    }
}

/// The headers of all answers; without a key, only the first two.
const OF_ALL: [&str; 4] = ["Greffe-Version", "X-Request-Id", "RateLimit", "RateLimit-Policy"];

fn refer_to_headers(answer: &mut Value, names: impl Iterator<Item = &'static str>) {
    for name in names {
        answer["headers"][name] = json!({ "$ref": format!("#/components/headers/{name}") });
    }
}

/// The schemas of answers that are described with their tag: what shows the same has it elsewhere, too.
fn tagged_schemas(document: &Value) -> Vec<Value> {
    let operations = document["paths"].as_object().into_iter().flatten().filter_map(|(_, item)| item.as_object());
    let answers = operations.flatten().filter_map(|(_, operation)| operation["responses"].as_object()).flatten();
    let tagged = answers.filter(|(_, answer)| !answer["headers"]["ETag"].is_null());
    let schemas = tagged.map(|(_, answer)| answer["content"]["application/json"]["schema"].clone());
    schemas.filter(|schema| !schema.is_null()).collect()
}

/// What `docs/examples.json` has of each operation: a journey of the scenarios makes them, and holds them to what
/// happens.
fn add_examples(document: &mut Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples.json");
    let text = std::fs::read_to_string(&path).expect("docs/examples.json can be read");
    let examples: Value = serde_json::from_str(&text).expect("docs/examples.json is JSON");
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for operation in paths.filter_map(|(_, item)| item.as_object_mut()).flatten().map(|(_, operation)| operation) {
        let example = &examples[operation["operationId"].as_str().unwrap_or_default()];
        let answered = format!("/responses/{}/content", example["status"]);
        for (place, of) in [("/requestBody/content", "request"), (answered.as_str(), "response")] {
            let content = operation.pointer_mut(place).and_then(|content| content.get_mut("application/json"));
            if let (Some(content), false) = (content, example[of].is_null()) {
                content["example"] = example[of].clone();
            }
        }
    }
}

/// The document that describes all routes.
fn document() -> utoipa::openapi::OpenApi {
    let mut document = OpenApiRouter::with_openapi(Document::openapi()).merge(routes::described()).into_openapi();
    for (path, item) in &mut document.paths.paths {
        if let Some(post) = &mut item.post {
            may_be_sent_again(post);
        }
        let operations = [
            (Method::GET, &mut item.get),
            (Method::POST, &mut item.post),
            (Method::PUT, &mut item.put),
            (Method::PATCH, &mut item.patch),
            (Method::DELETE, &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                let is_deprecated = version::deprecated(version::DEPRECATED, &method, path).is_some();
                operation.deprecated = is_deprecated.then_some(Deprecated::True);
                add_what_all_have(path, operation);
                add_needs(path, &method, operation);
                add_problems(path, &method, operation);
                describe_answers(operation);
                // As one line: the generators of clients make a comment of it.
                operation.summary = operation.summary.take().map(|summary| summary.replace('\n', " "));
            }
        }
    }
    add_tags(&mut document);
    let components = document.components.get_or_insert_default();
    components.responses.extend(PROBLEMS.map(|(status, text)| (problem_name(status), problem(text).into())));
    document
}

/// Where a change may be under a condition, answers have the tag that the condition names: those of the same address,
/// and of the one that creates it.
fn add_tags(document: &mut utoipa::openapi::OpenApi) {
    let is_condition = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(known) if known.name == "If-Match");
    let is_conditional = |operation: &Operation| operation.parameters.iter().flatten().any(is_condition);
    let mut tagged = BTreeSet::new();
    for (path, item) in &mut document.paths.paths {
        for operation in [&mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten() {
            if is_conditional(operation) {
                tagged.insert(path.clone());
                add_tag(operation);
                let named = Ref::from_response_name(problem_name(412)).into();
                operation.responses.responses.insert("412".to_owned(), named);
            }
        }
    }
    for (path, item) in &mut document.paths.paths {
        let creates = |below: &String| below.strip_prefix(path.as_str()).is_some_and(|id| id.starts_with("/{"));
        let read = item.get.as_mut().filter(|_| tagged.contains(path));
        let created = item.post.as_mut().filter(|_| tagged.iter().any(creates));
        read.into_iter().chain(created).for_each(add_tag);
    }
}

/// What a tag is good for: what greffe makes by itself does not change it, so it is no reason for 304.
const ETAG: &str = "The settings that are shown: send it as `If-Match` with a change. Progress and state do not change it, so a \
                    GET takes no condition: it is answered in full.";

fn add_tag(operation: &mut Operation) {
    for status in ["200", "201"] {
        if let Some(RefOr::T(answer)) = operation.responses.responses.get_mut(status) {
            let schema = ObjectBuilder::new().schema_type(Type::String);
            let tag = HeaderBuilder::new().schema(Some(schema)).description(Some(ETAG)).build();
            answer.headers.insert("ETag".to_owned(), tag.into());
        }
    }
}

/// The problems that routes of `/v1` may answer by themselves or by what stands before them, by status; the last one,
/// if the request has a condition.
const PROBLEMS: [(u16, &str); 8] = [
    (400, "`invalid_request`: `detail` names the field and says what it has to be."),
    (401, "`unauthorized`: no key, or none that greffe knows."),
    (403, "`key_right_missing`: the key lacks the right for it."),
    (404, "`not_found`: there is no such thing, or the key may not see it."),
    (413, "`body_too_large`: `detail` says how many bytes a body may have."),
    (429, "`too_many_requests`: wait as long as `Retry-After` says."),
    (415, "`unsupported_media_type`: the header `Content-Type` does not name JSON."),
    (412, "`precondition_failed`: `If-Match` or `If-None-Match` does not hold. Nothing was changed."),
];

fn problem_name(status: u16) -> String {
    format!("Problem{status}")
}

/// A problem document as the answer; `text` says when.
fn problem(text: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(text).content("application/problem+json", content).build()
}

/// What the gate and the readers of ids and bodies answer.
fn add_problems(path: &str, method: &Method, operation: &mut Operation) {
    if !path.starts_with("/v1/") {
        return;
    }
    let is_operators = routes::Operation::at(path, method).is_some_and(|served| served.needs == Needs::Operator);
    let may = |status| match status {
        404 => path.contains('{') || is_operators,
        412 => false,
        // A body that comes with an `Idempotency-Key` is read, whatever it is.
        413 => operation.request_body.is_some() || *method == Method::POST,
        415 => operation.request_body.is_some(),
        _ => true,
    };
    for (status, _) in PROBLEMS.into_iter().filter(|(status, _)| may(*status)) {
        let named = Ref::from_response_name(problem_name(status)).into();
        operation.responses.responses.entry(status.to_string()).or_insert(named);
    }
    add_conflicts(path, method, operation);
    add_own_problems(operation);
}

/// Adds the problems of the operation's own, beside those that it says itself.
fn add_own_problems(operation: &mut Operation) {
    let codes: Vec<Code> = own_problems::of(operation.operation_id.as_deref().unwrap_or_default()).collect();
    for code in codes {
        let (status, name) = (code.status(), format!("`{}`", code.name()));
        let answers = &mut operation.responses.responses;
        let answer = answers.entry(status.to_string()).or_insert_with(|| problem("").into());
        if let RefOr::Ref(_) = answer {
            let of_all = PROBLEMS.iter().find(|(known, _)| *known == status).map_or("", |(_, text)| *text);
            *answer = problem(of_all.trim_end_matches('.')).into();
        }
        if let RefOr::T(answer) = answer
            && !answer.description.contains(&name)
        {
            let before = if answer.description.is_empty() { "" } else { ", " };
            answer.description.push_str(&format!("{before}{name}"));
        }
    }
}

/// The lists that have one order, and whose `after` may be of another list or ahead.
const PLACES: [&str; 9] =
    ["/audit", "/contacts", "/dates", "/deliveries", "/erasures", "/events", "/messages", "/proposals", "/tenants"];

/// The conflicts that the gate and the readers of pages answer, beside those that a route says itself.
fn add_conflicts(path: &str, method: &Method, operation: &mut Operation) {
    let changes = !method.is_safe();
    let has = |name: &str| {
        let is_it = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(known) if known.name == name);
        operation.parameters.iter().flatten().any(is_it)
    };
    let of_firm = path == "/v1/firms/{firm}" || path.starts_with("/v1/firms/{firm}/");
    let codes = [
        (changes, "`conflict`"),
        (of_firm && !is_for_ended_firms(path, method), "`firm_ended`"),
        (*method == Method::POST, "`idempotency_key_reused`, `request_unfinished`, `request_interrupted`"),
        (!changes && (has("sort") || PLACES.iter().any(|end| path.ends_with(end))), "`position_unknown`"),
    ];
    let answers = &mut operation.responses.responses;
    for codes in codes.into_iter().filter_map(|(may, codes)| may.then_some(codes)) {
        match answers.entry("409".to_owned()).or_insert_with(|| problem("").into()) {
            RefOr::T(answer) if answer.description.is_empty() => answer.description = codes.to_owned(),
            RefOr::T(answer) if answer.description.contains(codes) => {}
            RefOr::T(answer) => answer.description = format!("{codes}, {}", answer.description),
            RefOr::Ref(_) => {}
        }
    }
}

/// OpenAPI wants a description of every answer.
fn describe_answers(operation: &mut Operation) {
    for (status, answer) in &mut operation.responses.responses {
        let RefOr::T(answer) = answer else { continue };
        if answer.description.is_empty() {
            answer.description = match status.as_str() {
                "201" => "It is created, and is as shown.",
                "202" => "It is accepted, and continues in the background.",
                _ => "It is as shown.",
            }
            .to_owned();
        }
    }
}

/// A POST takes the header `Idempotency-Key`.
fn may_be_sent_again(post: &mut Operation) {
    let key = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "A random value, a new one for each request. If you send the same request with the same key again within a day, greffe does \
             not repeat the operation: it returns the first response, with the header Idempotency-Replayed.",
        ))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some("^[!-~]([ -~]*[!-~])?$"))
                .max_length(Some(KEY_CHARS_MAX)),
        ));
    post.parameters.get_or_insert_default().push(key.build().into());
}

/// What a key has to have, for people and as `x-right` for programs.
fn add_needs(path: &str, method: &Method, operation: &mut Operation) {
    let served = routes::Operation::at(path, method).expect("a route that is described is served");
    let (name, text) = match served.needs {
        Needs::Nothing => return,
        Needs::Operator => ("operator".to_owned(), "Needs the operator's key.".to_owned()),
        Needs::Right(right) => (right.to_string(), format!("Needs a key with the right `{right}`.")),
    };
    let said = operation.description.take().map(|said| format!("{said}\n\n")).unwrap_or_default();
    operation.description = Some(said + &text);
    operation.extensions = Some(ExtensionsBuilder::new().add("x-right", name).build());
}

/// What the id of a folder looks like, or its well-known name.
const FOLDER_ID: &str = "^[!\"$-~]{1,512}$";

/// What the id of a message looks like.
const MESSAGE_ID: &str = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\\.[0-9a-f]{32}$";

fn id_named(name: &str) -> ObjectBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String);
    match name {
        "attachment" => ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(9_999)),
        "external_id" => text.max_length(Some(EXTERNAL_ID_CHARS_MAX)).pattern(Some(r"^[^\x00-\x1F\x7F-\x9F]+$")),
        "message" => text.pattern(Some(MESSAGE_ID)),
        _ => text.format(Some(SchemaFormat::Custom("uuid".to_owned()))),
    }
}

/// What the macro does not see: the ids in the path, and that every failure is a problem document.
fn add_what_all_have(path: &str, operation: &mut Operation) {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    for name in names {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(match name {
                "attachment" => "The attachment's number in the mail.".to_owned(),
                "external_id" => "Your own id of it.".to_owned(),
                _ => format!("The {name}'s id."),
            }))
            .schema(Some(id_named(name)));
        operation.parameters.get_or_insert_default().push(parameter.build().into());
    }
    let text = "A problem. `code` is stable, `detail` says what is wrong, and `next_action` says what to do.";
    operation.responses.responses.insert("default".to_owned(), problem(text).into());
}

#[test]
fn each_operation_has_an_id_of_its_own_and_each_answer_a_description() {
    let mut document = serde_json::to_value(document()).expect("a document is JSON");
    flat::flatten(&mut document);
    let tags = document["tags"].as_array().into_iter().flatten();
    let tags: Vec<&Value> = tags.filter(|tag| tag["description"].is_string()).map(|tag| &tag["name"]).collect();
    let mut ids = BTreeSet::new();
    for operation in
        document["paths"].as_object().into_iter().flatten().filter_map(|(_, item)| item.as_object()).flatten()
    {
        let (method, operation) = operation;
        let Some(answers) = operation["responses"].as_object() else { continue };
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} without an id: {operation}"));
        assert!(ids.insert(id.to_owned()), "two operations are called {id}");
        assert!(tags.contains(&&operation["tags"][0]), "{id}: describe its tag");
        for (status, answer) in answers {
            assert!(answer["$ref"].is_string() || answer["description"].is_string(), "{id} {status}");
        }
    }
    assert!(!ids.is_empty());
    let schemas = document["components"]["schemas"].to_string();
    assert!(!schemas.contains("\"allOf\""), "no generator makes one type of several parts");
}

#[test]
fn what_the_gate_and_the_readers_of_bodies_answer_is_described() {
    let document = serde_json::to_value(document()).expect("a document is JSON");
    for (path, item) in document["paths"].as_object().into_iter().flatten().filter(|(path, _)| path.starts_with("/v1/"))
    {
        for (method, described) in item.as_object().into_iter().flatten() {
            let is_described = |status: &str| described["responses"][status].is_object();
            let is_operators = described["x-right"] == "operator";
            assert_eq!(is_described("404"), path.contains('{') || is_operators, "{method} {path}: 404");
            let has_body = method == "post" || described["requestBody"].is_object();
            assert!(!has_body || is_described("413"), "{method} {path}: 413");
            let parameters = described["parameters"].as_array().into_iter().flatten();
            let takes =
                parameters.filter(|parameter| parameter["in"] == "header").any(|p| p["name"] == "If-None-Match");
            assert_eq!(is_described("304"), takes && method == "get", "{method} {path}: 304");
            assert_eq!(is_described("412"), takes && method != "get", "{method} {path}: 412");
        }
    }
}

#[test]
fn each_operation_is_described_with_the_parameters_and_the_conditions_that_its_handler_takes() {
    let document = serde_json::to_value(document()).expect("a document is JSON");
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, described) in item.as_object().into_iter().flatten().filter(|_| path.starts_with("/v1/")) {
            let named = |place: &str| -> BTreeSet<&str> {
                let parameters = described["parameters"].as_array().into_iter().flatten();
                parameters.filter(|parameter| parameter["in"] == place).filter_map(|p| p["name"].as_str()).collect()
            };
            let method: Method = method.to_uppercase().parse().expect("a method");
            let operation = routes::Operation::at(path, &method).expect("it is served");
            let known = operation.query_names().into_iter().collect();
            assert_eq!(named("query"), known, "{method} {path}");
            let takes = method != Method::GET && named("header").contains("If-Match");
            assert_eq!(takes, operation.takes_conditions, "{method} {path}");
        }
    }
}

/// What is not JSON, or lies behind a link, is what a mail holds; and so is what is read of one as JSON.
#[test]
fn a_route_that_gives_out_what_a_mail_holds_says_so_and_so_leaves_an_entry_in_the_audit_trail() {
    let document = serde_json::to_value(document()).expect("a document is JSON");
    let mut found = 0;
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        let answers = &item["get"]["responses"];
        let kinds = answers["200"]["content"].as_object().into_iter().flatten().map(|(kind, _)| kind.as_str());
        let gives_out = !answers["303"].is_null() || kinds.into_iter().any(|kind| kind != "application/json");
        let is_read = ["/text", "/attachments"].iter().any(|end| path.ends_with(end));
        if path.starts_with("/v1/") {
            assert_eq!(
                routes::reads_mail(path, None),
                gives_out || is_read,
                "{path}: write `reads mail` in routes/mod.rs"
            );
            found += usize::from(gives_out);
        }
    }
    assert!(found > 0);
}
