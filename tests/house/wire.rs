//! Stored is not wire: what the table holds and what the API shows can change apart.

use std::collections::BTreeSet;

use super::text::files;

/// The types of the common crate that are both: words that mean the same in either place, what the feed and the audit
/// trail hold as they show it, and what an erasure says of itself. A new field of one of them changes the API and
/// docs/stored-formats.md.
const BOTH: [&str; 43] = [
    "Access",
    "Actor",
    "AuditEntry",
    "AuditLink",
    "CategoryName",
    "CheckedResource",
    "Code",
    "Color",
    "ConnectorState",
    "ContactKind",
    "ContactSlot",
    "CredentialKind",
    "DateKind",
    "DateTarget",
    "DeliveryFailure",
    "EntryKind",
    "Envelope",
    "ErasedCount",
    "ErasureRefusal",
    "ErasureState",
    "ErasureTarget",
    "EventType",
    "ExpiringCredential",
    "ExpirySource",
    "Fact",
    "FactEvent",
    "FiledThrough",
    "HintCode",
    "KeyRight",
    "Language",
    "MailFacts",
    "MailboxKind",
    "MailboxState",
    "OutlookItemKind",
    "Reconnect",
    "RecurrenceUnit",
    "ResponsibleParty",
    "SelectionMode",
    "Service",
    "ShowAs",
    "SkipReason",
    "UserRole",
    "WebhookState",
];

/// The names of the types of a source that serde reads and that the API's description has.
fn read_and_described(source: &str) -> Vec<&str> {
    let derived = source.split("#[derive(").skip(1).filter_map(|rest| rest.split_once(")]"));
    let both = derived.filter(|(traits, _)| {
        let has = |wanted: &str| traits.split([',', ':']).any(|name| name.trim() == wanted);
        has("Deserialize") && has("ToSchema")
    });
    let named = both.filter_map(|(_, rest)| {
        let line = rest
            .lines()
            .map(str::trim_start)
            .find(|line| line.starts_with("pub struct ") || line.starts_with("pub enum "))?;
        line.split_whitespace().nth(2)
    });
    named.filter_map(|name| name.split(|c: char| !c.is_alphanumeric()).next()).collect()
}

#[test]
fn no_further_type_is_both_stored_and_shown() {
    let sources = files(&[".rs"]);
    let shared = sources.iter().filter(|(name, _)| name.starts_with("shared/src"));
    let found: BTreeSet<&str> = shared.flat_map(|(_, source)| read_and_described(source)).collect();
    let known = BTreeSet::from(BOTH);
    let (new, gone): (Vec<_>, Vec<_>) = (found.difference(&known).collect(), known.difference(&found).collect());
    assert!(new.is_empty(), "give the API a type of its own (`…View`) in functions/api: {new:?}");
    assert!(gone.is_empty(), "take these out of BOTH: {gone:?}");
}

#[test]
fn a_type_that_is_both_is_found_whatever_stands_between() {
    let source = "#[derive(Debug, Serialize, Deserialize, ToSchema)]\n#[serde(tag = \"kind\")]\n/// Says.\npub enum Both {\n}\n\
                  #[derive(Serialize, ToSchema)]\npub struct Shown;\n#[derive(Deserialize)]\npub struct Stored<T>(T);\n";
    assert_eq!(read_and_described(source), ["Both"]);
}
