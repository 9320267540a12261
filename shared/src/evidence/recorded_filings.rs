//! What the facts say of where mails are filed. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    aws::table::Key,
    base::{digest::Digest, id::MessageId},
    firm::fact::StoredFact,
    mail::{filing::FilingId, message::FilingRecord},
};

/// A change of where a message is filed, as its fact tells it.
#[derive(Debug, Clone)]
pub(super) struct RecordedFiling {
    pub(super) number: u64,
    pub(super) of: FilingId,
    pub(super) fact: StoredFact,
}

/// What is known of all filings of a firm.
#[derive(Default)]
pub(super) struct RecordedFilings {
    /// Each change that a fact tells of, by eight bytes of a digest, with the fact's number: there may be millions.
    pub(super) changes: Vec<(u64, u64)>,
    pub(super) dossiers: BTreeSet<String>,
    /// Items that no fact told of when they were met, and whether each is a message.
    pub(super) unknown: Vec<(FilingId, Key, bool)>,
    /// Places in lists of dossiers of which a finding tells.
    pub(super) told: BTreeSet<Key>,
}

impl RecordedFilings {
    /// Takes a fact in, if it tells of a filing.
    pub fn note(&mut self, number: u64, fact: &StoredFact) -> Option<RecordedFiling> {
        let is_one = matches!(fact.text("type"), Some("message_filed" | "message_unfiled"));
        let of: FilingId = fact.text("id").filter(|_| is_one)?.parse().ok()?;
        self.changes.push((short(of), number));
        self.dossiers.extend(fact.text("dossier").map(str::to_owned));
        Some(RecordedFiling { number, of, fact: fact.clone() })
    }

    pub fn sort(&mut self) {
        self.changes.sort_unstable();
    }

    pub fn has(&self, of: FilingId) -> bool {
        self.changes.binary_search_by_key(&short(of), |(change, _)| *change).is_ok()
    }

    /// The numbers of facts that tell again of what another told, which has the second number.
    pub fn repeated(&self) -> Vec<(u64, u64)> {
        let pairs = self.changes.windows(2).filter(|pair| pair[0].0 == pair[1].0);
        pairs.map(|pair| (pair[1].1, pair[0].1)).collect()
    }
}

/// Enough of a change to tell it from others.
fn short(FilingId { message, count }: FilingId) -> u64 {
    let digest = Digest::of(format!("{message} {count}").as_bytes()).bytes();
    digest.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

impl RecordedFiling {
    /// The message.
    pub fn message(&self) -> MessageId {
        self.of.message
    }

    /// The fields of a change in which it is not the one that the fact tells of.
    pub fn differences(&self, filing: &FilingRecord) -> Vec<&'static str> {
        let text = |name| self.fact.text(name);
        let through = serde_json::to_value(filing.through).ok();
        let all = [
            ("count", filing.count == self.of.count),
            ("dossier", filing.dossier.as_deref() == text("dossier")),
            ("at", text("at").and_then(|at| at.parse().ok()) == Some(filing.at)),
            ("by", text("by").is_none_or(|by| by == filing.by)),
            ("through", text("through").is_none_or(|text| through.as_ref().and_then(Value::as_str) == Some(text))),
        ];
        all.into_iter().filter(|(_, is_same)| !is_same).map(|(name, _)| name).collect()
    }
}
