//! Compares the entries, what was pushed, and what is in Outlook. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    base::id::EntryId,
    graph::{OutlookItem, OutlookItemKind, PlaceItems},
    push::{Copy, Placed, PushChoice},
};

/// What Outlook shows in one mailbox, by place.
pub type SeenItems = BTreeMap<OutlookItemKind, PlaceItems>;

/// How an entry shall show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedItem {
    /// As what.
    pub place: OutlookItemKind,
    /// The item itself.
    pub item: OutlookItem,
}

impl WantedItem {
    /// Of an item.
    pub fn of(item: &OutlookItem) -> Self {
        Self { place: item.place(), item: item.clone() }
    }
}

/// The items that a member is to have, by entry.
pub type WantedItems = BTreeMap<EntryId, WantedItem>;

/// The kind of difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is not there, and never was.
    Missing,
    /// It is there, and shall not be, or not in this place.
    Unwanted,
    /// It was there, and is not any more.
    Gone,
    /// Somebody changed it there.
    Altered,
    /// The application changed the entry since.
    Outdated,
    /// It was made since the last look, and no change since then names it: it is looked for.
    Unseen,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which entry.
    pub entry: EntryId,
    /// What about it.
    pub verdict: Verdict,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.verdict {
            Verdict::Missing => "is not there and will be made",
            Verdict::Unwanted => "is there and will be removed",
            Verdict::Gone => "was removed there and will be made again",
            Verdict::Altered => "was changed there and will be set back",
            Verdict::Outdated => "is outdated and will be changed",
            Verdict::Unseen => "was made since the last look and will be looked for",
        };
        write!(f, "{} {what}", self.entry)
    }
}

/// Changes may be told some time after they were made.
const SETTLING: Duration = Duration::from_secs(2 * 60);

/// Lists the differences. `wanted`: the wanted entries, or none if they were not read; then only items in `seen` are
/// judged. `looks`: the times of the previous and of this check, if `seen` has only the changes between them. Items
/// that greffe did not create are ignored.
pub fn compare(
    wish: &PushChoice,
    wanted: Option<&WantedItems>,
    copies: &[Copy],
    seen: &SeenItems,
    looks: Option<(Timestamp, Timestamp)>,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut tell = |entry: &EntryId, verdict| differences.push(Difference { entry: entry.clone(), verdict });
    for copy in copies {
        let entry = &copy.entry;
        let shape = wanted.and_then(|wanted| wanted.get(entry));
        let wanted_place = if wanted.is_some() { shape.map(|shape| shape.place) } else { wish.place(entry.kind) };
        match (&copy.placed, wanted_place) {
            (Some(placed), place) if place != Some(placed.place) => tell(entry, Verdict::Unwanted),
            (Some(placed), _) => match look_up(placed, seen, looks) {
                There::AsLeft if copy.failure.is_none() && shape.is_some_and(|s| s.item.digest() != placed.sent) => {
                    tell(entry, Verdict::Outdated);
                }
                There::AsLeft if copy.failure.is_none() && shape.is_some_and(|s| !is_kept(s, placed, seen)) => {
                    tell(entry, Verdict::Altered);
                }
                There::AsLeft => {}
                There::Unseen => tell(entry, Verdict::Unseen),
                There::Altered => tell(entry, Verdict::Altered),
                There::Gone => tell(entry, Verdict::Gone),
            },
            // What failed has its own next try.
            (None, Some(_)) if copy.failure.is_none() => tell(entry, Verdict::Missing),
            // Of one that failed before it was there, its failure goes.
            (None, None) if !copy.is_nowhere() || copy.failure.is_some() => tell(entry, Verdict::Unwanted),
            (None, _) => {}
        }
    }
    let known: BTreeSet<&EntryId> = copies.iter().map(|copy| &copy.entry).collect();
    for entry in wanted.into_iter().flat_map(WantedItems::keys).filter(|entry| !known.contains(entry)) {
        tell(entry, Verdict::Missing);
    }
    differences
}

/// Whether what is shown of it has all that was sent.
fn is_kept(shape: &WantedItem, placed: &Placed, seen: &SeenItems) -> bool {
    let shown = seen.get(&placed.place).and_then(|sight| sight.items.get(&placed.id)).and_then(Option::as_ref);
    shown.is_none_or(|shown| shape.item.is_kept_by(shown))
}

enum There {
    Unseen,
    AsLeft,
    Altered,
    Gone,
}

