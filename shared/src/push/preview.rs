//! A preview of a comparison: what differs between a member's Outlook and what should be there. It changes nothing.

use std::collections::BTreeSet;

use crate::{
    aws::table::{Key, Table, TableError},
    base::id::{EntryId, EntryKind},
    graph::{GraphError, ItemContainers},
    push::{Copy, Difference, Outlook, PushChoice, PushLinks, SeenItems, WantedItems, compare},
};

/// What a comparison would find now.
#[derive(Debug)]
pub struct PushPreview {
    /// What differs.
    pub differences: Vec<Difference>,
    /// The number of entries that are up to date.
    pub unchanged: usize,
}

/// A comparison that can't be made.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// Graph refuses or does not answer, or there is no access token.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The table refuses or does not answer.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Compares all dates and contacts of a member with the member's Outlook.
///
/// Errors: Graph or the table refuses or does not answer, or there is no access token.
pub async fn preview(outlook: &Outlook<'_>, table: &Table, wish: &PushChoice) -> Result<PushPreview, PreviewError> {
    let (firm, member) = (outlook.firm.id, outlook.member);
    let containers = table.get::<ItemContainers>(&Key::containers(firm, member)).await?;
    let mut containers = containers.map(|row| row.value).unwrap_or_default();
    let copies = table.query_all::<Copy>(&Key::copy_prefix(firm, member)).await?;
    let copies: Vec<Copy> = copies.into_iter().map(|row| row.value).collect();
    let (mut wanted, mut seen) = (WantedItems::new(), SeenItems::new());
    for kind in EntryKind::ALL {
        wanted.extend(outlook.wanted(table, wish, kind).await?);
        if let Some(place) = wish.place(kind) {
            seen.insert(place, outlook.look(place, &mut containers, &PushLinks::new()).await?.0);
        }
    }
    let differences = compare(wish, Some(&wanted), &copies, &seen, None);
    let differs: BTreeSet<&EntryId> = differences.iter().map(|difference| &difference.entry).collect();
    let unchanged = wanted.keys().filter(|entry| !differs.contains(entry)).count();
    Ok(PushPreview { differences, unchanged })
}
