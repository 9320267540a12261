//! Holds what the API answers to what docs/openapi.json says of the operation.

use std::{collections::BTreeSet, sync::LazyLock};

use reqwest::{
    Method, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderName},
};
use serde_json::Value;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../docs/openapi.json")).expect("docs/openapi.json is JSON"));

/// The headers that some answer is described with, in lower case.
static HEADERS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let operations = DOCUMENT["paths"].as_object().into_iter().flatten().filter_map(|(_, item)| item.as_object());
    let answers = operations.flatten().filter_map(|(_, operation)| operation["responses"].as_object()).flatten();
    let headers = answers.filter_map(|(_, answer)| answer["headers"].as_object()).flatten();
    headers.map(|(name, _)| name.to_lowercase()).collect()
});

/// What the description lacks of an answer: its status, the code of its problem, the type of its content, or a header
/// that it has elsewhere. None also where it has no such operation, or greffe itself failed.
pub(crate) fn lacking(
    (method, path): (&Method, &str),
    (status, headers, body): (StatusCode, &HeaderMap, &Value),
) -> Option<String> {
    let operation = operation(method, path)?;
    let id = operation["operationId"].as_str().unwrap_or_default();
    if status.is_server_error() || status == StatusCode::METHOD_NOT_ALLOWED {
        return None;
    }
    let Some(described) = operation["responses"].get(status.as_str()) else {
        return Some(format!("{id}: {status} {}", body["code"]));
    };
    let named = described["$ref"].as_str().and_then(|at| DOCUMENT.pointer(at.strip_prefix('#')?));
    let described = named.unwrap_or(described);
    let has_header = |name: &str| {
        described["headers"].as_object().into_iter().flatten().any(|(known, _)| known.eq_ignore_ascii_case(name))
    };
    let mut names = headers.keys().map(HeaderName::as_str);
    if let Some(name) = names.find(|name| HEADERS.contains(*name) && !has_header(name)) {
        return Some(format!("{id}: {status} with the header {name}"));
    }
    if let Some(code) = body["code"].as_str().filter(|_| status.is_client_error()) {
        let says = described["description"].as_str().is_some_and(|text| text.contains(&format!("`{code}`")));
        return (!says).then(|| format!("{id}: {status} {code}"));
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok())?;
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let is_described = described["content"].get(kind).or_else(|| described["content"].get("*/*")).is_some();
    (!is_described).then(|| format!("{id}: {status} with {kind}"))
}

/// What is described at this address: of several paths that fit, the one with the most names.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap_or_default();
    let names = |template: &str| {
        let (mut parts, mut names) = (template.split('/'), 0);
        let fits = path.split('/').all(|part| match parts.next() {
            Some(name) if name.starts_with('{') => !part.is_empty(),
            Some(name) => {
                names += 1;
                name == part
            }
            None => false,
        });
        (fits && parts.next().is_none()).then_some(names)
    };
    let paths = DOCUMENT["paths"].as_object()?.iter();
    let fitting = paths.filter_map(|(template, item)| Some((names(template)?, item)));
    let (_, item) = fitting.max_by_key(|(names, _)| *names)?;
    let method = if *method == Method::HEAD { "get".to_owned() } else { method.as_str().to_lowercase() };
    item.get(method)
}
