//! Items that an older version wrote stay readable: `stored/` has one of each kind, as DynamoDB gives it. A sample is never changed.

use std::{collections::HashMap, path::PathBuf};

use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::{
    access::{
        connector::{Connector, OwnApp},
        registration::Registration,
        watch::Watch,
    },
    firm::{
        Firm, audit,
        feed::Fact,
        key::ApiKey,
        member::{Due, Member},
    },
    mail::{
        delta::BaselinePage,
        filing::Filed,
        folder::{FolderState, TreeLink},
        mailbox::{Mailbox, Progress, Sync},
        message::{Filing, Message},
    },
    push::{Bulk, Outbox, PushWork, contact::Contact, date::Date, entry::Entry},
};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/house/stored")
}

/// DynamoDB's own JSON.
fn attribute(value: &Value) -> AttributeValue {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    match (kind.as_str(), value) {
        ("S", Value::String(text)) => AttributeValue::S(text.clone()),
        ("N", Value::String(number)) => AttributeValue::N(number.clone()),
        ("BOOL", Value::Bool(value)) => AttributeValue::Bool(*value),
        ("NULL", _) => AttributeValue::Null(true),
        ("L", Value::Array(all)) => AttributeValue::L(all.iter().map(attribute).collect()),
        ("M", Value::Object(all)) => AttributeValue::M(all.iter().map(|(k, v)| (k.clone(), attribute(v))).collect()),
        other => panic!("{other:?}"),
    }
}

fn read<T: DeserializeOwned>(sample: &str, item: HashMap<String, AttributeValue>) {
    if let Err(error) = serde_dynamo::from_item::<_, T>(item) {
        panic!("{sample}: today's type does not read it: {error}");
    }
}

#[test]
fn every_item_that_an_older_version_wrote_is_read_and_so_is_one_with_more_in_it() {
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let sample = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let value: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let mut item: HashMap<String, AttributeValue> =
            value.as_object().unwrap().iter().map(|(k, v)| (k.clone(), attribute(v))).collect();
        // A function reads what a newer one wrote.
        item.insert("field_of_a_newer_version".to_owned(), AttributeValue::Bool(true));
        match sample.as_str() {
            "api-key" => read::<ApiKey>(&sample, item),
            "audit-entry" => read::<audit::AuditEntry>(&sample, item),
            "baseline-page" => read::<BaselinePage>(&sample, item),
            "bulk" => read::<Bulk>(&sample, item),
            "connector" => read::<Connector>(&sample, item),
            "contact" => read::<Entry<Contact>>(&sample, item),
            "credential" | "platform-credential" => read::<Registration>(&sample, item),
            "date" => read::<Entry<Date>>(&sample, item),
            "fact-connector-connected" | "fact-message-archived" | "fact-message-filed" => read::<Fact>(&sample, item),
            "filed" => read::<Filed>(&sample, item),
            "filing" => read::<Filing>(&sample, item),
            "firm" => read::<Firm>(&sample, item),
            "folder" => read::<FolderState>(&sample, item),
            "mailbox" => read::<Mailbox>(&sample, item),
            "member" => read::<Member>(&sample, item),
            "message" => read::<Message>(&sample, item),
            "outbox" => read::<Outbox>(&sample, item),
            "own-app" => read::<OwnApp>(&sample, item),
            "progress" => read::<Progress>(&sample, item),
            "push-due" => read::<Due>(&sample, item),
            "push-work" => read::<PushWork>(&sample, item),
            "sync" => read::<Sync>(&sample, item),
            "tree-link" => read::<TreeLink>(&sample, item),
            "watch" => read::<Watch>(&sample, item),
            other => panic!("{other}.json: say here which type reads it"),
        }
    }
}

#[test]
fn each_sample_stands_in_the_document_of_stored_formats() {
    let document = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/stored-formats.md");
    let document = std::fs::read_to_string(document).unwrap();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(document.contains(&format!("`{name}`")), "docs/stored-formats.md does not name {name}");
    }
}