/// An item whose version is the one that our last write made is as we left it, however it is told.
fn look_up(placed: &Placed, seen: &SeenItems, looks: Option<(Timestamp, Timestamp)>) -> There {
    let Some(sight) = seen.get(&placed.place) else { return There::AsLeft };
    match sight.items.get(&placed.id) {
        Some(Some(shown)) if shown.etag.is_some() && shown.etag == placed.etag => There::AsLeft,
        Some(Some(shown)) if shown.seen.is_some() && shown.seen == placed.seen => There::AsLeft,
        Some(Some(_)) => There::Altered,
        Some(None) => There::Gone,
        None if sight.whole => There::Gone,
        // An item that was made and deleted between two looks may be in no change at all.
        None => match (placed.made_at, looks) {
            (Some(made), Some((since, now))) if since - SETTLING < made && made <= now - SETTLING => There::Unseen,
            _ => There::AsLeft,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::language::Language,
        firm::member::{DateTarget, Push},
        graph::{ContactContent, ShownItem},
    };

    fn item(name: &str) -> OutlookItem {
        ContactContent { display_name: name.to_owned(), ..ContactContent::default() }.into()
    }

    fn wish(contacts: bool) -> PushChoice {
        PushChoice {
            push: Some(Push { dates: true, contacts, target: DateTarget::Calendar }),
            language: Language::English,
        }
    }

    fn entry(id: &str) -> EntryId {
        format!("contact#{id}").parse().unwrap()
    }

    fn wanted(ids: &[&str]) -> WantedItems {
        let shape = WantedItem::of(&item("d"));
        ids.iter().map(|id| (entry(id), shape.clone())).collect()
    }

    fn copy(id: &str) -> Copy {
        let (etag, seen) = (Some("1".to_owned()), Some("s".to_owned()));
        let (sent, parts) = (item("d").digest().to_owned(), String::new());
        let (place, item_id, shown) = (OutlookItemKind::Contact, id.to_owned(), String::new());
        let placed = Placed { place, id: item_id, sent, etag, seen, parts, shown, made_at: None };
        Copy { placed: Some(placed), ..Copy::new(entry(id)) }
    }

    fn sight(whole: bool, items: &[(&str, Option<(&str, &str)>)]) -> SeenItems {
        let items = items.iter().map(|(id, shown)| {
            let shown = shown.map(|(etag, seen)| ShownItem {
                id: (*id).to_owned(),
                etag: Some(etag.to_owned()),
                seen: Some(seen.to_owned()),
                parts: String::new(),
                emails: BTreeSet::new(),
            });
            ((*id).to_owned(), shown)
        });
        SeenItems::from([(OutlookItemKind::Contact, PlaceItems { whole, items: items.collect() })])
    }

    fn told(differences: Vec<Difference>) -> Vec<String> {
        differences.iter().map(Difference::to_string).collect()
    }

    #[test]
    fn what_was_removed_or_changed_there_is_told_and_what_is_as_we_left_it_is_not() {
        let copies = ["same", "dismissed", "altered", "gone", "outdated"].map(copy);
        let mut wanted = wanted(&["same", "dismissed", "altered", "gone", "new"]);
        wanted.insert(entry("outdated"), WantedItem::of(&item("another")));
        let seen = sight(
            true,
            &[
                ("same", Some(("1", "other digits"))),
                ("dismissed", Some(("2", "s"))),
                ("altered", Some(("2", "t"))),
                ("outdated", Some(("1", "s"))),
                ("the person's own", Some(("7", "u"))),
            ],
        );
        assert_eq!(
            told(compare(&wish(true), Some(&wanted), &copies, &seen, None)),
            [
                "contact#altered was changed there and will be set back",
                "contact#gone was removed there and will be made again",
                "contact#outdated is outdated and will be changed",
                "contact#new is not there and will be made",
            ]
        );
    }

    #[test]
    fn changes_tell_only_of_what_they_name() {
        let copies = ["a", "b"].map(copy);
        let changes = sight(false, &[("b", None), ("another", None)]);
        let told = told(compare(&wish(true), None, &copies, &changes, None));
        assert_eq!(told, ["contact#b was removed there and will be made again"]);
    }

    #[test]
    fn what_was_made_since_the_last_look_and_is_in_no_change_is_looked_for() {
        let at = |time: &str| time.parse::<Timestamp>().unwrap();
        let looks = Some((at("2026-03-02T08:00:00Z"), at("2026-03-02T08:15:00Z")));
        let judged = |made: &str| {
            let mut copy = copy("a");
            copy.placed.as_mut().unwrap().made_at = Some(at(made));
            told(compare(&wish(true), None, &[copy], &sight(false, &[]), looks))
        };
        let unseen = ["contact#a was made since the last look and will be looked for"];
        assert_eq!(judged("2026-03-02T08:05:00Z"), unseen);
        assert_eq!(judged("2026-03-02T07:59:00Z"), unseen, "the last look may have been too early for it");
        assert!(judged("2026-03-02T08:14:00Z").is_empty(), "the next look may show it");
        assert!(judged("2026-03-02T07:00:00Z").is_empty());
    }

    #[test]
    fn what_is_not_wanted_any_more_or_is_switched_off_goes() {
        let copies = ["a"].map(copy);
        let goes = ["contact#a is there and will be removed"];
        assert_eq!(told(compare(&wish(true), Some(&WantedItems::new()), &copies, &SeenItems::new(), None)), goes);
        assert_eq!(told(compare(&wish(false), None, &copies, &SeenItems::new(), None)), goes);
    }
}
