//! The seal of an item: a digest of all that greffe wrote there, by which a verification sees that something else
//! changed the item since. It takes no secret, so it helps against a careless hand or a fault, and not against somebody
//! who makes it anew.
//!
//! Every write replaces the whole item and so its seal. A version that knows no seals leaves none; then the item counts
//! as one of an older version. What is counted up in place has no seal (`Key::is_sealed`).

use aws_sdk_dynamodb::types::AttributeValue;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha2::{Digest as _, Sha256};

use super::table_key::TableItem;

/// The attribute that holds it.
const SEAL: &str = "seal";
/// Bytes of the digest that are kept, so that an item hardly grows: nobody has to be kept from finding two alike.
const SEAL_BYTES: usize = 12;

/// Puts its seal on an item.
pub(super) fn seal(item: &mut TableItem) {
    let seal = seal_of(item);
    item.insert(SEAL.to_owned(), AttributeValue::S(seal));
}

/// Whether an item has a seal that is not its own.
pub(super) fn is_broken(item: &TableItem) -> bool {
    item.get(SEAL).is_some_and(|seal| seal.as_s().ok() != Some(&seal_of(item)))
}

fn seal_of(item: &TableItem) -> String {
    let mut hasher = Sha256::new();
    add_map(&mut hasher, item.iter().filter(|(name, _)| *name != SEAL));
    BASE64_STANDARD.encode(&hasher.finalize()[..SEAL_BYTES])
}

/// By name, because a map has no order.
fn add_map<'a>(hasher: &mut Sha256, map: impl Iterator<Item = (&'a String, &'a AttributeValue)>) {
    let mut fields: Vec<_> = map.collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    add_head(hasher, b'M', fields.len());
    for (name, value) in fields {
        add_bytes(hasher, b'K', name.as_bytes());
        add_value(hasher, value);
    }
}

fn add_value(hasher: &mut Sha256, value: &AttributeValue) {
    match value {
        AttributeValue::S(text) => add_bytes(hasher, b'S', text.as_bytes()),
        AttributeValue::N(number) => add_bytes(hasher, b'N', number.as_bytes()),
        AttributeValue::Bool(is) => add_head(hasher, b'B', usize::from(*is)),
        AttributeValue::M(map) => add_map(hasher, map.iter()),
        AttributeValue::L(list) => {
            add_head(hasher, b'L', list.len());
            list.iter().for_each(|value| add_value(hasher, value));
        }
        // A null, or what greffe never writes: sets and bytes.
        _ => add_head(hasher, b'0', 0),
    }
}

/// With its kind and length before it, nothing reads like two things that follow each other.
fn add_bytes(hasher: &mut Sha256, kind: u8, bytes: &[u8]) {
    add_head(hasher, kind, bytes.len());
    hasher.update(bytes);
}

fn add_head(hasher: &mut Sha256, kind: u8, length: usize) {
    hasher.update([kind]);
    hasher.update((length as u64).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn text(text: &str) -> AttributeValue {
        AttributeValue::S(text.to_owned())
    }

    fn item() -> TableItem {
        let inner =
            HashMap::from([("dossier".to_owned(), text("2026/17")), ("none".to_owned(), AttributeValue::Null(true))]);
        HashMap::from([
            ("pk".to_owned(), text("FIRM#f")),
            ("folder".to_owned(), text("inbox")),
            ("bytes".to_owned(), AttributeValue::N("17".to_owned())),
            ("has".to_owned(), AttributeValue::Bool(true)),
            ("filing".to_owned(), AttributeValue::M(inner)),
            ("list".to_owned(), AttributeValue::L(vec![text("a"), text("b")])),
        ])
    }

    fn sealed() -> TableItem {
        let mut item = item();
        seal(&mut item);
        item
    }

    #[test]
    fn a_seal_is_the_same_in_every_version() {
        assert_eq!(sealed()["seal"], text("KaTYfR/iURZwPoWI"));
        let mut again = sealed();
        seal(&mut again);
        assert!(again == sealed() && !is_broken(&again) && !is_broken(&item()), "a seal is no part of what it seals");
    }

    #[test]
    fn a_seal_that_an_older_version_wrote_fits() {
        let sample = include_str!("../../tests/house/stored/message-sealed.json");
        let item: TableItem = serde_json::from_str::<serde_dynamo::Item>(sample).unwrap().into();
        assert!(item.contains_key(SEAL) && !is_broken(&item));
    }

    #[test]
    fn every_change_of_an_item_breaks_its_seal() {
        for change in [
            ("folder", text("archive")),
            ("bytes", AttributeValue::N("18".to_owned())),
            ("bytes", text("17")),
            ("has", AttributeValue::Bool(false)),
            ("list", AttributeValue::L(vec![text("ab")])),
            ("list", AttributeValue::L(vec![text("b"), text("a")])),
            ("filing", AttributeValue::M(HashMap::from([("dossier".to_owned(), text("2026/18"))]))),
            ("pk", text("FIRM#g")),
            ("seal", text("AAAAAAAAAAAAAAAA")),
            ("seal", AttributeValue::Bool(true)),
            ("more", text("")),
        ] {
            let mut changed = sealed();
            changed.insert(change.0.to_owned(), change.1.clone());
            assert!(is_broken(&changed), "{change:?}");
        }
        for name in item().into_keys() {
            let mut less = sealed();
            less.remove(&name);
            assert!(is_broken(&less), "{name}");
        }
    }
}
