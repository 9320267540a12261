//! `greffe index`: the indexes of words made again from the feeds and the originals.

use jiff::Timestamp;
use shared::{
    app::App,
    aws::{table::TableError, worker::Deadline},
    base::id::FirmId,
    search::indexer::{IndexedFacts, IndexingError},
};

use crate::place::{Place, PlaceError};

/// An index that could not be made again.
#[derive(Debug, thiserror::Error)]
pub enum IndexHereError {
    /// There is no archive.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The firms can't be listed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The archive has no such firm.
    #[error("there is no firm {0} in this archive")]
    UnknownFirm(FirmId),
    /// The feed, the originals or the index can't be read or written.
    #[error("make the index of firm {0} again")]
    Indexing(FirmId, #[source] IndexingError),
}

/// Makes the index of `firm` again, or that of each firm: how many events each has. `tell` gets the progress.
///
/// Errors: there is no such archive or firm; S3 or the table refuses or does not answer. Then it can be run again.
pub async fn rebuild(
    place: &Place,
    firm: Option<FirmId>,
    tell: impl Fn(&str),
) -> Result<Vec<(FirmId, u64)>, IndexHereError> {
    let app = place.open().await?;
    let all = app.table.due_indexes(Timestamp::MAX).await?;
    let firms = match firm {
        None => all,
        Some(firm) if all.contains(&firm) => vec![firm],
        Some(firm) => return Err(IndexHereError::UnknownFirm(firm)),
    };
    let mut rebuilt = Vec::new();
    for firm in firms {
        let events = of_firm(&app, firm, &tell).await.map_err(|source| IndexHereError::Indexing(firm, source))?;
        rebuilt.push((firm, events));
    }
    Ok(rebuilt)
}

/// The same as the function `indexer` does, without a deadline.
async fn of_firm(app: &App, firm: FirmId, tell: &impl Fn(&str)) -> Result<u64, IndexingError> {
    let indexer = app.indexer();
    indexer.restart(firm, None).await?;
    loop {
        let IndexedFacts { upto, more, .. } = indexer.append(firm, app.clock.now()).await?;
        if !more {
            let deadline = Deadline::before(u64::MAX, app.clock.clone());
            return Ok(indexer.follow(&app.table, firm, &app.clock, &deadline).await?.upto.max(upto));
        }
        tell(&format!("firm {firm}: {upto} events are in the index"));
    }
}
