//! A form that replaces something: as it is stored, or as it was typed where it was refused.

use crate::{
    api_client::Refusal,
    form::{Fields, TAG_FIELD},
};

/// A form of a page.
pub(super) struct FormShown {
    /// What was typed, where it was refused.
    pub typed: Fields,
    /// The tag of what the form shows.
    pub tag: String,
    pub refusal: Option<Refusal>,
    /// What holds, where somebody else changed it meanwhile.
    pub newer: Option<String>,
}

impl FormShown {
    /// The form `deed`, if it is the one that was sent. `stored`: the tag of what holds, and that in words.
    pub(super) fn of(deed: &str, sent: &Fields, refusal: Option<&Refusal>, stored: (String, String)) -> Self {
        let (tag, words) = stored;
        let refusal = refusal.filter(|_| sent.get("do") == deed).cloned();
        let typed = if refusal.is_some() { sent.clone() } else { Fields::default() };
        let is_overtaken = refusal.as_ref().is_some_and(Refusal::is_overtaken);
        // A person who learns that somebody else changed it sees the stored state: its tag counts.
        let keeps = !is_overtaken && !typed.get(TAG_FIELD).is_empty();
        let tag = if keeps { typed.get(TAG_FIELD).to_owned() } else { tag };
        Self { typed, tag, refusal, newer: is_overtaken.then_some(words) }
    }
}
