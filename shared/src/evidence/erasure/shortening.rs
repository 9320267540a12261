//! Keeps originals less long, because the retention periods ask for it.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    aws::table::{Key, Row, TableError},
    base::{
        id::{FirmId, MessageId},
        telemetry::ErrorChain,
    },
    evidence::erasure::{
        eraser::{AT_ONCE, Eraser, Erasure},
        refusal::EraseError,
    },
    firm::retention::KeptUntil,
    mail::{
        archive::{OriginalKey, StoredObject},
        message::{Message, Original},
        retention_keeper::{Keeper, KeeperError, KeepingRules},
    },
};

impl Eraser<'_> {
    /// The messages that are to be kept less long than they are. Nothing is written.
    pub(super) async fn find_shortened(&self, erasure: &Erasure) -> Result<Vec<(Row<Message>, KeptUntil)>, EraseError> {
        let (firm, now, mut found) = (erasure.firm, self.clock.now(), Vec::new());
        if erasure.shortened.is_empty() {
            return Ok(found);
        }
        let Some(rules) = KeepingRules::of(self.table, firm).await? else { return Ok(found) };
        let keys: Vec<Key> = erasure.shortened.iter().map(|id| Key::message(firm, *id)).collect();
        for row in self.table.get_all::<Message>(&keys).await? {
            let Some(original) = row.value.original() else { continue };
            let Some(wanted) = rules.kept_until(self.table, &row.value).await? else { continue };
            if wanted >= original.until {
                continue;
            }
            let key = original.key(firm, row.value.id).to_string();
            if let Some(lock) = self.appender.store.bucket.lock_of(&key, now).await? {
                return Err(EraseError::locked(key, lock));
            }
            found.push((row, wanted));
        }
        Ok(found)
    }

    /// Has messages kept less long: each is copied to its earlier year, and then what would be kept longer is deleted.
    pub(super) async fn shorten(
        &self,
        erasure: &Erasure,
        found: &[(Row<Message>, KeptUntil)],
    ) -> Result<(), EraseError> {
        let Erasure { firm, shortened, .. } = erasure;
        if shortened.is_empty() {
            return Ok(());
        }
        let feed = self.appender.feed;
        if !found.is_empty() {
            let record = erasure.record(found.iter().map(|(row, _)| row.value.id).collect());
            feed.record_unseen(*firm, Vec::new(), &format!("shortened-{}", feed.new_id()), &record).await?;
        }
        // A keeper of its own follows the feed, and has S3 hold what is to be held.
        let (table, archive, clock) = (self.table, self.indexer.archive, self.clock);
        let keeper = Keeper { table, feed, archive, clock, has_lock: false };
        let mut told = Vec::new();
        for (row, until) in found {
            // A hold or a longer period may have come since it was found.
            let wanted = match KeepingRules::of(self.table, *firm).await? {
                Some(rules) => rules.kept_until(self.table, &row.value).await?,
                None => None,
            };
            if wanted != Some(*until) {
                continue;
            }
            match keeper.keep(*firm, row.clone(), *until).await {
                // It is no evidence any more, and stays as it is.
                Err(error @ KeeperError::NotAsWritten(_)) => {
                    tracing::error!(firm.id = %firm, error = %ErrorChain(&error), "an original is not kept less long");
                }
                kept => told.extend(kept?),
            }
        }
        feed.announce_recorded(*firm, &told).await;
        while self.appender.append(*firm, self.clock.now()).await?.more {}
        let years = self.years_until().await?;
        let erased = shortened.iter().map(|id| self.erase_longer(*firm, *id, &years));
        let erased: Vec<_> = erased.collect();
        stream::iter(erased).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Deletes the copies of an original that would be kept longer than it is.
    async fn erase_longer(&self, firm: FirmId, id: MessageId, years: &BTreeSet<KeptUntil>) -> Result<(), EraseError> {
        let key = Key::message(firm, id);
        let original = async || -> Result<Option<Original>, TableError> {
            let found = self.table.get::<Message>(&key).await?;
            Ok(found.and_then(|row| row.value.original().cloned()))
        };
        let Some(kept) = original().await? else { return Ok(()) };
        for until in years.iter().filter(|until| **until > kept.until) {
            let key = OriginalKey::new(firm, id, *until).to_string();
            // What Object Lock keeps stays as a copy.
            if self.appender.store.bucket.lock_of(&key, self.clock.now()).await?.is_none() {
                self.appender.store.bucket.erase(&key).await?;
            }
        }
        // A keeper that kept it longer meanwhile may have relied on a copy that is gone now.
        let Some(now) = original().await? else { return Ok(()) };
        let (archive, stored) = (self.indexer.archive, StoredObject { sha256: now.sha256, bytes: now.bytes });
        if archive.find(now.key(firm, id)).await.map_err(KeeperError::from)? != Some(stored) {
            for until in years.iter().filter(|until| **until < now.until) {
                let shorter = OriginalKey::new(firm, id, *until);
                if archive.copy(shorter, now.until, stored).await.map_err(KeeperError::from)? {
                    break;
                }
            }
        }
        Ok(())
    }
}
